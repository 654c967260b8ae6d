//! The warehouse of the generated group: filled once, then opened by whoever asks it.

use std::path::PathBuf;

use domain::catalogue::Tree;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use warehouse::Warehouse;

use super::generate::catalogue;
use super::link::link_all;
use super::timing::Watch;
use super::{Asked, Measure, Setup, could_not, told, write_json};
use crate::failure::Failure;

/// What filling a warehouse took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Filled {
    /// Deployments, commits that arrived with them, incidents.
    pub(crate) rows: [u64; 3],
    /// Wall time of generating, linking and filling together, in seconds.
    all_s: f64,
    /// Wall time spent in the warehouse, in seconds.
    filling_s: f64,
}

/// Left in the folder when the warehouse is whole.
#[derive(Serialize, Deserialize)]
struct Whole {
    asked: Asked,
    filled: Filled,
}

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let filled = fill(setup, &runtime(setup)?)?;
    let rows: u64 = filled.rows.iter().sum();
    Ok(vec![
        Measure::number("deployments", filled.rows[0] as f64, ""),
        Measure::number("arrived commits", filled.rows[1] as f64, ""),
        Measure::number("incidents", filled.rows[2] as f64, ""),
        Measure::number("generating, linking and filling", filled.all_s, "s"),
        Measure::number("of that in the warehouse", filled.filling_s, "s"),
        Measure::number("rows filled", rows as f64 / filled.filling_s.max(1e-9), "1/s"),
        Measure::number("on disk", bytes(&folder(setup)) as f64 / (1024.0 * 1024.0), "MiB"),
    ])
}

pub(super) fn runtime(setup: &Setup) -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(setup.threads).enable_all().build();
    runtime.map_err(|error| Failure::could_not(format!("no threads can be started: {error}")))
}

fn folder(setup: &Setup) -> PathBuf {
    setup.file("warehouse")
}

fn bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => bytes(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Generates, links and fills, unless it was done before.
pub(crate) fn fill(setup: &Setup, runtime: &Runtime) -> Result<Filled, Failure> {
    let mark = setup.file("warehouse.json");
    let known = std::fs::read(&mark).ok().and_then(|text| serde_json::from_slice::<Whole>(&text).ok());
    if let Some(whole) = known.filter(|whole| whole.asked == Asked::new(setup)) {
        return Ok(whole.filled);
    }
    let folder = folder(setup);
    for path in [&mark, &folder] {
        let gone = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        if let Err(error) = gone.or_else(|error| if path.exists() { Err(error) } else { Ok(()) }) {
            return Err(could_not(path, &error));
        }
    }
    std::fs::create_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
    let mut filled = Filled::default();
    let started = Watch::start();
    let warehouse = runtime.block_on(Warehouse::open(&folder)).map_err(|problem| told(&problem))?;
    let mut fill = warehouse.fill(1).map_err(|problem| told(&problem))?;
    link_all(&setup.plan, setup.seed, setup.threads, |index, linked| {
        let facts = linked.facts;
        let commits: usize = facts.deployments.iter().map(|(_, commits)| commits.len()).sum();
        let counts = [facts.deployments.len(), commits, facts.incidents.len()];
        for (sum, count) in filled.rows.iter_mut().zip(counts) {
            *sum += count as u64;
        }
        let filling = Watch::start();
        let product = setup.plan.get(index).map(|product| product.name.as_str()).unwrap_or_default();
        let put = fill.put(product, facts.deployments, facts.incidents, facts.others);
        put.map_err(|problem| told(&problem))?;
        filled.filling_s += filling.passed().as_secs_f64();
        setup.progress("filled", index);
        Ok(())
    })?;
    let finishing = Watch::start();
    let whole = fill.finish().map_err(|problem| told(&problem))?;
    runtime.block_on(warehouse.put_filled(whole, crate::clock::now())).map_err(|problem| told(&problem))?;
    filled.filling_s += finishing.passed().as_secs_f64();
    filled.all_s = started.passed().as_secs_f64();
    write_json(&mark, &Whole { asked: Asked::new(setup), filled })?;
    Ok(filled)
}

/// The filled warehouse with the tree it has under the generated catalogue.
pub(crate) fn open(setup: &Setup, runtime: &Runtime) -> Result<Warehouse, Failure> {
    fill(setup, runtime)?;
    let warehouse = runtime.block_on(Warehouse::open(&folder(setup))).map_err(|problem| told(&problem))?;
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
    Ok(warehouse)
}
