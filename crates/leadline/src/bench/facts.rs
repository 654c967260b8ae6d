//! All facts from entities: what a rebuild costs once everything has been received.

use std::time::Duration;

use super::link::link_all;
use super::timing::Watch;
use super::{Measure, Setup};
use crate::failure::Failure;

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let started = Watch::start();
    let (mut generating, mut linking) = (Duration::ZERO, Duration::ZERO);
    let (mut entities, mut deployments, mut commits, mut incidents) = (0, 0, 0, 0);
    link_all(&setup.plan, setup.seed, setup.threads, |index, linked| {
        generating += linked.generating;
        linking += linked.linking;
        entities += linked.entities;
        deployments += linked.facts.deployments.len();
        commits += linked.facts.deployments.iter().map(|(_, commits)| commits.len()).sum::<usize>();
        incidents += linked.facts.incidents.len();
        setup.progress("linked", index);
        Ok(())
    })?;
    // Both threads are busy to the end but for the last product.
    let seconds = linking.as_secs_f64() / setup.threads as f64;
    Ok(vec![
        Measure::number("deployments", deployments as f64, ""),
        Measure::number("arrived commits", commits as f64, ""),
        Measure::number("incidents", incidents as f64, ""),
        Measure::number("entities", entities as f64, ""),
        Measure::number("entities to facts", seconds, "s"),
        Measure::number("deployments linked", deployments as f64 / seconds, "1/s"),
        Measure::number("making the entities", generating.as_secs_f64() / setup.threads as f64, "s"),
        Measure::number("both, by the clock on the wall", started.passed().as_secs_f64(), "s"),
    ])
}
