//! A server in memory with a small group in it, for the tests of the page: the same events for the same day.
//!
//! `sample [--days N] [--listen ADDRESS] [--empty] [--closed]` sends its events through the server's own addresses and
//! prints `listening on http://…`. Loopback may read and send without a token; with `--closed` it takes one:
//! `sample-read-token`.

use std::io::Write as _;

use domain::Timestamp;
use domain::time::{DAY, HOUR};
use serde_json::{Value, json};
use server::{Config, Server};
use store::{Location, Scope, Store};

/// Platform, domain, product, its team and components; deployments a week of each component; hours from commit to
/// production; failures among a hundred; how much all of it changes from the first to the last day.
type Product = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], f64, f64, u64, f64);

const GROUP: &[Product] = &[
    ("Commerce", "Storefront", "shop", "Checkout", &["cart", "catalogue", "pay"], 5.0, 14.0, 6, 0.6),
    ("Commerce", "Storefront", "search", "Discovery", &["index", "query"], 3.5, 20.0, 5, 0.8),
    ("Commerce", "Loyalty", "points", "Loyalty", &["points"], 1.2, 60.0, 12, 1.0),
    ("Mobility", "Booking", "rides", "Rides", &["matching", "pricing"], 4.0, 30.0, 9, 0.5),
    ("Mobility", "Booking", "parking", "Parking", &["parking"], 0.8, 120.0, 18, 1.1),
    ("Mobility", "Fleet", "telemetry", "Fleet", &["ingest", "rules"], 1.6, 44.0, 8, 1.0),
    ("Payments", "Ledger", "ledger", "Ledger", &["ledger", "statements"], 1.5, 52.0, 4, 1.0),
    ("Payments", "Risk", "fraud", "Risk", &["scoring"], 2.6, 26.0, 11, 1.5),
    ("Payments", "Risk", "identity", "Risk", &["identity"], 0.5, 170.0, 7, 1.0),
    ("Media", "Publishing", "newsroom", "Editorial", &["editor", "site"], 2.2, 36.0, 14, 1.3),
    ("Media", "Streaming", "player", "Player", &["player"], 0.9, 70.0, 16, 0.9),
];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around 1, seldom much more.
    fn spread(&mut self) -> f64 {
        (-(1.0 - self.unit()).ln()).mul_add(0.7, 0.3)
    }
}

fn catalogue() -> Value {
    let mut platforms: Vec<Value> = Vec::new();
    for (platform, domain, product, team, components, ..) in GROUP {
        let index = find_or_add(&mut platforms, platform, "domains");
        let Some(domains) = platforms[index]["domains"].as_array_mut() else { continue };
        let index = find_or_add(domains, domain, "products");
        let components: Vec<_> = components.iter().map(|name| json!({"name": name})).collect();
        let Some(products) = domains[index]["products"].as_array_mut() else { continue };
        products.push(json!({"name": product, "team": team, "components": components}));
    }
    json!({"platforms": platforms})
}

fn find_or_add(list: &mut Vec<Value>, name: &str, below: &str) -> usize {
    list.iter().position(|known| known["name"] == name).unwrap_or_else(|| {
        list.push(json!({"name": name, below: []}));
        list.len() - 1
    })
}

fn events(now: Timestamp, days: i64) -> Vec<Value> {
    let today = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(DAY));
    let start = today.plus(-days * DAY);
    let mut events = Vec::new();
    for (line, product) in GROUP.iter().enumerate() {
        for (column, component) in product.4.iter().enumerate() {
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ ((line as u64 + 1) << 20) ^ (column as u64 + 1));
            (0..20).for_each(|_| _ = dice.next());
            component_events(product, component, start, today, &mut dice, &mut events);
        }
    }
    events.retain(|event| {
        event["finished_at"].as_str().or(event["opened_at"].as_str()).is_none_or(|at| at < now.to_string().as_str())
    });
    events
}

fn component_events(
    product: &Product,
    component: &str,
    start: Timestamp,
    end: Timestamp,
    dice: &mut Dice,
    events: &mut Vec<Value>,
) {
    let &(_, _, name, _, _, per_week, lead_h, failures, trend) = product;
    let length = end.since(start) as f64;
    let mut at = start;
    let mut number = 0;
    loop {
        let progress = at.since(start) as f64 / length;
        let factor = trend.powf(progress);
        at = at.plus((7.0 * DAY as f64 / per_week * factor * dice.spread()) as i64);
        // People deploy on weekdays, between 9 and 17.
        if [2, 3].contains(&at.micros().div_euclid(DAY).rem_euclid(7)) {
            at = at.plus(2 * DAY);
        }
        if at >= end {
            return;
        }
        let (day, rest) = (at.micros().div_euclid(DAY), at.micros().rem_euclid(DAY));
        let finished = Timestamp::from_micros(day * DAY + 9 * HOUR + rest / 3);
        number += 1;
        let id = format!("{component}-{number}");
        let commits: Vec<Value> = (0..1 + dice.next() % 4)
            .map(|commit| {
                let age = (lead_h * factor * dice.spread() * HOUR as f64) as i64;
                json!({"sha": format!("{:016x}{:016x}{commit:08x}", dice.next(), dice.next()), "committed_at": finished.plus(-age)})
            })
            .collect();
        events.push(
            json!({"type": "deployment", "id": id, "product": name, "component": component, "environment": "production",
            "status": if dice.next().is_multiple_of(40) { "failed" } else { "succeeded" }, "version": format!("1.{number}.0"),
            "started_at": finished.plus(-(4 + dice.next() as i64 % 9) * HOUR / 60), "finished_at": finished,
            "trigger": "automated", "commits": commits}),
        );
        if dice.next() % 100 < failures {
            let opened = finished.plus(((0.2 + dice.spread()) * 0.5 * HOUR as f64) as i64);
            let lasts = ((0.3 + dice.spread()) * 1.5 * HOUR as f64) as i64;
            let severity = ["high", "medium", "low"][dice.next() as usize % 3];
            let title = ["Errors at checkout", "Slow answers", "Jobs stand still", "Wrong totals shown"]
                [dice.next() as usize % 4];
            events.push(
                json!({"type": "incident", "id": format!("INC-{name}-{id}"), "product": name, "component": component,
                "severity": severity, "opened_at": opened,
                "title": title,
                "acknowledged_at": opened.plus(lasts / 6), "resolved_at": opened.plus(lasts), "deployment_id": id}),
            );
            // Every other failure is ended by a hotfix, the others by the people on call.
            if number & 1 == 0 {
                number += 1;
                let fixed = opened.plus(lasts - HOUR / 30);
                events.push(json!({"type": "deployment", "id": format!("{component}-{number}"), "product": name, "component": component,
                    "environment": "production", "status": "succeeded", "version": format!("1.{number}.1"), "finished_at": fixed,
                    "change_kind": "hotfix", "trigger": "manual", "fixes": [format!("INC-{name}-{id}")],
                    "commits": [{"sha": format!("{:016x}{:016x}{:08x}", dice.next(), dice.next(), 9), "committed_at": fixed.plus(-HOUR / 3)}]}));
            }
        }
    }
}

fn send(method: &str, url: &str, body: &Value) -> Result<(), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .header("authorization", "Bearer sample-admin-token")
        .body(body.to_string())
        .map_err(|error| error.to_string())?;
    let answer = agent.run(request).map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.into_body().read_to_string().unwrap_or_default();
    if status.is_success() { Ok(()) } else { Err(format!("{status}: {text}")) }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let value =
        |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
    let mut config = Config::default();
    config.server.listen = value("--listen").cloned().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    if !has("--closed") {
        config.read.anonymous_networks = vec!["127.0.0.0/8".parse()?];
        config.ingest.anonymous_networks = vec!["127.0.0.0/8".parse()?];
    }
    let store = Store::open(Location::Memory, server::interpreter())?;
    let now = server::clock::now();
    store.put_token("sample-admin", &[Scope::Admin], "sample-admin-token", now)?;
    store.put_token("sample-read", &[Scope::Read], "sample-read-token", now)?;
    let server = Server::start(config, store).await?;
    let url = format!("http://{}", server.address());
    if !has("--empty") {
        let days = value("--days").map_or(Ok(75), |days| days.parse())?;
        let base = url.clone();
        tokio::task::spawn_blocking(move || {
            send("PUT", &format!("{base}/api/v1/catalogue"), &catalogue())?;
            send("POST", &format!("{base}/api/v1/events"), &json!(events(now, days)))?;
            Ok::<_, String>(())
        })
        .await??;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {url}")?;
    out.flush()?;
    drop(out);
    server.wait().await;
    Ok(())
}
