//! Kill -9 in the middle of ten thousand posts: what was answered 2xx is there, once, and the facts are those of a
//! rebuild.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use store::{Location, Store};

use crate::run::{binary, leadline};

const TOKEN: &str = "kill-test-admin-token-0123456789";
const POSTS: usize = 10_000;
const SENDERS: usize = 16;

/// A server process; killed by its id when it goes.
struct Served {
    child: Child,
    base: String,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leadline"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .env("LEADLINE_ADMIN_TOKEN", TOKEN)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut lines = lines.map(|line| line.expect("a line"));
        let base = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).expect("it listens");
        Served { child, base }
    }

    fn agent() -> ureq::Agent {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        config.timeout_global(Some(Duration::from_secs(60))).build().into()
    }

    fn get(&self, path: &str) -> Value {
        let agent = Served::agent();
        let request = agent.get(format!("{}{path}", self.base)).header("authorization", format!("Bearer {TOKEN}"));
        let mut answer = request.call().expect("an answer");
        let text = answer.body_mut().with_config().limit(200_000_000).read_to_string().expect("a body");
        assert_eq!(answer.status().as_u16(), 200, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Waits until everything taken is applied: under a flood of events answers are a little older.
    fn settle(&self) {
        for _ in 0..1_200 {
            if self.get("/readyz")["pending"] == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("what was taken is not applied after a minute");
    }

    /// How often each id of a list is there.
    fn ids(&self, list: &str) -> BTreeMap<String, usize> {
        let mut seen = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/v1/{list}?limit=1000{cursor}"));
            for row in page[list].as_array().expect("rows") {
                *seen.entry(row["id"].as_str().expect("an id").to_owned()).or_default() += 1;
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn event(number: usize) -> Value {
    let at = domain::Timestamp::from_micros(1_735_689_600_000_000 + number as i64 * 60_000_000);
    let component = format!("c{}", number % 40);
    if number % 5 == 4 {
        return json!({"type": "incident", "id": format!("i{number}"), "component": component, "opened_at": at});
    }
    json!({"type": "deployment", "id": format!("d{number}"), "component": component, "environment": "production",
        "status": if number.is_multiple_of(11) { "failed" } else { "succeeded" }, "version": format!("1.{}.0", number / 40),
        "finished_at": at, "commit_at": at.plus(-3_600_000_000)})
}

/// Posts all events one by one from many senders; gives the ids answered 2xx. Stops early when the server is gone.
fn post_all(base: &str, answered: &AtomicUsize, stop: &AtomicBool) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let ids = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let agent = Served::agent();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= POSTS || stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let event = event(number);
                    let request =
                        agent.post(format!("{base}/api/v1/events")).header("authorization", format!("Bearer {TOKEN}"));
                    let Ok(answer) = request.content_type("application/json").send(event.to_string()) else { return };
                    assert_eq!(answer.status().as_u16(), 202, "{event}");
                    answered.fetch_add(1, Ordering::SeqCst);
                    ids.lock().expect("no sender panics").push(event["id"].as_str().expect("an id").to_owned());
                }
            });
        }
    });
    ids.into_inner().expect("no sender panics")
}

#[test]
fn what_was_answered_is_there_once_after_a_kill_and_facts_equal_a_rebuild() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(folder.path());
    let (answered, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let process = served.child.id();
    let kept = std::thread::scope(|scope| {
        scope.spawn(|| {
            while answered.load(Ordering::SeqCst) < POSTS / 2 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let killed = Command::new("kill").args(["-9", &process.to_string()]).status().expect("kill runs");
            assert!(killed.success());
            stop.store(true, Ordering::SeqCst);
        });
        post_all(&served.base, &answered, &stop)
    });
    assert!(kept.len() >= POSTS / 2 && kept.len() < POSTS, "the kill came in the middle: {}", kept.len());
    drop(served);

    let served = Served::start(folder.path());
    let (deployments, incidents) = (served.ids("deployments"), served.ids("incidents"));
    for id in &kept {
        let list = if id.starts_with('d') { &deployments } else { &incidents };
        assert_eq!(list.get(id), Some(&1), "{id} was answered 2xx");
    }
    assert!(deployments.values().chain(incidents.values()).all(|times| *times == 1));
    // Senders try again, now in batches: what is known already is a duplicate.
    for batch in (0..POSTS).collect::<Vec<_>>().chunks(1_000) {
        let events: Vec<Value> = batch.iter().map(|number| event(*number)).collect();
        let request = Served::agent().post(format!("{}/api/v1/events", served.base));
        let request = request.header("authorization", format!("Bearer {TOKEN}")).content_type("application/json");
        assert_eq!(request.send(json!(events).to_string()).expect("an answer").status().as_u16(), 202);
    }
    served.settle();
    let (deployments, incidents) = (served.ids("deployments"), served.ids("incidents"));
    assert_eq!(deployments.len() + incidents.len(), POSTS);
    assert!(deployments.values().chain(incidents.values()).all(|times| *times == 1));
    let counts = served.get("/api/v1/journal?limit=1")["counts"].clone();
    assert_eq!(counts["applied"], POSTS);
    assert!(counts["duplicates"].as_u64().is_some_and(|known| known as usize >= kept.len()));
    drop(served);

    let store =
        Store::open(Location::Folder(folder.path().to_owned()), server::interpreter()).expect("the lock is free");
    let before = store.dump(&mut std::io::sink()).expect("a dump");
    let before: String = before.iter().map(|byte| format!("{byte:02x}")).collect();
    drop(store);
    // The rebuild is killed too, and the next one goes on with it.
    kill_rebuild(folder.path());
    let again = leadline(folder.path(), &["rebuild"]);
    assert!(again.err.contains("going on with it"), "{}", again.err);
    assert_eq!(again.ok(), format!("facts_sha256 {before}\n"));
    let facts = leadline(folder.path(), &["rebuild", "--rules-change"]);
    assert!(facts.err.contains("0 rows of the journal were read again"), "{}", facts.err);
    assert_eq!(facts.ok(), format!("facts_sha256 {before}\n"));
}

/// As soon as it has read the deliveries: it links them then.
fn kill_rebuild(folder: &Path) {
    let mut command = binary();
    let mut child = command.arg("rebuild").env("LEADLINE_DATA", folder).spawn().expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its errors")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("Reading deliveries")), "it reads the journal");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
