//! What stands in the way of a watch, and how long to wait.

use std::time::Duration;

use sources::kubernetes::Kind;
use sources::poll::Halt;

/// Waits after the first trouble, and at most.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);
/// Where something is not allowed or not there, nobody has to hurry.
const REFUSED: Duration = Duration::from_secs(240);

/// Why something did not work.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The version asked for is too old: list again.
    Gone,
    /// Tried again soon.
    Passing(String),
    /// Somebody has to do something; tried again later.
    Refused(String),
    /// The keeper cannot go on.
    Halted(Halt),
}

impl From<Halt> for Trouble {
    fn from(halt: Halt) -> Self {
        Trouble::Halted(halt)
    }
}

impl Trouble {
    /// Of an error of the client, of a request for workloads of a kind.
    pub(crate) fn of(error: &kube::Error, kind: &Kind) -> Self {
        match error {
            kube::Error::Api(status) => Self::status(status.code, &status.reason, &status.message, kind),
            other => Trouble::Passing(format!("the API server does not answer: {}", chain(other))),
        }
    }

    /// Of an answer of the API server.
    pub(crate) fn status(code: u16, reason: &str, message: &str, kind: &Kind) -> Self {
        let Kind { plural, group, .. } = kind;
        match (code, reason) {
            (410, _) | (_, "Expired" | "Gone") => Trouble::Gone,
            (401, _) => Trouble::Refused(
                "the API server does not know who asks (401): check the token or certificate of the kubeconfig"
                    .to_owned(),
            ),
            (403, _) => Trouble::Refused(format!(
                "not allowed (403): bind a role that may `get`, `list` and `watch` `{plural}` of `{group}`"
            )),
            (404, _) => Trouble::Refused(format!("the cluster has no `{plural}` of `{group}` (404)")),
            _ => Trouble::Passing(format!("the API server answered {code}: {}", clip(message))),
        }
    }

    /// How long to wait before it is tried again; `chance` from 0 to 1 spreads those who wait.
    pub(crate) fn pause(&self, attempts: u32, chance: f64) -> Duration {
        let whole = match self {
            Trouble::Refused(_) => REFUSED,
            _ => (FIRST * 2u32.saturating_pow(attempts.min(16))).min(MOST),
        };
        whole / 2 + (whole / 2).mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// An error with what it comes from: the outermost rarely says what happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    clip(&text).to_owned()
}

fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(300)]
}

#[cfg(test)]
mod tests {
    use sources::kubernetes::KINDS;

    use super::*;

    #[test]
    fn what_is_in_the_way_is_told_apart() {
        let of = |code, reason: &str| Trouble::status(code, reason, "it broke", &KINDS[3]);
        assert!(matches!(of(410, ""), Trouble::Gone) && matches!(of(500, "Expired"), Trouble::Gone));
        for code in [401, 403, 404] {
            assert!(matches!(of(code, ""), Trouble::Refused(_)), "{code}");
        }
        let Trouble::Refused(why) = of(403, "Forbidden") else { unreachable!("it is refused") };
        assert_eq!(
            why,
            "not allowed (403): bind a role that may `get`, `list` and `watch` `rollouts` of `argoproj.io`"
        );
        let Trouble::Passing(why) = of(503, "") else { unreachable!("it passes") };
        assert_eq!(why, "the API server answered 503: it broke");
    }

    #[test]
    fn waits_double_are_spread_and_end_somewhere() {
        let seconds = |trouble: &Trouble, attempts, chance| trouble.pause(attempts, chance).as_secs_f64();
        let passing = Trouble::Passing(String::new());
        assert_eq!([0, 1, 3, 40].map(|attempts| seconds(&passing, attempts, 1.0)), [1.0, 2.0, 8.0, 60.0]);
        assert_eq!([0.0, 0.5].map(|chance| seconds(&passing, 3, chance)), [4.0, 6.0]);
        assert_eq!(seconds(&Trouble::Refused(String::new()), 0, 1.0), 240.0);
    }
}
