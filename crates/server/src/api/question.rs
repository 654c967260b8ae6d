//! The parameters all questions about numbers share.

use ::metrics::{Bucket, Question, Window};
use domain::metric::Metric;
use domain::part::{Part, Split};
use domain::time::DAY;
use domain::{Code, Timestamp};

use super::deployments::flag;
use crate::clock;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Microseconds of the grid to which open ends of windows snap.
const MINUTE: i64 = 60_000_000;

/// `from` and `to`; without them the configured number of days up to now, on the minute.
pub(crate) fn window(app: &App, query: &Query) -> Result<Window, ApiError> {
    let now = clock::now();
    let minute = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(MINUTE) + MINUTE);
    let to = query.instant("to", now)?.unwrap_or(minute);
    let default = to.plus(-i64::from(app.config.metrics.window_days) * DAY);
    let from = query.instant("from", minute)?.unwrap_or(default);
    if from >= to {
        return Err(ApiError::new(Code::InvalidParameter, format!("`from` ({from}) is not before `to` ({to})")));
    }
    Ok(Window { from, to })
}

/// The metrics asked for, each once; none when none are named.
pub(crate) fn metrics(query: &Query) -> Result<Option<Vec<Metric>>, ApiError> {
    let mut metrics: Vec<Metric> = query.all("metric").into_iter().map(str::parse).collect::<Result<_, _>>()?;
    metrics.sort_unstable();
    metrics.dedup();
    Ok(Some(metrics).filter(|metrics| !metrics.is_empty()))
}

/// `node`, `metric`, `definition`, `from`, `to`, `bucket`, `zone`, `compare`, `distribution`, `changes`, `split`, `part` and `label.KEY`.
pub(crate) fn question(app: &App, query: &Query) -> Result<Question, ApiError> {
    let window = window(app, query)?;
    let mut question = Question::new(app.node(query.one("node"))?, app.definition(query.one("definition"))?, window);
    if let Some(metrics) = metrics(query)? {
        question.metrics = metrics;
    }
    question.bucket = bucket(query)?;
    if let Some(zone) = query.one("zone") {
        question.zone = zone.to_owned();
    }
    question.distribution = flag(query, "distribution")?.unwrap_or(false);
    question.compare = compare(query, window)?;
    question.changes = changes(query, window)?;
    question.split = split(query)?;
    question.part = part(query, &question.metrics)?;
    question.labels = query.labels();
    question.check()?;
    Ok(question)
}

/// How a series is cut, when one is asked for.
pub(crate) fn bucket(query: &Query) -> Result<Option<Bucket>, ApiError> {
    let read = |bucket: &str| {
        Bucket::read(bucket).ok_or_else(|| {
            let known: Vec<_> = Bucket::ALL.iter().map(|bucket| bucket.text()).collect();
            ApiError::new(Code::InvalidParameter, format!("`bucket` takes {}", known.join(", ")))
        })
    };
    query.one("bucket").map(read).transpose()
}

/// Up to when buckets are over, when `changes` asks where the level moved.
fn changes(query: &Query, window: Window) -> Result<Option<Timestamp>, ApiError> {
    let wanted = flag(query, "changes")?.unwrap_or(false);
    let now = clock::now();
    // On the minute, so that the same question is answered once a minute and not each time anew.
    Ok(wanted.then(|| window.to.min(Timestamp::from_micros(now.micros() - now.micros().rem_euclid(MINUTE)))))
}

fn compare(query: &Query, window: Window) -> Result<Option<Window>, ApiError> {
    let wrong = || ApiError::new(Code::InvalidParameter, "`compare` takes `previous`, or a window written FROM/TO");
    match query.one("compare") {
        None => Ok(None),
        Some("previous") => Ok(Some(window.previous())),
        Some(text) => {
            let (from, to) = text.split_once('/').ok_or_else(wrong)?;
            let read = |text: &str| Timestamp::parse(&text.replace(' ', "+")).map_err(|_| wrong());
            let (from, to) = (read(from)?, read(to)?);
            if from >= to { Err(wrong()) } else { Ok(Some(Window { from, to })) }
        }
    }
}

fn split(query: &Query) -> Result<Option<Split>, ApiError> {
    let Some(text) = query.one("split") else { return Ok(None) };
    let known = || Split::ALL.map(Split::text).join(", ");
    let read =
        Split::read(text).ok_or_else(|| ApiError::new(Code::InvalidParameter, format!("`split` takes {}", known())))?;
    Ok(Some(read))
}

fn part(query: &Query, metrics: &[Metric]) -> Result<Option<Part>, ApiError> {
    let Some(text) = query.one("part") else { return Ok(None) };
    let &[metric] = metrics else {
        return Err(ApiError::new(Code::InvalidParameter, "`part` is one of one metric; name it with `metric`"));
    };
    Ok(Some(Part::read(metric, text)?))
}

/// Names of those parameters.
pub(crate) const PARAMETERS: &[&str] = &[
    "node",
    "metric",
    "definition",
    "from",
    "to",
    "bucket",
    "zone",
    "compare",
    "distribution",
    "changes",
    "split",
    "part",
];
