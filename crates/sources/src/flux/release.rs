//! A Helm release: each installation, upgrade and rollback is a deployment of its own, for a chart may be installed again with
//! other values.

use domain::Problem;

use super::event::Told;
use super::revision::Revision;
use crate::Parsed;

/// What Helm did, and whether it went well.
struct Action {
    rollback: bool,
    succeeded: bool,
}

impl Told<'_> {
    pub(super) fn release(&self) -> Result<Parsed, Problem> {
        let Some(action) = self.action() else { return Ok(self.says_nothing(self.reason)) };
        // A chart that could not even be rendered has no revision in the event of older versions.
        let revision = self.revision().unwrap_or_else(|| Revision::read("unknown"));
        self.draft(&format!("{}:{}@{}", self.object(), revision.name, self.at), &revision)
            .set("status", if action.succeeded { "succeeded" } else { "failed" })
            .maybe("change_kind", action.rollback.then_some("rollback"))
            .copy_text("status_reason", self.message.filter(|_| !action.succeeded))
            .at("finished_at", self.at)
            .at("updated_at", self.at)
            .alone()
    }

    fn action(&self) -> Option<Action> {
        let of = |rollback, succeeded| Some(Action { rollback, succeeded });
        match self.reason {
            "InstallSucceeded" | "UpgradeSucceeded" => of(false, true),
            "InstallFailed" | "UpgradeFailed" => of(false, false),
            "RollbackSucceeded" => of(true, true),
            "RollbackFailed" => of(true, false),
            // Older versions say it in words alone.
            "info" | "error" => {
                let words: Vec<&str> = self.message?.split_whitespace().take(3).collect();
                match words[..] {
                    ["Helm", action @ ("install" | "upgrade" | "rollback"), end] => {
                        let end = end.trim_end_matches([':', ',', '.']);
                        (end == "succeeded" || end == "failed")
                            .then_some(Action { rollback: action == "rollback", succeeded: end == "succeeded" })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
