//! Incidents by polling: in the end they are what PagerDuty has, and what its webhooks told.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::event::{Event, Incident};
use domain::time::{DAY, HOUR};
use proptest::prelude::*;
use sources::find;
use sources::poll::{Credentials, PollError, Settings};

use super::account::Account;
use super::send;
use crate::vendor::{Desk, Entities, Fault, SECRET, Vendor, incidents, merge, settings, trouble};

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().plus(hours * HOUR)
}

/// Five months of an account.
fn year() -> Account {
    let mut account = Account { page: 3, ..Account::default() };
    for number in 0..20 {
        let (id, start) = (format!("Q{number}"), number * 170);
        account.trigger(&id, if number % 3 == 0 { "PSHOP" } else { "PBANK" }, at(start));
        match number % 5 {
            0 => account.acknowledge(&id, at(start + 1)),
            1 => account.prioritise(&id, "P1", at(start + 1)),
            2 => account.merge(&id, "Q1", at(start + 1)),
            _ => {}
        }
        if number % 4 != 3 && number % 5 != 2 {
            // Some are resolved long after: by then their creation is out of every window.
            account.resolve(&id, at(start + 2 + number * 40));
        }
        if number % 8 == 0 {
            account.reopen(&id, at(start + 3 + number * 40));
        }
    }
    account
}

fn vendor(account: Account) -> Vendor<Account> {
    Vendor::start(account, Account::answer)
}

fn webhooks(vendor: &Vendor<Account>) -> Vec<Event> {
    let bodies = vendor.with(|account| account.webhooks.clone());
    bodies.iter().flat_map(|body| send(body).unwrap().events).map(Result::unwrap).collect()
}

/// What the webhooks told.
fn by_webhooks(vendor: &Vendor<Account>) -> BTreeMap<String, Incident> {
    let mut entities = Entities::new();
    merge(&mut entities, webhooks(vendor));
    incidents(&entities)
}

fn check(desk: &Desk, vendor: &Vendor<Account>) {
    let (polled, told) = (incidents(&desk.entities), by_webhooks(vendor));
    assert_eq!(polled.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    for (id, incident) in &polled {
        assert_eq!(incident, &told[id]);
    }
    assert_eq!(desk.with_webhooks(&webhooks(vendor)), told);
}

#[test]
fn a_past_is_read_to_its_end_and_is_what_webhooks_told() {
    let vendor = vendor(year());
    let mut desk = Desk::new("pagerduty");
    let progress = desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
    let known = incidents(&desk.entities);
    assert_eq!(known.len(), 16, "20 without the 4 that were merged into another");
    assert!(known.values().any(|incident| incident.acknowledged_at.is_some() && incident.resolved_at.is_some()));
    assert!(progress.pages > 20 && progress.items > 40, "{progress:?}");
    // No question is about more than PagerDuty takes.
    for asked in vendor.asked() {
        let bound = |name: &str| asked.get(name).map(|text| Timestamp::parse(text).unwrap());
        if let (Some(since), Some(until)) = (bound("since"), bound("until")) {
            assert!(until.since(since) <= 31 * DAY, "{asked:?}");
        }
    }
}

#[test]
fn whatever_goes_wrong_on_the_way_the_end_is_the_same() {
    let vendor = vendor(year());
    vendor.script(|number, _, _| trouble(number));
    let mut desk = Desk::new("pagerduty");
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
    assert!(desk.waited.as_secs() > 60);
}

#[test]
fn pages_that_come_twice_or_in_another_order_lose_nothing() {
    let vendor = vendor(year());
    vendor.with(|account| account.restless = 60);
    let mut desk = Desk::new("pagerduty");
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
    vendor.script(|number, asked, _| (number % 4 == 3 && asked.get("offset") != Some("0")).then_some(Fault::Repeat));
    let mut desk = Desk::new("pagerduty");
    // Of another list the page that came before is none, and is told to be so; the run goes on from there.
    let (_, done) = desk.run(&settings(vendor.url()));
    done.unwrap();
    vendor.script(|_, _, _| None);
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
}

#[test]
fn what_changes_while_it_is_read_is_there_after_the_next_poll() {
    let vendor = vendor(year());
    vendor.script(|number, _, account| {
        let now = Timestamp::parse("2026-11-01T00:00:00Z").unwrap().plus(i64::try_from(number).unwrap() * 1_000_000);
        match number {
            2 => account.resolve("Q3", now),
            4 => account.trigger("N1", "PSHOP", now),
            6 => account.acknowledge("Q7", now),
            7 => account.prioritise("N1", "P2", now),
            8 => account.reopen("Q1", now),
            _ => {}
        }
        None
    });
    let mut desk = Desk::new("pagerduty");
    let settings = settings(vendor.url());
    desk.read(&settings);
    desk.poll(&settings, 15);
    check(&desk, &vendor);
    // A poll of a quiet quarter of an hour is two questions.
    vendor.script(|_, _, _| None);
    desk.poll(&settings, 15);
    assert_eq!(vendor.asked().len(), 2);
}

#[test]
fn an_incident_made_long_ago_is_polled_when_something_happens_to_it() {
    let vendor = vendor(year());
    let mut desk = Desk::new("pagerduty");
    let settings = settings(vendor.url());
    desk.read(&settings);
    let later = desk.now.plus(HOUR / 10);
    vendor.with(|account| {
        account.resolve("Q3", later);
        account.prioritise("Q7", "P1", later);
    });
    desk.poll(&settings, 15);
    check(&desk, &vendor);
    assert_eq!(incidents(&desk.entities)["Q3"].resolved_at, Some(later));
}

#[test]
fn more_rows_than_pagerduty_counts_are_read_in_halves() {
    let vendor = vendor(year());
    vendor.with(|account| account.rows = Some(12_000));
    let mut desk = Desk::new("pagerduty");
    desk.read(&settings(vendor.url()));
    check(&desk, &vendor);
    let windows = vendor.asked().iter().filter_map(|asked| asked.get("since").map(str::to_owned)).collect::<Vec<_>>();
    assert!(windows.len() > 12, "{windows:?}");
}

#[test]
fn killed_anywhere_it_goes_on_to_the_same_end() {
    for lives in [3, 17, 40, 55, 71] {
        let vendor = vendor(year());
        let mut desk = Desk::new("pagerduty");
        desk.lives = Some(lives);
        assert_eq!(desk.run(&settings(vendor.url())).1, Err(PollError::Stopped));
        desk.lives = None;
        let before = vendor.asked().len();
        desk.read(&settings(vendor.url()));
        check(&desk, &vendor);
        let again = vendor.asked().len() - before;
        assert!(lives < 40 || again < before + 60, "{lives}: {again}");
    }
}

#[test]
fn only_the_services_that_were_named_are_read() {
    let vendor = vendor(year());
    let mut desk = Desk::new("pagerduty");
    desk.read(&Settings { repositories: vec!["PSHOP".to_owned()], ..settings(vendor.url()) });
    let known = incidents(&desk.entities);
    let wanted: Vec<String> = by_webhooks(&vendor)
        .into_iter()
        .filter(|(_, incident)| incident.component.as_deref() == Some("The PSHOP"))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(known.keys().cloned().collect::<Vec<_>>(), wanted);
    assert!(!wanted.is_empty() && wanted.len() < 16);
}

#[test]
fn a_refusal_says_what_to_do_and_never_shows_the_key() {
    let vendor = vendor(year());
    let wrong = Settings { credentials: Credentials::Token("wrong-key-1".to_owned()), ..settings(vendor.url()) };
    let (progress, done) = Desk::new("pagerduty").run(&wrong);
    let Err(PollError::Failed(message)) = done else { panic!("{done:?}") };
    assert_eq!(
        message,
        "PagerDuty does not accept the credentials for the first incident (401, \"Unauthorized\"): they are wrong, were \
         revoked or have expired; see Integrations, API Access Keys, and set one as `token`, `token_file` or `token_env` \
         of the source"
    );
    assert!(!format!("{progress:?} {wrong:?}").contains("wrong-key-1"));
    let check = find("pagerduty").unwrap().backfill.unwrap().check;
    let good = settings(vendor.url());
    for (bad, said) in [
        (Settings { api_url: "http://api.pagerduty.com".to_owned(), ..good.clone() }, "write https://"),
        (Settings { api_url: "pagerduty".to_owned(), ..good.clone() }, "not an address"),
        (Settings { repositories: vec!["a&b".to_owned()], ..good.clone() }, "ids of services"),
        (Settings { credentials: Credentials::Token(format!("{SECRET} ")), ..good.clone() }, "white space"),
        (Settings { credentials: Credentials::None, ..good.clone() }, "a token"),
        (
            Settings {
                credentials: Credentials::Basic { user: "a".to_owned(), password: SECRET.to_owned() },
                ..good.clone()
            },
            "a token",
        ),
    ] {
        let why = check(&bad).unwrap_err();
        assert!(why.contains(said) && !why.contains(SECRET), "{why}");
    }
}

/// What happens to an incident, and how many minutes after what happened before.
fn step() -> impl Strategy<Value = (u8, u8, u16)> {
    (0u8..5, 0u8..6, 1u16..12_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_history_is_told_alike(steps in prop::collection::vec(step(), 1..30), page in 2usize..6) {
        let mut account = Account { page, ..Account::default() };
        let mut now = at(0);
        for (what, which, minutes) in steps {
            now = now.plus(i64::from(minutes) * HOUR / 60);
            let id = format!("Q{which}");
            let known = account.incidents.iter().find(|incident| incident["id"] == *id);
            match (what, known.map(|incident| incident["status"] == "resolved")) {
                (_, None) => account.trigger(&id, "PSHOP", now),
                (0, Some(false)) => account.acknowledge(&id, now),
                (1, Some(false)) => account.resolve(&id, now),
                (2, Some(true)) => account.reopen(&id, now),
                (3, Some(_)) => account.prioritise(&id, ["P1", "P2", "P5"][usize::from(which % 3)], now),
                _ => {}
            }
        }
        let vendor = vendor(account);
        let mut desk = Desk::new("pagerduty");
        desk.now = desk.now.max(now.plus(HOUR));
        desk.read(&settings(vendor.url()));
        check(&desk, &vendor);
    }
}
