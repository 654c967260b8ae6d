//! Short ways to write events and to ask for facts.

use correlate::memory::MemoryLedger;
use correlate::{Engine, Ledger};
use domain::catalogue::Catalogue;
use domain::event::{self, Checks, Event};
use domain::fact::{DeploymentFact, IncidentFact};
use domain::{DeploymentKey, Timestamp};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-01-01T00:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn event(value: Value) -> Event {
    let checks = Checks { default_source: "test", now: at(NOW) };
    event::parse(value.clone(), checks).unwrap_or_else(|problem| panic!("{problem}: {value}"))
}

pub(crate) fn with(mut value: Value, more: Value) -> Value {
    for (key, field) in more.as_object().expect("an object") {
        value[key] = field.clone();
    }
    value
}

/// A succeeded production deployment of `shop/cart` in January 2025.
pub(crate) fn deployment(id: &str, day_hour: &str, more: Value) -> Value {
    let base = json!({
        "type": "deployment", "id": id, "product": "shop", "component": "cart", "environment": "production",
        "status": "succeeded", "finished_at": format!("2025-01-{day_hour}:00:00Z"),
    });
    with(base, more)
}

pub(crate) fn incident(id: &str, day_hour: &str, more: Value) -> Value {
    let opened = format!("2025-01-{day_hour}:00:00Z");
    with(json!({"type": "incident", "id": id, "product": "shop", "opened_at": opened}), more)
}

/// The hash of a commit named by one letter or number.
pub(crate) fn sha(name: &str) -> String {
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits:f<40}")
}

/// A commit of `acme/shop`, named shortly, with its parents.
pub(crate) fn change(name: &str, day_hour: &str, parents: &[&str], more: Value) -> Value {
    let parents: Vec<String> = parents.iter().map(|parent| sha(parent)).collect();
    let base = json!({
        "type": "change", "repo": "acme/shop", "sha": sha(name), "parents": parents,
        "committed_at": format!("2025-01-{day_hour}:00:00Z"),
    });
    with(base, more)
}

pub(crate) struct World {
    pub(crate) ledger: MemoryLedger,
    pub(crate) engine: Engine,
}

impl World {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let mut ledger = MemoryLedger::default();
        let engine = Engine::new(catalogue, &mut ledger).expect("memory does not fail");
        World { ledger, engine }
    }

    pub(crate) fn of(events: &[Value]) -> Self {
        let mut world = World::new(&Catalogue::default());
        world.tell(events);
        world
    }

    pub(crate) fn tell(&mut self, events: &[Value]) {
        let events: Vec<Event> = events.iter().cloned().map(event).collect();
        self.apply(&events);
    }

    pub(crate) fn apply(&mut self, events: &[Event]) {
        self.engine.apply(&mut self.ledger, events).expect("memory does not fail");
    }

    pub(crate) fn fact(&self, id: &str) -> &DeploymentFact {
        &self.ledger.all_deployments()[&DeploymentKey::new("test", id)]
    }

    pub(crate) fn incident(&self, id: &str) -> &IncidentFact {
        &self.ledger.all_incidents()[&DeploymentKey::new("test", id)]
    }

    /// Names of the commits of a deployment whose lead time is taken, `*` for one that arrived elsewhere before.
    pub(crate) fn commits(&mut self, id: &str) -> Vec<String> {
        let rows = self.ledger.commits(&DeploymentKey::new("test", id)).expect("memory does not fail");
        let used = rows.iter().filter(|row| row.role.used());
        let name = |sha: &str| {
            let bytes: Vec<u8> =
                (0..sha.len() / 2).filter_map(|i| u8::from_str_radix(&sha[2 * i..2 * i + 2], 16).ok()).collect();
            String::from_utf8_lossy(&bytes.into_iter().take_while(|byte| *byte != 0xff).collect::<Vec<_>>())
                .into_owned()
        };
        used.map(|row| format!("{}{}", name(&row.sha), if row.first_arrival { "" } else { "*" })).collect()
    }

    pub(crate) fn signals(&self, id: &str) -> Vec<&'static str> {
        self.fact(id).signals.iter().map(|signal| signal.kind.text()).collect()
    }

    pub(crate) fn cause(&self, id: &str, rule: usize) -> Option<String> {
        self.incident(id).causes[rule].as_ref().map(|cause| cause.deployment.id.to_string())
    }
}
