//! The generated data as plain rows without links, for queries that have to find those themselves.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use domain::Timestamp;

use super::generate::{Raw, history};
use super::size::ProductPlan;
use super::timing::Watch;
use super::{Measure, Setup, could_not};
use crate::failure::Failure;

/// Three CSV files and the tree. Every text in them is made of letters, digits, `.` and `-`: nothing has to be quoted.
struct Files {
    folder: PathBuf,
    deployments: BufWriter<File>,
    commits: BufWriter<File>,
    incidents: BufWriter<File>,
    rows: u64,
}

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let started = Watch::start();
    let folder = setup.file("raw");
    std::fs::create_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
    let mut files = Files::create(folder.clone()).map_err(|error| could_not(&folder, &error))?;
    for (index, product) in setup.plan.iter().enumerate() {
        files.write(product, &history(product, setup.seed).raw).map_err(|error| could_not(&folder, &error))?;
        setup.progress("written", index);
    }
    files.finish(&setup.plan).map_err(|error| could_not(&folder, &error))?;
    Ok(vec![
        Measure::number("rows written", files.rows as f64, ""),
        Measure::number("writing them", started.passed().as_secs_f64(), "s"),
    ])
}

fn instant(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

impl Files {
    fn create(folder: PathBuf) -> std::io::Result<Self> {
        let open = |name: &str, head: &str| {
            let mut file = BufWriter::with_capacity(1 << 20, File::create(folder.join(name))?);
            writeln!(file, "{head}")?;
            Ok::<_, std::io::Error>(file)
        };
        Ok(Files {
            deployments: open(
                "deployments.csv",
                "deployment_id,product_id,component_name,instance,environment,status,git_tag,is_config_only,is_rollback,is_hotfix,deployment_timestamp",
            )?,
            commits: open("git_commits.csv", "component_name,sha,tag,commit_timestamp")?,
            incidents: open(
                "incidents.csv",
                "incident_id,product_id,status,created_timestamp,started_timestamp,detected_timestamp,resolved_timestamp",
            )?,
            folder,
            rows: 0,
        })
    }

    fn write(&mut self, product: &ProductPlan, raw: &Raw) -> std::io::Result<()> {
        for row in &raw.deployments {
            writeln!(
                self.deployments,
                "{},{},{},{},{},{},{},{},{},{},{}",
                row.id,
                product.name,
                row.component,
                row.instance,
                row.environment,
                row.status,
                row.version,
                row.config_only,
                row.rollback,
                row.hotfix,
                row.finished_at
            )?;
        }
        for row in &raw.commits {
            let tag = row.tag.as_deref().unwrap_or_default();
            writeln!(self.commits, "{},{},{tag},{}", row.component, row.sha, row.committed_at)?;
        }
        for row in &raw.incidents {
            let status = if row.resolved_at.is_some() { "Resolved" } else { "Open" };
            writeln!(
                self.incidents,
                "{},{},{status},{},{},{},{}",
                row.id,
                product.name,
                row.opened_at,
                row.started_at,
                row.detected_at,
                instant(row.resolved_at)
            )?;
        }
        self.rows += (raw.deployments.len() + raw.commits.len() + raw.incidents.len()) as u64;
        Ok(())
    }

    /// Ends the files, and writes where each product stands.
    fn finish(&mut self, plan: &[ProductPlan]) -> std::io::Result<()> {
        for file in [&mut self.deployments, &mut self.commits, &mut self.incidents] {
            file.flush()?;
        }
        let mut tree = BufWriter::new(File::create(self.folder.join("products.csv"))?);
        writeln!(tree, "product_id,platform,domain,team")?;
        let catalogue = super::generate::catalogue(plan);
        for (platform, domain, product) in catalogue.products() {
            let team = product.team.as_deref().unwrap_or_default();
            writeln!(tree, "{},{},{},{team}", product.name, platform.name, domain.name)?;
        }
        tree.flush()
    }
}
