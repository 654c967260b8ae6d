//! A repository's own history: its commits, and its version tags as deployments.
//!
//! Only what is on this machine is read, and nothing in it is run: no hooks, no configuration but the repository's own.

mod commits;
mod location;
mod object;
mod paths;
mod tags;
mod times;
mod walk;

use std::path::Path;

use domain::Timestamp;
use gix::ObjectId;

pub use commits::{CommitOptions, Commits};
pub(crate) use location::repository_name;
pub use tags::{SkipReason, Skipped, TagDeployment, TagOptions, Tags, Target};

/// Why a repository cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It is on another machine.
    #[error("{0} is on another machine; clone it first (`git clone --mirror {0} FOLDER`), then import FOLDER")]
    Remote(String),
    /// There is no repository, or none that can be opened.
    #[error("{path} is not a Git repository that can be read: {why}")]
    Open {
        /// What was asked for.
        path: String,
        /// What stands in the way.
        why: String,
    },
    /// It is damaged.
    #[error("the repository cannot be read: {0}")]
    Read(String),
}

/// An open repository.
pub struct Repository {
    inner: gix::Repository,
    name: String,
}

/// Opens a repository: its folder, its `.git`, a bare one, or a `file://` address.
///
/// It is named like its remote `origin` (`owner/name`, as its hosting service and its hook call it), else like its folder.
///
/// # Errors
/// [`GitError::Remote`] for an address of another machine, [`GitError::Open`] for what is no repository.
pub fn open(path: &Path) -> Result<Repository, GitError> {
    let folder = location::folder(path)?;
    let failed = |why: String| GitError::Open { path: folder.display().to_string(), why };
    // The owner of the files may be another user, as in a container; nothing in the configuration is run.
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Full);
    let mut inner = gix::open_opts(folder.as_path(), options).map_err(|error| failed(error.to_string()))?;
    inner.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
    let configured = |key: &str| inner.config_snapshot().string(key).map(|value| value.to_string());
    if configured("extensions.refStorage").is_some_and(|kind| kind.eq_ignore_ascii_case("reftable")) {
        let help = "its references are in a reftable; `git refs migrate --ref-format=files` changes that";
        return Err(failed(help.to_owned()));
    }
    let name = configured("remote.origin.url")
        .and_then(|url| location::repository_name(&url))
        .unwrap_or_else(|| location::folder_name(inner.common_dir(), inner.workdir()));
    Ok(Repository { inner, name })
}

/// Trees are read again and again: most of a commit's are its parent's.
const OBJECT_CACHE_BYTES: usize = 64 * 1024 * 1024;

impl Repository {
    /// The name its commits and tags carry as `repo`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same repository under another name, when its hosting service calls it otherwise.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Whether history ends early here, as in `git clone --depth`.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow().unwrap_or(false)
    }

    /// Every commit that a branch or a tag reaches, parents before children, else the oldest first.
    ///
    /// # Errors
    /// [`GitError::Read`] when the references or the commits cannot be read.
    pub fn commits(&self, options: CommitOptions) -> Result<Commits<'_>, GitError> {
        Commits::new(self, options)
    }

    /// The tags: as tag events, and those that are versions as deployments in time order.
    ///
    /// # Errors
    /// [`GitError::Read`] when the references cannot be read.
    pub fn tags(&self, options: &TagOptions<'_>) -> Result<Tags, GitError> {
        tags::read(self, options)
    }
}

/// What a reference leads to.
struct Peeled {
    commit: ObjectId,
    /// What the outermost tag object says, when there is one.
    tagged: Option<i64>,
}

impl Repository {
    /// Follows tags, and tags on tags, to a commit.
    fn peel(&self, id: ObjectId) -> Result<Peeled, SkipReason> {
        const TAGS_ON_TAGS: usize = 64;
        let (mut id, mut tagged) = (id, None);
        for depth in 0..TAGS_ON_TAGS {
            let object = match self.inner.try_find_object(id) {
                Ok(Some(object)) => object,
                Ok(None) => return Err(SkipReason::Unreadable("the object is missing".to_owned())),
                Err(error) => return Err(SkipReason::Unreadable(error.to_string())),
            };
            match object.kind {
                gix::objs::Kind::Commit => return Ok(Peeled { commit: id, tagged }),
                gix::objs::Kind::Tag => {
                    let tag = object::tag(&object.data);
                    if depth == 0 {
                        tagged = tag.seconds;
                    }
                    id = tag
                        .target
                        .ok_or_else(|| SkipReason::Unreadable("the tag object names no object".to_owned()))?;
                }
                gix::objs::Kind::Tree | gix::objs::Kind::Blob => return Err(SkipReason::NotACommit),
            }
        }
        Err(SkipReason::Unreadable("too many tags on tags".to_owned()))
    }
}

fn unreadable(error: impl std::fmt::Display) -> GitError {
    GitError::Read(error.to_string())
}

/// Git writes instants in seconds.
fn instant(seconds: i64) -> Option<Timestamp> {
    seconds.checked_mul(domain::time::SECOND).map(Timestamp::from_micros)
}
