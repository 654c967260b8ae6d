//! Which files a commit touches.

use gix::bstr::{BStr, ByteSlice};
use gix::diff::tree::visit::{Action, Change};
use gix::diff::tree::{Recorder, State, Visit};
use gix::objs::TreeRefIter;
use gix::{ObjectId, Repository};

/// A commit that touches more files is an import or a mass rename: its paths say nothing and would fill the store.
pub(super) const MAX_PATHS: usize = 10_000;

/// The paths, or how many there are when they are too many.
pub(super) enum Paths {
    Listed(Vec<String>),
    TooMany,
}

/// Compares two trees, or all of one when there is nothing before. A renamed file counts with both names. None when
/// something cannot be read, as in a clone without all trees.
pub(super) fn between(
    repository: &Repository,
    before: Option<ObjectId>,
    after: ObjectId,
    state: &mut State,
) -> Option<Paths> {
    if before == Some(after) {
        return Some(Paths::Listed(Vec::new()));
    }
    let tree = |id: ObjectId| repository.find_object(id).ok().filter(|found| found.kind == gix::objs::Kind::Tree);
    let before = match before {
        Some(id) => Some(tree(id)?),
        None => None,
    };
    let after = tree(after)?;
    let before = before.as_ref().map_or(&[][..], |found| &found.data);
    let kind = after.id.kind();
    let mut collected = Collector { place: Recorder::default(), paths: Vec::new() };
    let done = gix::diff::tree(
        TreeRefIter::from_bytes(before, kind),
        TreeRefIter::from_bytes(&after.data, kind),
        state,
        &repository.objects,
        &mut collected,
    );
    match done {
        _ if collected.paths.len() > MAX_PATHS => Some(Paths::TooMany),
        Ok(()) => Some(Paths::Listed(collected.paths)),
        Err(_) => None,
    }
}

struct Collector {
    /// Knows the path of the entry visited.
    place: Recorder,
    paths: Vec<String>,
}

impl Visit for Collector {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.place.pop_front_tracked_path_and_set_current();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.place.push_back_tracked_path_component(component);
    }

    fn push_path_component(&mut self, component: &BStr) {
        self.place.push_path_component(component);
    }

    fn pop_path_component(&mut self) {
        self.place.pop_path_component();
    }

    fn visit(&mut self, change: Change) -> Action {
        let folder = match change {
            Change::Addition { entry_mode, .. } | Change::Deletion { entry_mode, .. } => entry_mode.is_tree(),
            Change::Modification { previous_entry_mode, entry_mode, .. } => {
                entry_mode.is_tree() && previous_entry_mode.is_tree()
            }
        };
        if !folder {
            self.paths.push(written(self.place.path()));
        }
        if self.paths.len() > MAX_PATHS { Action::Break(()) } else { Action::Continue(()) }
    }
}

/// A path as an event can hold it: what begins or ends with white space is put in quotes, as Git does with odd names.
fn written(path: &BStr) -> String {
    let text = path.to_str_lossy();
    if text.trim() == text { text.into_owned() } else { format!("{text:?}") }
}
