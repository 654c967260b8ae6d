//! Incidents by polling: in the end they are what ServiceNow has, and what a business rule sent.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::event::{Event, Incident};
use domain::time::{HOUR, SECOND};
use proptest::prelude::*;
use serde_json::json;
use sources::find;
use sources::poll::{Credentials, PollError, Settings};

use super::instance::{Instance, naive};
use super::send;
use crate::vendor::{Desk, Entities, Fault, SECRET, Vendor, incidents, merge, settings, trouble};

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().plus(hours * HOUR)
}

fn year() -> Instance {
    let mut instance = Instance { page: 3, ..Instance::default() };
    for number in 0..25 {
        let (name, start) = (format!("a{number}"), at(number * 100));
        instance.change(&name, start, json!({"priority": (1 + number % 5).to_string()}));
        let end = start.plus((1 + number) * HOUR);
        match number % 5 {
            0 => instance.change(&name, end, json!({"state": "6", "resolved_at": naive(end)})),
            1 => {
                instance.change(&name, end, json!({"state": "6", "resolved_at": naive(end)}));
                instance.change(&name, end.plus(HOUR), json!({"state": "7", "closed_at": naive(end.plus(HOUR))}));
            }
            2 => instance.change(&name, end, json!({"state": "8"})),
            _ => {}
        }
    }
    // A job touches nine of them in one second, which is three pages.
    for number in 0..9 {
        instance.change(&format!("a{number}"), at(5_000), json!({}));
    }
    instance
}

fn vendor(instance: Instance) -> Vendor<Instance> {
    let vendor = Vendor::start(instance, Instance::answer);
    let url = vendor.url();
    vendor.with(|instance| {
        instance.url.clone_from(&url);
        // What the rule sent before the address was known.
        for sent in &mut instance.webhooks {
            let link = sent["url"].as_str().unwrap().to_owned();
            sent["url"] = json!(format!("{url}{link}"));
        }
    });
    vendor
}

fn webhooks(vendor: &Vendor<Instance>) -> Vec<Event> {
    let bodies = vendor.with(|instance| instance.webhooks.clone());
    bodies.iter().flat_map(|body| send(body).unwrap().events).map(Result::unwrap).collect()
}

fn told(vendor: &Vendor<Instance>) -> BTreeMap<String, Incident> {
    let mut entities = Entities::new();
    merge(&mut entities, webhooks(vendor));
    incidents(&entities)
}

fn check(desk: &Desk, vendor: &Vendor<Instance>) {
    let (polled, told) = (incidents(&desk.entities), told(vendor));
    assert_eq!(polled.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    for (id, incident) in &polled {
        assert_eq!(incident, &told[id]);
    }
    assert_eq!(desk.with_webhooks(&webhooks(vendor)), told);
    assert_eq!(desk.entities.len(), vendor.with(|instance| instance.records.len()));
}

#[test]
fn a_table_is_read_to_its_end_and_is_what_was_sent() {
    let vendor = vendor(year());
    let mut desk = Desk::new("servicenow");
    let progress = desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
    assert_eq!(incidents(&desk.entities).len(), 20, "25 without the 5 that were cancelled");
    assert!(progress.pages > 16, "two passes: {progress:?}");
    let within = |asked: &crate::vendor::Asked| asked.get("sysparm_query").unwrap().contains("^sys_id>");
    assert!(vendor.asked().iter().any(within), "a second of more records than a page is read by id");
}

#[test]
fn whatever_goes_wrong_on_the_way_the_end_is_the_same() {
    let vendor = vendor(year());
    vendor.script(|number, _, _| trouble(number));
    let mut desk = Desk::new("servicenow");
    let credentials = Credentials::Basic { user: "leadline".to_owned(), password: SECRET.to_owned() };
    desk.read(&Settings { credentials, ..settings(vendor.url()) });
    check(&desk, &vendor);
    assert!(desk.waited.as_secs() > 60);
}

#[test]
fn pages_that_come_twice_or_in_another_order_lose_nothing() {
    let vendor = vendor(year());
    vendor.script(|number, _, _| (number % 3 == 2).then_some(Fault::Repeat));
    let mut desk = Desk::new("servicenow");
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
    vendor.script(|_, _, _| None);
    vendor.with(|instance| instance.restless = 9);
    let mut desk = Desk::new("servicenow");
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
}

#[test]
fn what_changes_while_it_is_read_is_read_once_more() {
    let vendor = vendor(year());
    vendor.script(|number, _, instance| {
        let now = Timestamp::parse("2026-11-01T00:00:00Z").unwrap().plus(i64::try_from(number).unwrap() * SECOND);
        match number {
            1 => instance.change("a3", now, json!({"state": "6", "resolved_at": naive(now)})),
            2 => instance.change("new", now, json!({})),
            4 => instance.change("a20", now, json!({"state": "2", "reopen_count": "1", "resolved_at": ""})),
            6 => instance.change("a4", now, json!({"priority": "1"})),
            _ => {}
        }
        None
    });
    let mut desk = Desk::new("servicenow");
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
}

#[test]
fn a_poll_asks_for_what_changed_since() {
    let vendor = vendor(year());
    let mut desk = Desk::new("servicenow");
    let settings = settings(vendor.url());
    desk.read(&settings);
    // It was written before the poll ended, and could be seen only after.
    let late = desk.now.plus(-200 * SECOND);
    vendor.with(|instance| instance.change("late", late, json!({})));
    let later = desk.now.plus(500 * SECOND);
    vendor.with(|instance| instance.change("a3", later, json!({"state": "6", "resolved_at": naive(later)})));
    vendor.script(|_, _, _| None);
    desk.poll(&settings, 15);
    check(&desk, &vendor);
    let asked = vendor.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].get("sysparm_query"),
        Some("sys_updated_on>=2026-10-31 23:55:00^ORDERBYsys_updated_on^ORDERBYsys_id")
    );
}

#[test]
fn records_that_may_not_be_seen_end_no_page_early() {
    let vendor = vendor(year());
    let hidden: Vec<String> = (3..9).chain(12..14).map(|number| format!("a{number}")).collect();
    vendor.with(|instance| instance.hidden.clone_from(&hidden));
    let mut desk = Desk::new("servicenow");
    desk.read(&settings(vendor.url()));
    assert_eq!(desk.entities.len(), 25 - hidden.len());
}

#[test]
fn killed_anywhere_it_goes_on_to_the_same_end() {
    for lives in [2, 8, 20, 33, 40] {
        let vendor = vendor(year());
        let mut desk = Desk::new("servicenow");
        desk.lives = Some(lives);
        assert_eq!(desk.run(&settings(vendor.url())).1, Err(PollError::Stopped));
        desk.lives = None;
        vendor.script(|_, _, _| None);
        desk.read(&settings(vendor.url()));
        check(&desk, &vendor);
        let first = vendor.asked()[0].get("sysparm_query").unwrap().to_owned();
        assert_eq!(first.contains("sys_updated_on>="), lives > 2, "{lives}: {first}");
    }
}

#[test]
fn the_options_narrow_what_is_read_and_add_columns() {
    let vendor = vendor(year());
    let mut desk = Desk::new("servicenow");
    let options = [("query", "priority<=2"), ("fields", "started_at=u_began"), ("table", "incident")];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    vendor.with(|instance| instance.change("a1", at(6_000), json!({"u_began": "2026-01-04 12:00:00"})));
    desk.read(&Settings { options, ..settings(vendor.url()) });
    let known = incidents(&desk.entities);
    let wanted: BTreeSet<_> = told(&vendor).into_keys().collect();
    assert!(known.len() == 10 && known.keys().all(|id| wanted.contains(id)), "{}", known.len());
    assert!(known.values().any(|known| known.started_at.to_string() == "2026-01-04T12:00:00Z"));
}

#[test]
fn a_refusal_says_what_to_do_and_never_shows_the_password() {
    let vendor = vendor(year());
    let wrong = Credentials::Basic { user: "leadline".to_owned(), password: "wrong-pass".to_owned() };
    let wrong = Settings { credentials: wrong, ..settings(vendor.url()) };
    let (progress, done) = Desk::new("servicenow").run(&wrong);
    let Err(PollError::Failed(message)) = done else { panic!("{done:?}") };
    assert_eq!(
        message,
        "ServiceNow does not accept the credentials for the table incident (401, \"User Not Authenticated: Required\"): \
         they are wrong, were revoked or have expired; see `user` and `password` of the source, or its `token`"
    );
    assert!(!format!("{progress:?} {wrong:?}").contains("wrong-pass"));
    // An instance of a developer sleeps, and says so in HTML.
    vendor.script(|_, _, _| Some(Fault::Answer((200, Vec::new(), "<html>Hibernating".to_owned()))));
    let (progress, done) = Desk::new("servicenow").run(&settings(vendor.url()));
    done.unwrap();
    let said = "a page of the table incident is not JSON; is `api_url` right, and is ServiceNow awake?";
    assert_eq!(progress.failures[0].message, said);
    // Older records than were asked for.
    let page = json!({"result": [{"sys_id": "1", "sys_updated_on": "2020-01-01 00:00:00"}]}).to_string();
    vendor.script(move |_, _, _| Some(Fault::Answer((200, Vec::new(), page.clone()))));
    let since = Some(at(0));
    let (progress, _) = Desk::new("servicenow").run(&Settings { since, ..settings(vendor.url()) });
    assert!(progress.failures[0].message.contains("that were not asked for"), "{progress:?}");
}

#[test]
fn settings_are_checked_before_anything_is_asked() {
    let check = find("servicenow").unwrap().backfill.unwrap().check;
    let good = settings("https://acme.service-now.com".to_owned());
    assert_eq!(check(&good), Ok(()));
    let option =
        |name: &str, value: &str| Settings { options: [(name.to_owned(), value.to_owned())].into(), ..good.clone() };
    for (bad, said) in [
        (Settings { api_url: String::new(), ..good.clone() }, "set `api_url`, such as https://INSTANCE"),
        (Settings { api_url: "http://acme.service-now.com".to_owned(), ..good.clone() }, "write https://"),
        (Settings { repositories: vec!["a".to_owned()], ..good.clone() }, "option `query`"),
        (option("table", "incident?x"), "no table"),
        (option("query", "a=1^NQb=2"), "begin anew"),
        (option("fields", "began=u"), "no pair"),
        (Settings { credentials: Credentials::None, ..good.clone() }, "a token, or with a user"),
    ] {
        let why = check(&bad).unwrap_err();
        assert!(why.contains(said) && !why.contains(SECRET), "{why}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_history_is_told_alike(
        steps in prop::collection::vec((0u8..4, 0u8..6, prop::sample::select(vec![0i64, 1, 40, 4_000, 90_000])), 1..40),
        page in 1usize..5,
    ) {
        let mut instance = Instance { page, ..Instance::default() };
        let mut now = at(0);
        for (what, which, seconds) in steps {
            // An end and what takes it back are never in one second: nothing would tell which was first.
            now = now.plus((seconds + i64::from(what < 2)) * SECOND);
            let end = json!({"state": "6", "resolved_at": naive(now)});
            let fields = match what {
                0 => json!({"state": "2", "resolved_at": "", "reopen_count": "1"}),
                1 => end,
                2 => json!({"priority": which.to_string()}),
                _ => json!({"short_description": format!("{which} at {now}")}),
            };
            instance.change(&format!("a{which}"), now, fields);
        }
        let vendor = vendor(instance);
        let mut desk = Desk::new("servicenow");
        desk.read(&settings(vendor.url()));
        check(&desk, &vendor);
    }
}
