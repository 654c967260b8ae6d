//! When something goes wrong: the incident, and how it is ended.

use domain::Timestamp;
use domain::time::HOUR;

use super::events::{self, Commit, Kind, Trouble};
use super::history::{Life, MINUTE, Release};
use super::pace::Pace;

const SEVERITIES: &[&str] = &["critical", "high", "high", "medium", "medium", "medium", "low", "low"];
const TITLES: &[&str] =
    &["is slow", "answers with errors", "shows old data", "loses requests", "cannot be reached", "shows wrong amounts"];

enum End {
    Rollback,
    Hotfix,
    ByItself,
}

/// What the latest deployment brought was bad.
pub(super) fn after_deployment(life: &mut Life<'_>, at: Timestamp, pace: &Pace) {
    let started = at.plus((life.random.wait(1.5) * HOUR as f64) as i64);
    let (mut trouble, over) = begin(life, started, pace);
    let end = match life.random.whole(0, 9) {
        0..=4 if life.running.len() > 1 => End::Rollback,
        0..=7 => End::Hotfix,
        _ => End::ByItself,
    };
    // Some repair and tell nobody.
    let silent = matches!(end, End::Rollback | End::Hotfix) && life.random.chance(0.25);
    let remedy = over.plus(-5 * MINUTE);
    match end {
        End::Rollback => roll_back(life, remedy),
        End::Hotfix => {
            let fixes = Some(trouble.id(life.member)).filter(|_| !silent && life.random.chance(0.5));
            hotfix(life, remedy, fixes);
        }
        End::ByItself => {}
    }
    life.busy_until = over;
    if !silent {
        // Forgotten tickets are part of life.
        if life.random.chance(0.02) {
            trouble.resolved = None;
        }
        tell(life, &trouble);
    }
}

/// A disk, a network, a partner: no deployment is to blame.
pub(super) fn from_nowhere(life: &mut Life<'_>, today: Timestamp, pace: &Pace) {
    let started = today.plus((life.random.between(0.0, 24.0) * HOUR as f64) as i64);
    let (mut trouble, _) = begin(life, started, pace);
    trouble.narrow = false;
    tell(life, &trouble);
}

fn begin(life: &mut Life<'_>, started: Timestamp, pace: &Pace) -> (Trouble, Timestamp) {
    let (early, late) = (life.random.wait(8.0), life.random.wait(10.0));
    let detected = started.plus(((early + 1.0) * MINUTE as f64) as i64);
    let acknowledged = detected.plus(((late + 1.0) * MINUTE as f64) as i64);
    let repair = (life.random.wait(pace.repair_h) * HOUR as f64) as i64 + 15 * MINUTE;
    let over = acknowledged.plus(repair);
    // Issues and pull requests are counted together.
    life.numbers.request += 1;
    let title = life.random.pick(TITLES).copied().unwrap_or("is slow");
    let trouble = Trouble {
        number: life.numbers.request,
        severity: life.random.pick(SEVERITIES).copied().unwrap_or("medium"),
        title: format!("{} {title}", life.member.name),
        started,
        detected,
        acknowledged,
        mitigated: Some(over.plus(-repair / 3)).filter(|at| *at <= life.now),
        resolved: Some(over).filter(|at| *at <= life.now),
        narrow: life.random.chance(0.7),
    };
    (trouble, over)
}

fn tell(life: &mut Life<'_>, trouble: &Trouble) {
    life.tell(events::incident(life.member, trouble));
}

/// Back to what ran before.
fn roll_back(life: &mut Life<'_>, at: Timestamp) {
    let Some(before) = life.running.len().checked_sub(2).and_then(|index| life.running.get(index)).cloned() else {
        return;
    };
    life.numbers.deployment += 1;
    let again = Release { id: format!("{}-{}", life.member.name, life.numbers.deployment), ..before };
    life.roll_out(again, at, Kind::Rollback, None);
}

/// A small commit on what runs, deployed at once.
fn hotfix(life: &mut Life<'_>, at: Timestamp, fixes: Option<String>) {
    let before = life.head.take();
    let commit = Commit {
        sha: life.random.sha(),
        parents: before.iter().map(|head| head.sha.clone()).collect(),
        at: at.plus(-25 * MINUTE),
        message: "Repair what the last release broke".to_owned(),
    };
    life.tell_commits(before.as_ref().map(|head| head.sha.as_str()), std::slice::from_ref(&commit));
    let release = life.release(&commit);
    life.head = Some(commit);
    life.roll_out(release, at, Kind::Hotfix, fixes);
}
