//! Incidents by polling: in the end they are what Jira has, and what its webhooks told.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::event::{Event, Incident};
use domain::time::{HOUR, SECOND};
use proptest::prelude::*;
use sources::find;
use sources::poll::{Credentials, PollError, Settings};

use super::send;
use super::site::Site;
use crate::vendor::{Desk, Entities, Fault, SECRET, Vendor, incidents, merge, trouble};

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00.250Z").unwrap().plus(hours * HOUR)
}

fn settings(vendor: &Vendor<Site>, api: &str) -> Settings {
    Settings {
        repositories: vec!["OPS".to_owned(), "WEB".to_owned()],
        options: [("api".to_owned(), api.to_owned())].into(),
        credentials: Credentials::Basic { user: "ada@acme.org".to_owned(), password: SECRET.to_owned() },
        ..crate::vendor::settings(vendor.url())
    }
}

fn year(cloud: bool) -> Site {
    let mut site = Site { page: 4, cloud, ..Site::default() };
    for number in 0..24 {
        let (key, start) = (format!("OPS-{number}"), at(number * 100));
        site.create(&key, if number % 6 == 5 { "Bug" } else { "Incident" }, start);
        if number % 2 == 0 {
            site.move_to(&key, "indeterminate", false, start.plus(HOUR));
        }
        match number % 8 {
            0 | 1 => site.move_to(&key, "done", true, start.plus(3 * HOUR)),
            2 => site.move_to(&key, "done", false, start.plus(3 * HOUR)),
            3 => site.retype(&key, "Task", start.plus(HOUR)),
            4 => {
                site.move_to(&key, "done", true, start.plus(3 * HOUR));
                site.move_to(&key, "new", false, start.plus(5 * HOUR));
            }
            6 => site.transfer(&key, &format!("WEB-{number}"), start.plus(HOUR * 2)),
            _ => site.prioritise(&key, "P1", start.plus(2 * HOUR)),
        }
    }
    // A job touches them all within a second, which is six pages.
    for number in 0..24 {
        let key = if number % 8 == 6 { format!("WEB-{number}") } else { format!("OPS-{number}") };
        site.prioritise(&key, "P2", at(4_000).plus(number * 10_000));
    }
    site
}

fn vendor(site: Site) -> Vendor<Site> {
    Vendor::start(site, Site::answer)
}

fn webhooks(vendor: &Vendor<Site>) -> Vec<Event> {
    let bodies = vendor.with(|site| site.webhooks.clone());
    bodies.iter().flat_map(|body| send(body).unwrap().events).map(Result::unwrap).collect()
}

fn told(vendor: &Vendor<Site>) -> BTreeMap<String, Incident> {
    let mut entities = Entities::new();
    merge(&mut entities, webhooks(vendor));
    incidents(&entities)
}

fn check(desk: &Desk, vendor: &Vendor<Site>) {
    let (polled, told) = (incidents(&desk.entities), told(vendor));
    assert_eq!(polled.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    for (key, incident) in &polled {
        assert_eq!(incident, &told[key]);
    }
    assert_eq!(desk.with_webhooks(&webhooks(vendor)), told);
}

#[test]
fn projects_are_read_to_their_end_and_are_what_webhooks_told() {
    for (api, cloud) in [("cloud", true), ("server", false)] {
        let vendor = vendor(year(cloud));
        let mut desk = Desk::new("jira");
        let progress = desk.read(&settings(&vendor, api));
        check(&desk, &vendor);
        let known = incidents(&desk.entities);
        assert_eq!(known.len(), 18, "24 without 4 bugs and 2 that became tasks: {:?}", known.keys());
        assert!(known.contains_key("WEB-6") && !known.contains_key("OPS-6"));
        assert_eq!(known.values().filter(|known| known.resolved_at.is_some()).count(), 8);
        assert_eq!(progress.pages, 12, "two passes of six pages");
        let next = if cloud { "nextPageToken" } else { "startAt" };
        assert_eq!(vendor.asked().iter().filter(|asked| asked.get(next).is_some()).count(), 10);
    }
}

#[test]
fn whatever_goes_wrong_on_the_way_the_end_is_the_same() {
    for (api, cloud) in [("cloud", true), ("server", false)] {
        let vendor = vendor(year(cloud));
        vendor.script(|number, _, _| trouble(number));
        let mut desk = Desk::new("jira");
        let credentials = Credentials::Token(SECRET.to_owned());
        desk.read(&Settings { credentials, ..settings(&vendor, api) });
        check(&desk, &vendor);
        assert!(desk.waited.as_secs() > 60);
    }
}

#[test]
fn pages_that_come_twice_or_in_another_order_lose_nothing() {
    for (api, cloud) in [("cloud", true), ("server", false)] {
        let vendor = vendor(year(cloud));
        vendor.with(|site| site.restless = 9);
        let mut desk = Desk::new("jira");
        desk.read(&settings(&vendor, api));
        check(&desk, &vendor);
    }
    let vendor = vendor(year(false));
    vendor.script(|number, _, _| (number == 2 || number == 4).then_some(Fault::Repeat));
    let mut desk = Desk::new("jira");
    desk.read(&settings(&vendor, "server"));
    check(&desk, &vendor);
    // A page of the cloud that names itself as the next one is told, and the next run reads on.
    let vendor = self::vendor(year(true));
    vendor.script(|number, _, _| (number == 3).then_some(Fault::Repeat));
    let mut desk = Desk::new("jira");
    let (progress, _) = desk.run(&settings(&vendor, "cloud"));
    assert!(progress.failures[0].message.contains("go round in a circle"), "{progress:?}");
    vendor.script(|_, _, _| None);
    desk.read(&settings(&vendor, "cloud"));
    check(&desk, &vendor);
}

#[test]
fn what_changes_while_it_is_read_slips_through_no_gap() {
    for (api, cloud) in [("cloud", true), ("server", false)] {
        let vendor = vendor(year(cloud));
        vendor.script(|number, _, site| {
            let now = Timestamp::parse("2026-11-01T00:00:00Z").unwrap().plus(i64::try_from(number).unwrap() * SECOND);
            match number {
                // The first of the pages that were read move to the end: all others move up.
                1 => site.prioritise("OPS-0", "P1", now),
                2 => site.move_to("OPS-1", "new", false, now),
                3 => site.create("OPS-99", "Incident", now),
                4 => site.move_to("OPS-99", "done", true, now),
                7 => site.prioritise("OPS-2", "P4", now),
                _ => {}
            }
            None
        });
        let mut desk = Desk::new("jira");
        desk.read(&settings(&vendor, api));
        check(&desk, &vendor);
    }
}

#[test]
fn a_poll_asks_for_what_changed_since_in_milliseconds() {
    let vendor = vendor(year(true));
    let mut desk = Desk::new("jira");
    let settings = settings(&vendor, "cloud");
    desk.read(&settings);
    let later = desk.now.plus(400 * SECOND);
    vendor.with(|site| site.move_to("OPS-7", "done", true, later));
    vendor.script(|_, _, _| None);
    desk.poll(&settings, 15);
    check(&desk, &vendor);
    let asked = vendor.asked();
    assert_eq!(asked.len(), 1);
    let since = Timestamp::parse("2026-10-31T23:50:00Z").unwrap().micros() / 1_000;
    let jql = format!("project in (\"OPS\", \"WEB\") AND updated >= {since} ORDER BY updated ASC, key ASC");
    assert_eq!(asked[0].get("jql"), Some(&*jql));
}

#[test]
fn killed_anywhere_it_goes_on_to_the_same_end() {
    for lives in [2, 7, 13, 22, 30] {
        let vendor = vendor(year(false));
        let mut desk = Desk::new("jira");
        desk.lives = Some(lives);
        assert_eq!(desk.run(&settings(&vendor, "server")).1, Err(PollError::Stopped));
        desk.lives = None;
        vendor.script(|_, _, _| None);
        desk.read(&settings(&vendor, "server"));
        check(&desk, &vendor);
        assert_eq!(vendor.asked()[0].get("jql").unwrap().contains("updated >="), lives > 3, "{lives}");
    }
}

#[test]
fn options_say_what_is_an_incident() {
    let vendor = vendor(year(true));
    let mut desk = Desk::new("jira");
    let mut settings = settings(&vendor, "cloud");
    settings.options.insert("issue_types".to_owned(), "Bug".to_owned());
    desk.read(&settings);
    // OPS-11 was a bug and became a task.
    assert_eq!(incidents(&desk.entities).keys().collect::<Vec<_>>(), ["OPS-17", "OPS-23", "OPS-5"]);
    assert!(desk.entities.keys().any(|key| &*key.id == "OPS-11"));
    let mut desk = Desk::new("jira");
    settings.options.insert("jql".to_owned(), "component = cart".to_owned());
    desk.read(&settings);
    assert!(desk.entities.is_empty());
}

#[test]
fn a_refusal_says_what_to_do_and_never_shows_the_token() {
    let vendor = vendor(year(true));
    let wrong = Settings { credentials: Credentials::Token("wrong-token".to_owned()), ..settings(&vendor, "cloud") };
    let (progress, done) = Desk::new("jira").run(&wrong);
    let Err(PollError::Failed(message)) = done else { panic!("{done:?}") };
    assert_eq!(
        message,
        "Jira does not accept the credentials for issues of OPS,WEB (401, \"Client must be authenticated to access this \
         resource.\"): they are wrong, were revoked or have expired; see `user` and `password` (an API token of \
         https://id.atlassian.com) of the source, or on a server its `token`"
    );
    assert!(!format!("{progress:?} {wrong:?}").contains("wrong-token"));
    let said = r#"{"errorMessages": ["The value 'NO' does not exist for the field 'project'."], "errors": {}}"#;
    vendor.script(move |_, _, _| Some(Fault::Answer((400, Vec::new(), said.to_owned()))));
    let (progress, done) = Desk::new("jira").run(&settings(&vendor, "cloud"));
    done.unwrap();
    assert_eq!(
        progress.failures[0].message,
        "Jira does not take what is asked about issues of OPS,WEB (400, \"The value \\'NO\\' does not exist for the field \
         \\'project\\'.\"); see the options of the source"
    );
}

#[test]
fn settings_are_checked_before_anything_is_asked() {
    let vendor = vendor(Site::default());
    let check = find("jira").unwrap().backfill.unwrap().check;
    let good = settings(&vendor, "cloud");
    assert_eq!(check(&good), Ok(()));
    let option =
        |name: &str, value: &str| Settings { options: [(name.to_owned(), value.to_owned())].into(), ..good.clone() };
    for (bad, said) in [
        (Settings { api_url: String::new(), ..good.clone() }, "set `api_url`"),
        (Settings { api_url: "http://jira.example.org".to_owned(), ..good.clone() }, "write https://"),
        (Settings { repositories: vec!["OPS\") OR (\"".to_owned()], ..good.clone() }, "no key of a project"),
        (Settings { repositories: Vec::new(), ..good.clone() }, "nothing says what to read"),
        (Settings { owners: vec!["acme".to_owned()], ..good.clone() }, "no owners"),
        (option("jql", "a = b ORDER BY key"), "may not order"),
        (option("api", "4"), "`cloud` or `server`"),
        (option("fields", "x=y"), "no pair"),
        (Settings { credentials: Credentials::None, ..good.clone() }, "a token, or with a user"),
    ] {
        let why = check(&bad).unwrap_err();
        assert!(why.contains(said) && !why.contains(SECRET), "{why}");
    }
    let all = Settings { repositories: Vec::new(), ..option("projects", "OPS") };
    assert_eq!(check(&all), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_history_is_told_alike(
        steps in prop::collection::vec((0u8..7, 0u8..6, 1u32..400_000), 1..40),
        page in 1usize..6,
        cloud in any::<bool>(),
    ) {
        let mut site = Site { page, cloud, ..Site::default() };
        let mut now = at(0);
        for (what, which, seconds) in steps {
            now = now.plus(i64::from(seconds) * SECOND);
            let key = format!("OPS-{which}");
            if !site.issues.iter().any(|issue| issue["key"] == *key) {
                site.create(&key, if what == 6 && cloud { "Bug" } else { "Incident" }, now);
                continue;
            }
            match what {
                0 => site.move_to(&key, "done", true, now),
                1 => site.move_to(&key, "done", false, now),
                2 => site.move_to(&key, "new", false, now),
                3 => site.move_to(&key, "indeterminate", false, now),
                // A server's webhook about what was done before it became an incident does not tell since when.
                4 if cloud => site.retype(&key, ["Incident", "Bug"][(seconds % 2) as usize], now),
                _ => site.prioritise(&key, ["P1", "P4"][usize::from(which % 2)], now),
            }
        }
        let vendor = vendor(site);
        let mut desk = Desk::new("jira");
        desk.read(&settings(&vendor, if cloud { "cloud" } else { "server" }));
        check(&desk, &vendor);
    }
}
