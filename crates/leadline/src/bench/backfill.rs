//! A long past that comes in page by page: taken by the tables in the order of the store, sealed whenever memory holds as
//! much as the server lets it, and what memory that takes from the beginning to the end.

use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use tokio::runtime::Runtime;
use warehouse::{Batch, Warehouse};

use super::base::runtime;
use super::link::link_all;
use super::timing::{Memory, Watch};
use super::{Measure, Setup, could_not, told};
use crate::clock;
use crate::failure::Failure;

/// Facts a page, as the server asks for them.
const PAGE: usize = 5_000;
/// Bytes in memory at which the follower waits for a seal: twice `warehouse.memory_mb`.
const BOUND: usize = 128 * 1024 * 1024;
/// At so many points on the way memory is told.
const PARTS: usize = 4;

/// A fact on its way.
enum Fact {
    Deployment(Box<DeploymentFact>, Vec<CommitFact>),
    Incident(Box<IncidentFact>),
    Other(Box<OtherFact>),
}

/// The tables, and what they took.
pub(super) struct Following<'r> {
    runtime: &'r Runtime,
    warehouse: Warehouse,
    /// Bytes in memory at which it is sealed.
    bound: usize,
    change: u64,
    pub(super) seals: usize,
    pub(super) facts: usize,
    /// Bytes of rows in memory at their most.
    pub(super) held: usize,
    /// Resident after each seal.
    resident: Vec<u64>,
}

impl<'r> Following<'r> {
    pub(super) fn new(runtime: &'r Runtime, warehouse: Warehouse, bound: usize) -> Self {
        Following { runtime, warehouse, bound, change: 0, seals: 0, facts: 0, held: 0, resident: Vec::new() }
    }

    /// Takes the facts of one product by time, a page after the other.
    pub(super) fn product(
        &mut self,
        deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
        incidents: Vec<IncidentFact>,
        others: Vec<OtherFact>,
    ) -> Result<(), Failure> {
        let of_deployments = deployments
            .into_iter()
            .map(|(fact, commits)| (fact.finished_at, Fact::Deployment(Box::new(fact), commits)));
        let of_incidents = incidents.into_iter().map(|fact| (Some(fact.opened_at), Fact::Incident(Box::new(fact))));
        let of_others = others.into_iter().map(|fact| (Some(fact.at), Fact::Other(Box::new(fact))));
        let mut all: Vec<_> = of_deployments.chain(of_incidents).chain(of_others).collect();
        all.sort_by_key(|(at, _)| *at);
        let mut all = all.into_iter().map(|(_, fact)| fact);
        loop {
            let mut batch = Batch::default();
            for fact in all.by_ref().take(PAGE) {
                self.change += 1;
                match fact {
                    Fact::Deployment(fact, commits) => batch.deployments.push((*fact, commits)),
                    Fact::Incident(fact) => batch.incidents.push(*fact),
                    Fact::Other(fact) => batch.others.push(*fact),
                }
            }
            let taken = batch.deployments.len() + batch.incidents.len() + batch.others.len();
            if taken == 0 {
                return Ok(());
            }
            self.facts += taken;
            batch.change = self.change;
            self.warehouse.take(batch).map_err(|problem| told(&problem))?;
            let held = self.warehouse.in_memory();
            self.held = self.held.max(held);
            if held >= self.bound {
                self.seal()?;
            }
        }
    }

    pub(super) fn seal(&mut self) -> Result<(), Failure> {
        self.runtime.block_on(self.warehouse.seal(clock::now())).map_err(|problem| told(&problem))?;
        self.seals += 1;
        self.resident.extend(Memory::read().now);
        Ok(())
    }

    pub(super) fn rows(&self) -> warehouse::Rows {
        self.warehouse.rows()
    }
}

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let runtime = runtime(setup)?;
    let folder = setup.file("backfill-lake");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
    let warehouse = runtime.block_on(Warehouse::open(&folder)).map_err(|problem| told(&problem))?;
    let mut following = Following::new(&runtime, warehouse, BOUND);
    let mut within = 0.0;
    link_all(&setup.plan, setup.seed, setup.threads, |index, linked| {
        let facts = linked.facts;
        let taking = Watch::start();
        following.product(facts.deployments, facts.incidents, facts.others)?;
        within += taking.passed().as_secs_f64();
        setup.progress("taken", index);
        Ok(())
    })?;
    following.seal()?;
    let mebibytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    let mut measures = vec![
        Measure::number("facts taken", following.facts as f64, ""),
        Measure::number("rows of evidence", following.rows().evidence as f64, ""),
        Measure::number("time in the warehouse", within, "s"),
        Measure::number("seals", following.seals as f64, ""),
        Measure::number("rows in memory at most", mebibytes(following.held as u64), "MiB"),
    ];
    for (part, resident) in parts(&following.resident).into_iter().enumerate() {
        let name = format!("resident at most after seals of part {} of {PARTS}", part + 1);
        measures.push(Measure::number(&name, mebibytes(resident), "MiB"));
    }
    std::fs::remove_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
    Ok(measures)
}

/// The greatest of each part of the way; fewer when there are fewer.
fn parts(resident: &[u64]) -> Vec<u64> {
    let each = resident.len().div_ceil(PARTS).max(1);
    resident.chunks(each).filter_map(|part| part.iter().copied().max()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_way_have_their_greatest() {
        assert_eq!(parts(&[1, 5, 2, 3, 9, 4, 4, 4]), [5, 3, 9, 4]);
        assert_eq!(parts(&[1, 2]), [1, 2]);
        assert_eq!(parts(&[]), [0; 0]);
    }
}
