//! The questions of the dashboard, and those of `bench/peers` with their answers.

use std::fmt::Write as _;
use std::time::Duration;

use domain::Timestamp;
use domain::catalogue::Node;
use domain::definition::Definition;
use domain::event::Severity;
use domain::fact::IncidentFact;
use domain::metric::Metric;
use domain::time::{DAY, SECOND};
use metrics::{Bucket, NodeValues, Question, Window, headline};
use tokio::runtime::Runtime;
use warehouse::Warehouse;

use super::base;
use super::generate::{END, START};
use super::timing::{Memory, Watch};
use super::{Measure, Setup, Size, could_not, told, write_json};
use crate::failure::Failure;
use crate::out;

/// No question is asked for longer.
const ENOUGH: Duration = Duration::from_secs(20);

/// No question is asked more often.
const fn rounds(size: Size) -> usize {
    match size {
        Size::Tiny => 2,
        _ => 30,
    }
}

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let runtime = base::runtime(setup)?;
    let warehouse = base::open(setup, &runtime)?;
    let asking = Asking { setup, warehouse: &warehouse, runtime: &runtime };
    let mut measures = asking.dashboard()?;
    measures.extend(asking.for_peers()?);
    measures.push(asking.one_more()?);
    if let Some(now) = Memory::read().now {
        measures.push(Measure::number("resident memory after them", now as f64 / (1024.0 * 1024.0), "MiB"));
    }
    Ok(measures)
}

struct Asking<'a> {
    setup: &'a Setup,
    warehouse: &'a Warehouse,
    runtime: &'a Runtime,
}

/// The last 90 days.
pub(super) fn last_90_days() -> Window {
    Window { from: END.plus(-90 * DAY), to: END }
}

/// The year the queries of the large-group article ask for.
fn year() -> Window {
    Window { from: START, to: START.plus(366 * DAY) }
}

pub(super) fn definition(id: &str) -> Result<Definition, Failure> {
    let shipped = domain::definition::shipped();
    if let Some(known) = shipped.iter().find(|definition| definition.id == id) {
        return Ok(known.clone());
    }
    Err(Failure::could_not(format!("there is no definition `{id}`")))
}

impl Asking<'_> {
    fn answer(&self, question: &Question) -> Result<(), Failure> {
        self.runtime.block_on(self.warehouse.answer(question)).map(drop).map_err(|problem| told(&problem))
    }

    /// Asks again and again, each time about a window a minute earlier, so that no answer is remembered.
    fn cold(&self, mut ask: impl FnMut(i64) -> Result<(), Failure>) -> Result<Vec<Duration>, Failure> {
        let (started, mut times) = (Watch::start(), Vec::new());
        while times.len() < rounds(self.setup.size) && (times.len() < 3 || started.passed() < ENOUGH) {
            let earlier = (times.len() as i64 + 1) * -60 * SECOND;
            let one = Watch::start();
            ask(earlier)?;
            times.push(one.passed());
        }
        Ok(times)
    }

    /// As [`Self::cold`], and apart from the others the first time, when nothing is known yet of the files.
    fn apart(&self, name: &str, ask: impl FnMut(i64) -> Result<(), Failure>) -> Vec<Measure> {
        match self.cold(ask) {
            Ok(times) if !times.is_empty() => {
                let (first, others) = times.split_at(1);
                vec![Measure::times(&format!("{name}, the first time"), first), Measure::times(name, others)]
            }
            times => vec![measured(name, times)],
        }
    }

    fn dashboard(&self) -> Result<Vec<Measure>, Failure> {
        out::note("  the dashboard's questions");
        let dora = definition("dora")?;
        let mut measures = Vec::new();
        let moved = |window: Window, by: i64| Window { from: window.from.plus(by), to: window.to.plus(by) };
        let tree = |window: Window| {
            let asked = self.warehouse.tree(&dora, window, &[], None);
            self.runtime.block_on(asked).map(drop).map_err(|problem| told(&problem))
        };
        let all = |window: Window| self.tree(&dora, window, &headline(&dora), true).map(drop);
        let name = "five metrics with all statistics, every node, 90 days";
        measures.extend(self.apart(name, |by| all(moved(last_90_days(), by))));
        let times = self.cold(|by| tree(moved(last_90_days(), by)));
        measures.push(measured("five metrics, every node, 90 days", times));
        let times: Result<Vec<Duration>, Failure> = (0..if self.setup.size == Size::Tiny { 2 } else { 200 })
            .map(|_| {
                let one = Watch::start();
                tree(last_90_days())?;
                Ok(one.passed())
            })
            .collect();
        measures.push(measured("the same, remembered", times));
        let question = |node: Node, window: Window, bucket: Bucket| Question {
            metrics: headline(&dora).to_vec(),
            bucket: Some(bucket),
            ..Question::new(node, dora.clone(), window)
        };
        let whole = Window { from: START, to: END };
        measures.extend(self.apart("five platforms by month, 24 months", |by| {
            let question = question(Node::Group, moved(whole, by), Bucket::Month);
            let asked = self.warehouse.children(&question);
            self.runtime.block_on(asked).map(drop).map_err(|problem| told(&problem))
        }));
        let page = |node: Node, by: i64| {
            let window = moved(last_90_days(), by);
            let question = Question { bucket: Some(Bucket::Week), ..Question::new(node, dora.clone(), window) };
            self.answer(&Question { compare: Some(window.previous()), ..question })
        };
        measures.extend(self.apart("every metric of the group, 90 days by week", |by| page(Node::Group, by)));
        let Some(product) = self
            .setup
            .plan
            .iter()
            .max_by_key(|product| product.components.iter().map(|component| component.deployments).sum::<u64>())
        else {
            return Ok(measures);
        };
        let page = |node: Node, by: i64| {
            let window = moved(last_90_days(), by);
            let question = question(node, window, Bucket::Week);
            self.answer(&Question { compare: Some(window.previous()), distribution: true, ..question })
        };
        let times = self.cold(|by| page(Node::Product(product.name.clone()), by));
        measures.push(measured("the page of the busiest product, 90 days by week", times));
        if let Some(component) = product.components.iter().max_by_key(|component| component.deployments) {
            let id = domain::catalogue::ComponentId::new(&product.name, &component.name);
            let times = self.cold(|by| page(Node::Component(id.clone()), by));
            measures.push(measured("the page of its busiest component", times));
        }
        Ok(measures)
    }

    fn tree(
        &self,
        definition: &Definition,
        window: Window,
        metrics: &[Metric],
        statistics: bool,
    ) -> Result<Vec<NodeValues>, Failure> {
        let asked = self.warehouse.tree_anew(definition, window, metrics, statistics);
        self.runtime.block_on(asked).map_err(|problem| told(&problem))
    }

    /// The questions that `bench/peers` asks others too: times, and the answers in CSV. The queries of the articles give
    /// no statistics, so they are not asked for there either.
    fn for_peers(&self) -> Result<Vec<Measure>, Failure> {
        out::note("  the questions for peers");
        let folder = self.setup.file("answers");
        std::fs::create_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
        let (dora, rex, examples) = (definition("dora")?, definition("rex")?, definition("examples")?);
        let interval = definition("rex-interval")?;
        let all = headline(&dora);
        let questions: [(&str, &Definition, Vec<Window>, &[Metric]); 6] = [
            ("headline", &dora, vec![last_90_days()], &all),
            ("rex_lead_time", &rex, vec![year()], &[Metric::LeadTime]),
            ("rex_frequency", &interval, vec![year()], &[Metric::DeploymentFrequency]),
            ("rex_failure_rate", &rex, vec![year()], &[Metric::ChangeFailureRate]),
            ("rex_restore", &rex, vec![year()], &[Metric::TimeToRestore]),
            ("examples_failure_rate", &examples, weeks(), &[Metric::ChangeFailureRate]),
        ];
        let (mut measures, mut spent) = (Vec::new(), serde_json::Map::new());
        for (name, definition, windows, metrics) in questions {
            let named = format!("peers: {name}");
            match self.for_peers_one(definition, &windows, metrics, name == "headline") {
                Ok((times, rows)) => {
                    let file = folder.join(format!("{name}.csv"));
                    std::fs::write(&file, rows).map_err(|error| could_not(&file, &error))?;
                    let milliseconds: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
                    spent.insert(name.to_owned(), milliseconds.into());
                    measures.push(Measure::times(&named, &times));
                }
                Err(failure) => measures.push(Measure::failed(&named, &failure)),
            }
        }
        write_json(&folder.join("times.json"), &spent)?;
        Ok(measures)
    }

    fn for_peers_one(
        &self,
        definition: &Definition,
        windows: &[Window],
        metrics: &[Metric],
        statistics: bool,
    ) -> Result<(Vec<Duration>, String), Failure> {
        let mut rows = HEAD.to_owned();
        let ask = |window: &Window| self.tree(definition, *window, metrics, statistics);
        for window in windows {
            write_rows(&mut rows, window.from, &ask(window)?);
        }
        let times = self.cold(|_| windows.iter().try_for_each(|window| ask(window).map(drop)))?;
        Ok((times, rows))
    }

    /// What one more incident costs the warehouse with everything in it.
    fn one_more(&self) -> Result<Measure, Failure> {
        let count = if self.setup.size == Size::Tiny { 20 } else { 500 };
        let mut times = Vec::new();
        for index in 0..count {
            let product = &self.setup.plan[index % self.setup.plan.len()];
            let fact = incident(&product.name, index as i64);
            let one = Watch::start();
            self.warehouse.apply(Vec::new(), vec![fact], Vec::new()).map_err(|problem| told(&problem))?;
            times.push(one.passed());
        }
        Ok(Measure::times("one more incident in the warehouse", &times))
    }
}

fn measured(name: &str, times: Result<Vec<Duration>, Failure>) -> Measure {
    match times {
        Ok(times) => Measure::times(name, &times),
        Err(failure) => Measure::failed(name, &failure),
    }
}

fn incident(product: &str, index: i64) -> IncidentFact {
    let at = END.plus(index * SECOND);
    IncidentFact {
        key: domain::DeploymentKey::new("bench", format!("one-more-{index}")),
        product: product.to_owned(),
        component: None,
        instance: None,
        placed_by: domain::catalogue::PlacedBy::Catalogue,
        placed_why: None,
        severity: Severity::Low,
        title: None,
        opened_at: at,
        started_at: at,
        detected_at: None,
        acknowledged_at: None,
        mitigated_at: None,
        resolved_at: None,
        causes: Default::default(),
        url: None,
        labels: Default::default(),
    }
}

/// ISO weeks of the last 30 days, the first and the last one cut.
fn weeks() -> Vec<Window> {
    let (from, mut weeks) = (END.plus(-30 * DAY), Vec::new());
    // 1970-01-05 was a Monday.
    let monday = |at: Timestamp| (at.micros() - 4 * DAY).div_euclid(7 * DAY) * 7 * DAY + 4 * DAY;
    let mut start = from;
    while start < END {
        let next = Timestamp::from_micros(monday(start) + 7 * DAY).min(END);
        weeks.push(Window { from: start, to: next });
        start = next;
    }
    weeks
}

const HEAD: &str = "from,node,metric,n,value,mean,min,max,p50,p75,p90,p95,p99\n";

fn write_rows(out: &mut String, from: Timestamp, nodes: &[NodeValues]) {
    let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for node in nodes {
        for (metric, value) in node.metrics.iter() {
            let stats = value.stats.as_ref().map(|s| [s.mean, s.min, s.max, s.p50, s.p75, s.p90, s.p95, s.p99]);
            let stats = stats.map_or_else(|| ",".repeat(7), |stats| stats.map(|value| value.to_string()).join(","));
            let (node, value, n) = (node.node.to_ref(), text(value.value), value.n);
            // Writing to a string does not fail.
            let _ = writeln!(out, "{from},{node},{metric},{n},{value},{stats}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_and_fill_the_thirty_days() {
        let weeks = weeks();
        assert_eq!(weeks[0].from, END.plus(-30 * DAY));
        assert_eq!(weeks.last().map(|week| week.to), Some(END));
        assert!(weeks.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(weeks[1].from.to_string(), "2025-12-08T00:00:00Z");
    }
}
