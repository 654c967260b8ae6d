//! A rebuild at any moment, cut off anywhere and gone on with, gives what applying everything from the start gives; and
//! until it is done everybody reads the old facts.

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::sync::Arc;

use domain::event::{Checks, Event, EventKind, entity_key, parse};
use domain::{Code, Problem, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{
    Delivery, Interpreter, JournalFilter, Location, Phase, Progress, Rebuild, State, Store, StoreError, Webhook,
};
use tempfile::TempDir;

use crate::equivalence::{catalogue, made};
use crate::support::{add, deliveries, deployment, dump, memory, minute, now, open, story, webhook};

type Dice = [u8; 8];

/// The same event in another product with other commits, so that not everything is linked together.
fn elsewhere(event: Event) -> Event {
    let rename = |text: &str| text.replace("acme/shop", "acme/till").replace("\"shop\"", "\"till\"");
    let fields = serde_json::from_str(&rename(&Value::Object(event.fields).to_string())).unwrap();
    let source = event.key.source.replace("tests", "till");
    Event { key: entity_key(event.key.kind, &source, &rename(&event.key.id)), fields }
}

fn correction(dice: Dice) -> Event {
    let [_, id, a, b, ..] = dice;
    let target =
        if a % 2 == 0 { format!("deployment:tests/d{}", id % 8) } else { format!("incident:tests/i{}", id % 3) };
    let mut fields =
        json!({"id": target, "reason": "seen", "actor": "ada", "updated_at": minute(1_000 + usize::from(b))});
    match a % 6 {
        0 => fields["failed"] = json!(b % 2 == 0),
        1 | 3 => fields["cause"] = json!(format!("tests/d{}", b % 8)),
        2 => fields["change_kind"] = json!("config"),
        4 => fields["change_kind"] = json!("rollback"),
        _ => fields["cause"] = json!("none"),
    }
    Event { key: entity_key(EventKind::Override, "people", &target), fields: fields.as_object().unwrap().clone() }
}

/// Something that arrives: events, in webhooks too, corrections, catalogues, what cannot be read.
fn delivery(dice: Dice) -> Delivery {
    let [kind, id, a, ..] = dice;
    let event = |dice: Dice| if dice[7].is_multiple_of(3) { elsewhere(made(dice)) } else { made(dice) };
    match kind % 19 {
        0 => Delivery::Catalogue(catalogue(a % 2 == 0), "file".to_owned()),
        1 => Delivery::Event(correction(dice)),
        2 => webhook(&format!("w{id}"), ["{", "[]", "[\"?\"]"][usize::from(a) % 3]),
        3..=5 => {
            let event = event([a, id, kind, dice[3], dice[4], dice[5], dice[6], dice[7]]);
            let mut fields = Value::Object(event.fields);
            fields["type"] = json!(event.key.kind.text());
            webhook(&format!("w{kind}{id}{a}"), &json!([fields, "?"]).to_string())
        }
        _ => Delivery::Event(event(dice)),
    }
}

fn told(store: &Store, dice: &[Dice]) {
    for some in dice.chunks(3) {
        add(store, some.iter().copied().map(delivery).collect());
        store.settle().unwrap();
    }
}

fn of_all(dice: &[Dice]) -> Store {
    let store = memory();
    told(&store, dice);
    store
}

/// The lines of two dumps that differ.
fn difference(left: &Store, right: &Store) -> String {
    let (left, right) = (dump(left).0, dump(right).0);
    let only = |these: &str, those: &str| {
        let lines = these.lines().filter(|line| !those.lines().any(|other| other == *line));
        lines.fold(String::new(), |text, line| text + line + "\n")
    };
    match left == right {
        true => String::new(),
        false => format!("only here:\n{}only there:\n{}", only(&left, &right), only(&right, &left)),
    }
}

fn dice(most: usize) -> impl Strategy<Value = Vec<Dice>> {
    prop::collection::vec(any::<Dice>(), 0..most)
}

/// Rebuilds; before each step `meanwhile` may do anything and may end the process, as it were.
fn rebuild_in(
    folder: &TempDir,
    size: usize,
    wanted: Rebuild,
    mut meanwhile: impl FnMut(&Store, &Progress) -> bool,
) -> Store {
    loop {
        let store = open(folder);
        let seen = store.clone();
        let mut step = |progress: &Progress| {
            if meanwhile(&seen, progress) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let done = store.rebuild_in_steps_of(size, wanted, &mut step).unwrap();
        if done.is_some() {
            assert_eq!(store.unfinished_rebuild().unwrap(), None);
            drop(seen);
            return store;
        }
        assert_eq!(store.unfinished_rebuild().unwrap(), Some(wanted));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_rebuild_at_any_moment_gives_what_applying_from_the_start_gives(
        before in dice(40),
        during in prop::collection::vec((0usize..30, any::<Dice>()), 0..12),
        after in dice(12),
        killed in prop::collection::vec(0usize..40, 0..6),
        size in 1usize..25,
        everything in any::<bool>(),
    ) {
        let folder = TempDir::new().unwrap();
        told(&open(&folder), &before);
        let old = of_all(&before);
        let (mut step, mut all, mut during) = (0, before.clone(), during);
        during.sort_by_key(|(at, _)| *at);
        let wanted = if everything { Rebuild::Everything } else { Rebuild::Facts };
        let known = old.change_number().unwrap();
        let mut shown = false;
        let store = rebuild_in(&folder, size, wanted, |store, progress| {
            // Everybody reads the old facts until all of the new ones are there.
            shown |= progress.phase == Phase::Clearing;
            assert_eq!(difference(store, &old), "");
            if known > 0 {
                assert_eq!(store.changes_since(known, 1).unwrap().rebuilt, shown);
            }
            let come: Vec<Dice> = during.iter().filter(|(at, _)| *at == step).map(|(_, dice)| *dice).collect();
            told(store, &come);
            told(&old, &come);
            all.extend(come);
            step += 1;
            killed.contains(&step)
        });
        let straight = of_all(&all);
        prop_assert!(shown);
        prop_assert_eq!(difference(&store, &straight), "");
        prop_assert_eq!(store.catalogue().unwrap(), straight.catalogue().unwrap());
        prop_assert_eq!(store.journal_counts().unwrap(), straight.journal_counts().unwrap());
        // What is linked from now on is linked to what was made anew.
        told(&store, &after);
        told(&straight, &after);
        prop_assert_eq!(difference(&store, &straight), "");
        drop(store);
        prop_assert_eq!(difference(&open(&folder), &straight), "");
    }

    #[test]
    fn what_is_read_otherwise_since_an_instant_is_as_if_it_always_had_been(
        before in dice(25),
        since in prop::collection::vec((any::<Dice>(), any::<bool>()), 0..25),
        size in 1usize..25,
    ) {
        let folder = TempDir::new().unwrap();
        let from = now().plus(1);
        let tell = |store: &Store| {
            told(store, &before);
            for (dice, hidden) in &since {
                let delivery = if *hidden { hidden_in_a_webhook(*dice) } else { delivery(*dice) };
                store.append(vec![delivery], from).unwrap();
            }
            store.settle().unwrap();
        };
        tell(&open_as(&folder, false));
        let store = open_as(&folder, true);
        let rows = rebuilt(&store, size, Rebuild::Since(from));
        prop_assert!(rows <= since.len() as u64);
        let straight = Store::open(Location::Memory, Arc::new(Reader { finds_hidden: true })).unwrap();
        tell(&straight);
        prop_assert_eq!(difference(&store, &straight), "");
        prop_assert_eq!(store.journal_counts().unwrap(), straight.journal_counts().unwrap());
        rebuilt(&store, size, Rebuild::Everything);
        prop_assert_eq!(difference(&store, &straight), "");
    }
}

fn rebuilt(store: &Store, size: usize, wanted: Rebuild) -> u64 {
    let done = store.rebuild_in_steps_of(size, wanted, &mut |_| ControlFlow::Continue(())).unwrap();
    done.unwrap().rows
}

/// A parser of which a later version finds events where this one finds what it cannot read.
struct Reader {
    finds_hidden: bool,
}

impl Interpreter for Reader {
    fn interpret(&self, row: &Webhook, received_at: Timestamp) -> Result<Vec<Result<Event, Problem>>, Problem> {
        assert!(row.body != b"panic", "a bug in a parser");
        let items: Vec<Value> = serde_json::from_slice(&row.body)
            .map_err(|error| Problem::new(Code::MalformedJson, format!("{}: {error}", row.parser)))?;
        let read = |item: Value| match item.get("hidden") {
            Some(hidden) if self.finds_hidden => hidden.clone(),
            _ => item,
        };
        let checks = Checks { default_source: &row.source, now: received_at };
        Ok(items.into_iter().map(|item| parse(read(item), checks)).collect())
    }
}

fn open_as(folder: &TempDir, finds_hidden: bool) -> Store {
    Store::open(Location::Folder(folder.path().to_owned()), Arc::new(Reader { finds_hidden })).unwrap()
}

fn hidden_in_a_webhook(dice: Dice) -> Delivery {
    let event = made(dice);
    let mut fields = Value::Object(event.fields);
    fields["type"] = json!(event.key.kind.text());
    webhook(&format!("h{dice:?}"), &json!([{"hidden": fields}]).to_string())
}

fn state_of(store: &Store, seq: i64) -> State {
    let filter = JournalFilter { after_seq: Some(seq - 1), limit: 1, ..JournalFilter::default() };
    store.journal(filter).unwrap()[0].state
}

#[test]
fn what_could_not_be_read_is_told_when_the_facts_are_shown() {
    let folder = TempDir::new().unwrap();
    let hidden = webhook(
        "h",
        &json!([{"hidden": {"type": "incident", "id": "1", "product": "shop", "opened_at": minute(1)}}]).to_string(),
    );
    let store = open_as(&folder, false);
    let seq = add(&store, vec![hidden])[0].seq();
    store.settle().unwrap();
    assert_eq!(state_of(&store, seq), State::Rejected);
    drop(store);
    let store = open_as(&folder, true);
    let mut states = Vec::new();
    let seen = store.clone();
    store
        .rebuild_stepwise(Rebuild::Everything, &mut |progress| {
            states.push((progress.phase, state_of(&seen, seq)));
            ControlFlow::Continue(())
        })
        .unwrap();
    for (phase, state) in states {
        assert_eq!(state == State::Applied, phase == Phase::Clearing, "{phase:?}");
    }
    let counts = store.journal_counts().unwrap();
    assert_eq!((counts.applied, counts.rejected), (1, 0));
    assert!(dump(&store).0.contains("\"incident\""));
}

#[test]
fn a_row_replayed_meanwhile_is_in_the_new_facts() {
    let folder = TempDir::new().unwrap();
    let hidden = webhook(
        "h",
        &json!([{"hidden": {"type": "incident", "id": "1", "product": "shop", "opened_at": minute(1)}}]).to_string(),
    );
    let store = open_as(&folder, false);
    let seq = add(&store, vec![hidden])[0].seq();
    add(&store, deliveries(story()));
    store.settle().unwrap();
    drop(store);
    let store = open_as(&folder, true);
    let seen = store.clone();
    // Of facts alone no delivery is read again, but for this one.
    store
        .rebuild_in_steps_of(5, Rebuild::Facts, &mut |progress| {
            if progress.phase == Phase::Linking && progress.done == 0 {
                seen.replay(seq).unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    store.settle().unwrap();
    assert_eq!(state_of(&store, seq), State::Applied);
    let straight = Store::open(Location::Memory, Arc::new(Reader { finds_hidden: true })).unwrap();
    add(&straight, deliveries(story()));
    add(
        &straight,
        vec![webhook(
            "h",
            &json!([{"type": "incident", "id": "1", "product": "shop", "opened_at": minute(1)}]).to_string(),
        )],
    );
    straight.settle().unwrap();
    assert_eq!(dump(&store), dump(&straight));
}

#[test]
fn another_wish_gives_up_the_one_under_way_and_two_at_once_are_refused() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    add(&store, deliveries(story()));
    store.settle().unwrap();
    let expected = dump(&store);
    let mut left = 7;
    let mut broken_off = |_: &Progress| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(store.rebuild_in_steps_of(3, Rebuild::Everything, &mut broken_off).unwrap(), None);
    assert_eq!(store.unfinished_rebuild().unwrap(), Some(Rebuild::Everything));
    let (seen, mut refused) = (store.clone(), 0);
    let done = store.rebuild_in_steps_of(3, Rebuild::Facts, &mut |_| {
        let other = seen.rebuild_stepwise(Rebuild::Facts, &mut |_| ControlFlow::Continue(()));
        refused += u32::from(matches!(other, Err(StoreError::Rebuilding)));
        ControlFlow::Continue(())
    });
    let done = done.unwrap().unwrap();
    assert!(refused > 3);
    assert_eq!((done.rows, done.caught_up), (0, 0));
    assert!(done.entities > 20 && done.facts > 10, "{done:?}");
    assert_eq!(dump(&store), expected);
    assert_eq!(store.resume_rebuild(&mut |_| ControlFlow::Continue(())).unwrap(), None, "nothing was begun");
}

#[test]
fn what_is_being_given_up_is_not_taken_for_what_is_done() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    add(&store, deliveries(story()));
    store.settle().unwrap();
    let expected = dump(&store);
    let when = |wanted, phase| {
        let mut step =
            |now: &Progress| if now.phase == phase { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        assert_eq!(store.rebuild_in_steps_of(4, wanted, &mut step).unwrap(), None);
        assert_eq!(store.unfinished_rebuild().unwrap(), Some(wanted));
    };
    when(Rebuild::Everything, Phase::Linking);
    when(Rebuild::Facts, Phase::Clearing);
    when(Rebuild::Everything, Phase::Clearing);
    assert_eq!(dump(&store), expected);
    let known = store.change_number().unwrap();
    assert_eq!(store.changes_since(known, 1).unwrap().upto, known, "nothing new is shown");
    let done = store.resume_rebuild(&mut |_| ControlFlow::Continue(())).unwrap().unwrap();
    assert_eq!(done.rows, story().len() as u64);
    assert_eq!(dump(&store), expected);
    assert!(store.changes_since(known, 1).unwrap().rebuilt);
}

const FOLDER: &str = "STORE_TEST_REBUILT_FOLDER";

fn nth(n: usize) -> Event {
    deployment(n, ["cart", "api"][n % 2], n, n / 3)
}

/// Not a test of its own: what the other one kills.
#[test]
fn child_that_rebuilds_for_ever() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(Location::Folder(folder.into()), Arc::new(crate::support::Lists)).unwrap();
    store.settle().unwrap();
    let mut n = usize::try_from(store.journal_counts().unwrap().applied).unwrap();
    let mut out = std::io::stdout();
    let seen = store.clone();
    for wanted in [Rebuild::Everything, Rebuild::Facts].into_iter().cycle() {
        store
            .rebuild_in_steps_of(6, wanted, &mut |progress| {
                add(&seen, vec![Delivery::Event(nth(n))]);
                n += 1;
                writeln!(out, "{} {n}", progress.phase.text()).unwrap();
                out.flush().unwrap();
                ControlFlow::Continue(())
            })
            .unwrap();
    }
}

#[test]
fn a_killed_rebuild_is_gone_on_with() {
    let folder = TempDir::new().unwrap();
    add(&open(&folder), deliveries((0..30).map(nth).collect()));
    let mut answered = 0;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["rebuild::child_that_rebuilds_for_ever", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let phase = ["reading", "linking", "catching_up", "clearing", "copying", "linking"][round];
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.starts_with(phase)).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.filter(|line| Phase::ALL.iter().any(|phase| line.starts_with(phase.text()))).last();
        let told = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<usize>().ok());
        answered = last.as_deref().and_then(told).or(told(&line)).unwrap_or(answered).max(answered);
    }
    let store = open(&folder);
    store.settle().unwrap();
    let kept = usize::try_from(store.journal_counts().unwrap().applied).unwrap();
    assert!(kept >= answered && kept <= answered + 6, "{kept} kept, {answered} answered");
    let straight = memory();
    add(&straight, deliveries((0..kept).map(nth).collect()));
    straight.settle().unwrap();
    assert_eq!(dump(&store), dump(&straight), "what was read before the rebuild was done");
    store.resume_rebuild(&mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(store.unfinished_rebuild().unwrap(), None);
    assert_eq!(dump(&store), dump(&straight), "what the rebuild gave");
    rebuilt(&store, 10, Rebuild::Everything);
    assert_eq!(dump(&store), dump(&straight));
}
