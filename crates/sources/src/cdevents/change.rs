//! Changes: what is proposed to a repository, a pull request elsewhere. Each event tells its own step only.

use domain::Problem;
use domain::event::EventKind;

use super::Told;
use super::event::{CdEvent, ID};

const REPOSITORY: &str = "/subject/content/repository/id";

/// `change.created`, `change.reviewed`, `change.merged`, `change.abandoned`
pub(super) fn told(event: &CdEvent<'_>) -> Result<Told, Problem> {
    let kind = EventKind::PullRequest;
    let Some(repo) = event.text(REPOSITORY) else {
        return Ok(Told::nothing("the change says no repository, and is known by it"));
    };
    let at = event.at();
    let draft = event.started(kind).set("repo", repo).copy("number", ID).at("opened_at", at);
    let (draft, unknown): (_, &[&str]) = match event.predicate() {
        "created" => (draft.copy("title", "/subject/content/description"), &["marks"]),
        "reviewed" => {
            // Of reviews the first is wanted; that it was an approval is not said.
            (draft.at("first_review_at", at).at("updated_at", event.first_counts()), &["opened_at", "marks"])
        }
        "merged" => (draft.at("merged_at", at).at("closed_at", at), &["opened_at", "marks"]),
        _ => (draft.at("closed_at", at), &["opened_at", "marks"]),
    };
    Ok(event.finish(draft, kind, unknown)?.into())
}
