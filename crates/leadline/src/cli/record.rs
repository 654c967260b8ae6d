//! What is recorded by hand.

use clap::{Args, Subcommand};

use super::{TargetArgs, TextFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// A deployment
    // Its `--version` is that of what was deployed.
    #[command(disable_version_flag = true)]
    Deployment(Box<DeploymentArgs>),
    /// An incident, or news of one that was recorded before
    #[command(disable_version_flag = true)]
    Incident(Box<IncidentArgs>),
}

/// What everything that is recorded has.
#[derive(Args, Debug)]
pub(crate) struct RecordedArgs {
    /// Id: the same one again is news of the same thing; made from the content when left out
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Source it is recorded under
    #[arg(long, default_value = "manual")]
    pub(crate) source: String,
    /// Product
    #[arg(long)]
    pub(crate) product: Option<String>,
    /// Instance: one place where the component runs
    #[arg(long)]
    pub(crate) instance: Option<String>,
    /// Version
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// Where a person can look at it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) link: Option<String>,
    /// Label to filter and group by; may repeat
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// What a tool calls it, by which rules of the catalogue place it, such as namespace:shop; may repeat
    #[arg(long = "mark", value_name = "KIND:NAME")]
    pub(crate) marks: Vec<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "Times: 2025-01-31T12:00:00Z, a date, a time ago such as 2h, or now.")]
pub(crate) struct DeploymentArgs {
    /// What was deployed: a component's name, or product/component
    #[arg(long)]
    pub(crate) component: String,
    /// Where to
    #[arg(long, default_value = "production")]
    pub(crate) environment: String,
    /// How it went
    #[arg(long, default_value = "succeeded", value_parser = clap::builder::PossibleValuesParser::new(domain::event::DEPLOYMENT_STATUSES))]
    pub(crate) status: String,
    /// When it began
    #[arg(long, value_name = "TIME")]
    pub(crate) started_at: Option<String>,
    /// When it ended; now when left out, unless it is in progress
    #[arg(long, value_name = "TIME")]
    pub(crate) finished_at: Option<String>,
    /// Commit of the code
    #[arg(long)]
    pub(crate) sha: Option<String>,
    /// Repository of the code
    #[arg(long)]
    pub(crate) repo: Option<String>,
    /// Time of its last commit, where no repository is connected
    #[arg(long, value_name = "TIME")]
    pub(crate) commit_at: Option<String>,
    /// What kind of change it is
    #[arg(long, value_parser = ["rollback", "hotfix", "config", "code"])]
    pub(crate) change_kind: Option<String>,
    /// Whether a person or a machine started it
    #[arg(long, default_value = "manual", value_parser = ["manual", "automated"])]
    pub(crate) trigger: String,
    /// Who started it
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Id of an incident it fixes; may repeat
    #[arg(long = "fixes", value_name = "INCIDENT")]
    pub(crate) fixes: Vec<String>,
    /// Why it has its status
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) recorded: RecordedArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "Times: 2025-01-31T12:00:00Z, a date, a time ago such as 2h, or now.")]
pub(crate) struct IncidentArgs {
    /// The component that suffers; this or --product, unless it was recorded before
    #[arg(long)]
    pub(crate) component: Option<String>,
    /// What it is about
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// How bad it is
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(domain::event::SEVERITIES))]
    pub(crate) severity: Option<String>,
    /// Environment
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// When it was opened; now when left out, unless it was recorded before
    #[arg(long, value_name = "TIME")]
    pub(crate) opened_at: Option<String>,
    /// When users first felt it
    #[arg(long, value_name = "TIME")]
    pub(crate) started_at: Option<String>,
    /// When somebody or something noticed
    #[arg(long, value_name = "TIME")]
    pub(crate) detected_at: Option<String>,
    /// When somebody took it
    #[arg(long, value_name = "TIME")]
    pub(crate) acknowledged_at: Option<String>,
    /// When users no longer felt it
    #[arg(long, value_name = "TIME")]
    pub(crate) mitigated_at: Option<String>,
    /// When it was resolved
    #[arg(long, value_name = "TIME")]
    pub(crate) resolved_at: Option<String>,
    /// Id of the deployment that caused it
    #[arg(long, value_name = "DEPLOYMENT")]
    pub(crate) deployment_id: Option<String>,
    /// What caused it
    #[arg(long, value_name = "TEXT")]
    pub(crate) root_cause: Option<String>,
    /// Where the postmortem is
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) postmortem: Option<String>,
    #[command(flatten)]
    pub(crate) recorded: RecordedArgs,
}
