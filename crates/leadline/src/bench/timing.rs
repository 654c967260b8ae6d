//! Clocks and memory: the only place of the benchmark that looks at either.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Wall time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    pub(crate) fn start() -> Self {
        Watch(Instant::now())
    }

    pub(crate) fn passed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Processor time of this thread where the system tells it, so that what other threads do at the same time does not
/// count; wall time elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor {
    wall: Watch,
    spent: Option<Duration>,
}

impl Processor {
    pub(crate) fn start() -> Self {
        Processor { wall: Watch::start(), spent: processor_time() }
    }

    pub(crate) fn passed(self) -> Duration {
        match (self.spent, processor_time()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.wall.passed(),
        }
    }
}

fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// Resident memory of this process in bytes, now and at its most; none where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) now: Option<u64>,
    pub(crate) peak: Option<u64>,
}

impl Memory {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Memory { now: field(&text, "VmRSS:"), peak: field(&text, "VmHWM:") }
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// How long something took, several times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) n: usize,
    pub(crate) min_ms: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) max_ms: f64,
}

impl Times {
    pub(crate) fn of(times: &[Duration]) -> Self {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        metrics::statistics::sort(&mut sorted);
        let at = |percent| metrics::statistics::percentile(&sorted, percent).unwrap_or_default();
        Times { n: sorted.len(), min_ms: at(0), p50_ms: at(50), p95_ms: at(95), max_ms: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(field("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n", "VmHWM:"), Some(2 * 1024 * 1024));
        assert_eq!(field("VmHWM:\t many\n", "VmHWM:"), None);
    }

    #[test]
    fn times_have_their_percentiles() {
        let times = Times::of(&[3, 1, 2].map(Duration::from_millis));
        assert_eq!((times.n, times.min_ms, times.p50_ms, times.max_ms), (3, 1.0, 2.0, 3.0));
        assert_eq!(Times::of(&[]).n, 0);
    }
}
