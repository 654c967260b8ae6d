//! How fast rows are appended, applied and rebuilt: `cargo run --release -p store --example speed`, with the number of
//! events in the environment variable `EVENTS`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement: it tells and it may fail loudly")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support.rs"]
mod support;

use std::time::Instant;

use domain::event::Event;
use serde_json::json;
use tempfile::TempDir;

use support::{add, deliveries, event, minute, open, open_held};

const COMPONENTS: usize = 500;

fn component(n: usize) -> (String, String) {
    (format!("product-{}", n % COMPONENTS / 5), format!("service-{}", n % COMPONENTS))
}

/// Hashes that differ from the first digit on, as real ones do.
fn sha(n: usize) -> String {
    format!("{:016x}{n:024x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn deployed(n: usize) -> Event {
    let (product, name) = component(n);
    event(json!({
        "type": "deployment", "id": format!("deploy-{n:08}"), "component": name, "product": product,
        "environment": "production", "status": "succeeded", "instance": (["eu-1", "us-1"][n / COMPONENTS % 2]),
        "sha": sha(n), "version": format!("v1.{n}.0"), "repo": format!("acme/{name}"),
        "started_at": minute(n / 20), "finished_at": minute(n / 20 + 5), "trigger": "automated",
        "url": format!("https://ci.example.com/jobs/{n}"),
    }))
}

fn changed(n: usize) -> Event {
    let parent = if n < COMPONENTS { json!([]) } else { json!([sha(n - COMPONENTS)]) };
    event(json!({
        "type": "change", "repo": format!("acme/{}", component(n).1), "sha": sha(n), "parents": parent,
        "committed_at": minute(n / 20), "authored_at": minute(n / 20), "message": format!("Change number {n}\n\nFor a reason."),
    }))
}

/// Seconds this process has worked so far, on a machine where others work too.
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

#[expect(clippy::disallowed_methods, reason = "this is what is measured")]
fn timed(what: &str, count: usize, work: impl FnOnce()) {
    let (start, before) = (Instant::now(), worked());
    work();
    let (rate, cost) = (count as f64 / start.elapsed().as_secs_f64(), (worked() - before) * 1e6 / count as f64);
    println!("{what}: {rate:.0} a second, {cost:.0} us of processor each");
}

fn measure(what: &str, events: &[Event]) {
    let (folder, count) = (TempDir::new().unwrap(), events.len());
    let store = open_held(&folder);
    timed(&format!("{what} appended"), count, || {
        for some in events.chunks(500) {
            add(&store, deliveries(some.to_vec()));
        }
    });
    drop(store);
    let store = open(&folder);
    timed(&format!("{what} applied"), count, || store.settle().unwrap());
    timed(&format!("{what} rebuilt"), count, || store.rebuild(&mut |_, _| {}).unwrap());
    let mut on = |_: &store::Progress| std::ops::ControlFlow::Continue(());
    timed(&format!("{what} linked anew"), count, || {
        store.rebuild_stepwise(store::Rebuild::Facts, &mut on).unwrap().unwrap();
    });
    let size = std::fs::metadata(folder.path().join("leadline.db")).unwrap().len();
    println!("{what}: {} bytes an event", size / events.len() as u64);
}

fn main() {
    let count = std::env::var("EVENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(40_000);
    let deployments: Vec<Event> = (0..count).map(deployed).collect();
    measure("deployments", &deployments);
    let both: Vec<Event> = (0..count / 2).flat_map(|n| [changed(n), deployed(n)]).collect();
    measure("commits and deployments", &both);
}
