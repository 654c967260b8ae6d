//! The warehouse of the generated group.

use domain::catalogue::Tree;
use warehouse::Warehouse;

use super::generate::catalogue;
use super::link::{Linked, link_all};
use super::timing::Watch;
use super::{Setup, told};
use crate::failure::Failure;

/// What filling a warehouse took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filled {
    /// Deployments, commits that arrived with them, incidents.
    pub(crate) rows: [u64; 3],
    /// Wall time of generating, linking and filling together, in seconds.
    pub(crate) all_s: f64,
    /// Wall time spent in the warehouse, in seconds.
    pub(crate) filling_s: f64,
}

/// Generates, links and fills. The one place that knows how facts get into a warehouse in bulk.
pub(crate) fn fill(setup: &Setup) -> Result<(Warehouse, Filled), Failure> {
    let warehouse = Warehouse::new().map_err(|problem| told(&problem))?;
    let mut filled = Filled::default();
    let started = Watch::start();
    link_all(&setup.plan, setup.seed, setup.threads, |index, linked| {
        let Linked { facts, .. } = linked;
        let commits: usize = facts.deployments.iter().map(|(_, commits)| commits.len()).sum();
        let counts = [facts.deployments.len(), commits, facts.incidents.len()];
        for (sum, count) in filled.rows.iter_mut().zip(counts) {
            *sum += count as u64;
        }
        let filling = Watch::start();
        warehouse.apply(facts.deployments, facts.incidents, facts.others).map_err(|problem| told(&problem))?;
        filled.filling_s += filling.passed().as_secs_f64();
        setup.progress("filled", index);
        Ok(())
    })?;
    filled.all_s = started.passed().as_secs_f64();
    Ok((warehouse, filled))
}

/// Gives the warehouse the tree it has with the generated catalogue.
pub(crate) fn set_tree(setup: &Setup, warehouse: &Warehouse) {
    let components = setup.plan.iter().flat_map(|product| {
        product.components.iter().flat_map(move |component| {
            let id = domain::catalogue::ComponentId::new(&product.name, &component.name);
            product.instances.iter().map(move |instance| (id.clone(), instance.clone()))
        })
    });
    let components: Vec<_> = components.collect();
    let seen = components.iter().map(|(component, instance)| (component, Some(instance.as_str())));
    let products: Vec<&str> = setup.plan.iter().map(|product| product.name.as_str()).collect();
    warehouse.set_tree(Tree::build(&catalogue(&setup.plan), &Default::default(), seen, products));
}
