//! Who comes in: with a token as the password, over TLS or from this machine.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A failed login is answered this late.
pub(super) const SLOW: Duration = Duration::from_secs(1);
/// After so many failures of one address within [`WHILE`] nothing it sends is looked at.
const FAILURES: usize = 10;
const WHILE: Duration = Duration::from_secs(60);
/// Addresses remembered; beyond, the oldest are forgotten.
const ADDRESSES: usize = 4_096;

/// Failed logins, by address.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<IpAddr, VecDeque<Instant>>>);

impl Attempts {
    /// Whether an address has failed too often of late.
    pub(super) fn too_many(&self, address: IpAddr, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&address).is_some_and(|failed| failed.iter().filter(|at| now - **at < WHILE).count() >= FAILURES)
    }

    /// Remembers a failure.
    pub(super) fn failed(&self, address: IpAddr, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES {
            known.retain(|_, failed| failed.back().is_some_and(|at| now - *at < WHILE));
        }
        if known.len() >= ADDRESSES {
            known.clear();
        }
        let failed = known.entry(address).or_default();
        failed.push_back(now);
        if failed.len() > FAILURES {
            failed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_often_waits_and_others_do_not() {
        let attempts = Attempts::default();
        let now = Instant::now();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..FAILURES {
            assert!(!attempts.too_many(one, now));
            attempts.failed(one, now);
        }
        assert!(attempts.too_many(one, now) && !attempts.too_many(other, now));
        assert!(!attempts.too_many(one, now + WHILE));
    }
}
