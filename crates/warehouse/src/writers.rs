//! Which facts become rows of which tables.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::error::Result;
use domain::event::EventKind;
use domain::{DeploymentKey, EntityKey};

use crate::kept::{Kept, keeps};
use crate::lake::{Filed, Keys};
use crate::snapshot::{Key, Place, Put, Sealed, Shape, Snapshot, TableData, Writer, place};
use crate::tables::places::{self, Places};
use crate::tables::{
    canary_analyses, commits, deployments, evidence, flag_changes, incidents, pipeline_runs, pipeline_stages,
    pull_requests, slo_samples,
};
use crate::warehouse::Batch;

macro_rules! tables {
    ($($(#[doc = $doc:literal])* $name:ident by $ties:expr;)*) => {
        /// How many rows each table has.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Rows {
            $($(#[doc = $doc])* pub $name: usize,)*
        }

        impl Rows {
            pub(crate) fn of(snapshot: &Snapshot) -> Self {
                Rows { $($name: snapshot.live(stringify!($name)),)* }
            }
        }

        /// One writer a table.
        pub(crate) struct Writers {
            $(pub(crate) $name: Writer<$name::Row>,)*
        }

        impl Writers {
            pub(crate) fn new() -> Self {
                Writers { $($name: Writer::new($name::table(), $ties),)* }
            }

            fn all(&mut self) -> Vec<&mut dyn Sealed> {
                vec![$(&mut self.$name,)*]
            }

            pub(crate) fn shapes(&self) -> Vec<Arc<Shape>> {
                vec![$(self.$name.shape().clone(),)*]
            }

            /// Lays the rows into the next snapshot.
            pub(crate) fn apply(&mut self, next: &mut Snapshot, puts: Puts, keys: &Keys) -> Result<()> {
                $(self.$name.apply(changing(next, stringify!($name), &puts.$name), puts.$name, keys)?;)*
                Ok(())
            }
        }

        /// Rows by table.
        #[derive(Default)]
        pub(crate) struct Puts {
            /// What the rows name, without repeats.
            pub(crate) places: HashSet<places::Row>,
            $(pub(crate) $name: Vec<Put<$name::Row>>,)*
        }

        impl Puts {
            /// Leaves out rows of months that are not kept. Their keys stay: what stood elsewhere under them goes.
            pub(crate) fn leave(&mut self, kept: &Kept) {
                $(
                    for put in &mut self.$name {
                        if !keeps(kept, stringify!($name), put.place.1) {
                            put.rows.clear();
                        }
                    }
                )*
            }
        }

        impl Writers {
            /// Gives `write` each table's rows of each month, in the order of the base.
            pub(crate) fn sorted(
                &self,
                puts: Puts,
                write: &mut impl FnMut(&Arc<Shape>, Filed, datafusion::arrow::record_batch::RecordBatch) -> Result<()>,
            ) -> Result<()> {
                $(
                    let mut months: std::collections::BTreeMap<Filed, Vec<$name::Row>> = Default::default();
                    for put in puts.$name {
                        months.entry(put.place.1).or_default().extend(put.rows);
                    }
                    for (month, rows) in months {
                        if let Some(batch) = self.$name.sorted(&rows)? {
                            write(self.$name.shape(), month, batch)?;
                        }
                    }
                )*
                Ok(())
            }
        }
    };
}

tables! {
    /// Deployments.
    deployments by &["source", "id"];
    /// Commits that arrived with them.
    commits by &["source", "id", "sha"];
    /// Incidents.
    incidents by &["source", "id"];
    /// Canary analyses.
    canary_analyses by &["source", "id"];
    /// Pipeline runs.
    pipeline_runs by &["source", "id"];
    /// Stages of pipeline runs.
    pipeline_stages by &["source", "id", "position"];
    /// Pull requests.
    pull_requests by &["source", "id"];
    /// Samples of service levels.
    slo_samples by &["source", "id"];
    /// Changes of feature flags.
    flag_changes by &["source", "id"];
    /// Links and verdicts of deployments and incidents.
    evidence by &["source", "fact_key", "position"];
}

impl Writers {
    pub(crate) fn each(&mut self, act: impl Fn(&mut dyn Sealed)) {
        for writer in self.all() {
            act(writer);
        }
    }

    pub(crate) fn one(&mut self, name: &str) -> Option<&mut dyn Sealed> {
        self.all().into_iter().find(|writer| writer.name() == name)
    }

    /// Adds what the rows name to what is known.
    pub(crate) fn name(known: &mut Arc<Places>, puts: &Puts) -> Result<()> {
        let mut new = None;
        for place in &puts.places {
            if !known.knows(place) {
                new.get_or_insert_with(|| Places::clone(known)).add(place.names())?;
            }
        }
        if let Some(new) = new {
            *known = Arc::new(new);
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self) {
        self.each(|writer| writer.forget());
    }
}

/// A table of the next snapshot, its own copy only when there is anything to change.
fn changing<'s, R>(next: &'s mut Snapshot, name: &'static str, puts: &[Put<R>]) -> Option<&'s mut TableData> {
    if puts.is_empty() { None } else { next.tables.get_mut(name).map(Arc::make_mut) }
}

impl Puts {
    /// The rows of facts, each filed under the product and month of its own instant.
    pub(crate) fn of(batch: Batch) -> Self {
        let mut puts = Puts::default();
        let before = Before::of(&batch.before);
        for key in &batch.removed.deployments {
            puts.deployments.push(nothing(key, EventKind::Deployment, &before));
            puts.commits.push(nothing(key, EventKind::Deployment, &before));
            puts.evidence.push(no_evidence(evidence::DEPLOYMENT, key, EventKind::Deployment, &before));
        }
        for (fact, commits) in batch.deployments {
            puts.places.insert(places::Row::new(deployments::names(&fact)));
            let key = (fact.key.source.clone(), fact.key.id.clone());
            let place = place(fact.lane.component.product(), fact.finished_at);
            let also = before.months(EventKind::Deployment, &key);
            puts.evidence.push(Put {
                key: evidence_key(evidence::DEPLOYMENT, &fact.key),
                place: place.clone(),
                rows: evidence::of_deployment(&fact),
                also: also_of(&also, &place),
            });
            let (row, own) = deployments::with_commits(fact, commits);
            let months = also_of(&also, &place);
            puts.commits.push(Put { key: key.clone(), place: place.clone(), rows: own, also: months });
            puts.deployments.push(Put { key, place, rows: vec![row], also });
        }
        for key in &batch.removed.incidents {
            puts.incidents.push(nothing(key, EventKind::Incident, &before));
            puts.evidence.push(no_evidence(evidence::INCIDENT, key, EventKind::Incident, &before));
        }
        for fact in batch.incidents {
            puts.places.insert(places::Row::new(incidents::names(&fact)));
            let key = (fact.key.source.clone(), fact.key.id.clone());
            let place = place(&fact.product, Some(fact.started_at));
            let also = before.months(EventKind::Incident, &key);
            puts.evidence.push(Put {
                key: evidence_key(evidence::INCIDENT, &fact.key),
                place: place.clone(),
                rows: evidence::of_incident(&fact),
                also: also_of(&also, &place),
            });
            puts.incidents.push(Put { key, place, rows: vec![fact], also });
        }
        for fact in batch.others {
            puts.places.insert(places::Row::new(canary_analyses::names(&fact)));
            let key = (fact.key.source.clone(), fact.key.id.clone());
            let also = before.months(fact.key.kind, &key);
            let place = place(fact.product.as_deref().unwrap_or_default(), Some(fact.at));
            match fact.key.kind {
                EventKind::CanaryAnalysis => puts.canary_analyses.push(Put { key, place, rows: vec![fact], also }),
                EventKind::PipelineRun => {
                    let rows = pipeline_stages::rows(&fact);
                    puts.pipeline_stages.push(Put {
                        key: key.clone(),
                        place: place.clone(),
                        rows,
                        also: also_of(&also, &place),
                    });
                    puts.pipeline_runs.push(Put { key, place, rows: vec![fact], also });
                }
                EventKind::PullRequest => puts.pull_requests.push(Put { key, place, rows: vec![fact], also }),
                EventKind::SloSample => puts.slo_samples.push(Put { key, place, rows: vec![fact], also }),
                EventKind::FlagChange => puts.flag_changes.push(Put { key, place, rows: vec![fact], also }),
                _ => {}
            }
        }
        puts
    }
}

/// Months under which facts were filed before.
struct Before<'b>(HashMap<(EventKind, &'b str, &'b str), Vec<Filed>>);

impl<'b> Before<'b> {
    fn of(before: &'b [(EntityKey, Filed)]) -> Self {
        let mut months: HashMap<_, Vec<Filed>> = HashMap::new();
        for (key, month) in before {
            months.entry((key.kind, &*key.source, &*key.id)).or_default().push(*month);
        }
        Before(months)
    }

    fn months(&self, kind: EventKind, key: &Key) -> Vec<Filed> {
        self.0.get(&(kind, &*key.0, &*key.1)).cloned().unwrap_or_default()
    }
}

/// Where to look for rows of one that may have none any more: also where it is.
fn also_of(also: &[Filed], place: &Place) -> Vec<Filed> {
    also.iter().copied().chain([place.1]).collect()
}

/// No rows for a key; where they would be is of no matter.
fn nothing<R>(key: &DeploymentKey, kind: EventKind, before: &Before<'_>) -> Put<R> {
    let key = (key.source.clone(), key.id.clone());
    Put { place: place("", None), rows: Vec::new(), also: before.months(kind, &key), key }
}

/// Under which the evidence of a fact is replaced.
fn evidence_key(fact: &str, key: &DeploymentKey) -> Key {
    (key.source.clone(), evidence::key(fact, &key.id).into())
}

fn no_evidence(fact: &str, key: &DeploymentKey, kind: EventKind, before: &Before<'_>) -> Put<evidence::Row> {
    Put { key: evidence_key(fact, key), ..nothing(key, kind, before) }
}
