//! The fields of every native event: one table that the checks, the OpenAPI document and the reference read.

use super::EventKind;

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A name or id: a text of 1 to 512 bytes, or a whole number, kept as text.
    Name,
    /// A text of up to 16 KiB; longer ones are cut.
    Text,
    /// RFC 3339 with an offset.
    Timestamp,
    /// A finite number.
    Number,
    /// A whole number from 0.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A list of names; a single name is read as a list of one.
    Names,
    /// Any `key: value` with scalar values.
    Labels,
    /// `[{sha, authored_at, committed_at}]`; a bare sha is allowed.
    Commits,
    /// `[{name, started_at, finished_at, status}]`.
    Stages,
}

/// One field of an event.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it may hold.
    pub kind: FieldKind,
    /// Whether an event without it is refused.
    pub required: bool,
    /// What it means.
    pub doc: &'static str,
}

/// The fields of one kind of event.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Which event.
    pub kind: EventKind,
    /// Its fields.
    pub fields: &'static [Field],
    /// Pairs of fields of which the second may not lie before the first.
    pub ordered: &'static [(&'static str, &'static str)],
}

impl Schema {
    /// The field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// States of a deployment.
pub const DEPLOYMENT_STATUSES: &[&str] = &["in_progress", "succeeded", "failed", "cancelled"];
/// Severities of an incident, worst first.
pub const SEVERITIES: &[&str] = &["critical", "high", "medium", "low", "unknown"];
const RUN_STATUSES: &[&str] = &["in_progress", "succeeded", "failed", "cancelled", "skipped"];
const CHANGE_KINDS: &[&str] = &["rollback", "hotfix", "config", "code", "unknown"];
const TRIGGERS: &[&str] = &["automated", "manual", "unknown"];
const HEALTH: &[&str] = &["healthy", "degraded", "failed"];

const fn must(name: &'static str, kind: FieldKind, doc: &'static str) -> Field {
    Field { name, kind, required: true, doc }
}
const fn may(name: &'static str, kind: FieldKind, doc: &'static str) -> Field {
    Field { name, kind, required: false, doc }
}

use FieldKind::{Commits, Count, Flag, Labels, Name, Names, Number, OneOf, Stages, Text, Timestamp};

const UPDATED_AT: Field =
    may("updated_at", Timestamp, "When the source last changed this; says which of two contents is newer.");
const URL: Field = may("url", Text, "Where a person can look at it.");
const LABELS: Field = may("labels", Labels, "Free labels to filter and group by.");
const MARKS: Field = may(
    "marks",
    Names,
    "What the tool itself calls the thing, as `KIND:NAME`: `namespace:shop`, `pagerduty_service:Checkout`. Rules of the \
     catalogue place by them.",
);

const DEPLOYMENT: &[Field] = &[
    must("id", Name, "The source's id of this attempt."),
    must("component", Name, "What is deployed: a component's name, or `product/component`."),
    must("environment", Name, "Where to: free text, classed as production or other by rules."),
    must("status", OneOf(DEPLOYMENT_STATUSES), "How it went."),
    may("finished_at", Timestamp, "When it ended; required unless in progress."),
    LABELS,
    may("status_reason", Text, "Why it has this status."),
    may("product", Name, "The product the component belongs to."),
    may("domain", Name, "The domain of the product, when the catalogue does not know it."),
    may("platform", Name, "The platform of the domain, when the catalogue does not know it."),
    may("team", Name, "The owner of the product, when the catalogue does not know it."),
    may(
        "instance",
        Name,
        "One place where the component runs: a cluster and namespace, a business unit. `default` when left out.",
    ),
    may("version", Name, "The version deployed: a tag, an image tag."),
    may("sha", Name, "The commit of the code deployed, whole or from 7 hexadecimal digits."),
    may(
        "revision",
        Name,
        "What a GitOps tool calls the revision: the code's sha only when found in the component's code repository.",
    ),
    may("config_sha", Name, "The commit of the configuration deployed."),
    may("config_hash", Name, "A hash of the configuration or pod template deployed."),
    may("repo", Name, "The repository of the code, as its commits name it."),
    may("branch", Name, "The branch deployed."),
    may("images", Names, "Container images deployed, with tag or digest."),
    may("started_at", Timestamp, "When the attempt began."),
    may("change_kind", OneOf(CHANGE_KINDS), "What kind of change it is, when the source knows."),
    may("trigger", OneOf(TRIGGERS), "Whether a person or a machine started it."),
    may("actor", Name, "Who or what started it."),
    may("commit_at", Timestamp, "Time of the version's last commit, for those with no repository connected."),
    may("commits", Commits, "The commits it brings, for those with no repository connected."),
    may("fixes", Names, "Ids of the incidents it fixes."),
    may("replaces", Name, "Id of the deployment it replaces, of the same source."),
    may("health", OneOf(HEALTH), "Health reported after the deployment."),
    may("health_at", Timestamp, "When that health was reported."),
    may("status_assumed", Flag, "The source gave no status; succeeded was assumed."),
    may("environment_assumed", Flag, "The source gave no environment; production was assumed."),
    may("time_assumed", Flag, "The source gave a time without an offset; UTC was assumed."),
    may("assumed", Name, "What this deployment was made from when no tool reported it, such as `tag`."),
    MARKS,
    UPDATED_AT,
    URL,
];

const CHANGE: &[Field] = &[
    must("repo", Name, "The repository."),
    must("sha", Name, "The full hash of the commit."),
    must("committed_at", Timestamp, "When it was committed."),
    may("authored_at", Timestamp, "When it was written."),
    may("parents", Names, "Hashes of its parents, first parent first."),
    may("parents_assumed", Names, "Parents guessed from a push, used until the real ones are known."),
    may("author", Name, "Who wrote it; never shown in rankings."),
    may("message", Text, "The message."),
    may("paths", Names, "Files it touches."),
    may("pull_request", Name, "Number of the pull request that brought it."),
    may("time_assumed", Flag, "The source gave a time without an offset; UTC was assumed."),
    UPDATED_AT,
];

const TAG: &[Field] = &[
    must("repo", Name, "The repository."),
    must("name", Name, "The tag."),
    must("sha", Name, "The commit it names."),
    may("tagged_at", Timestamp, "When it was made."),
    UPDATED_AT,
];

const PULL_REQUEST: &[Field] = &[
    must("repo", Name, "The repository."),
    must("number", Name, "Its number in the repository."),
    must("opened_at", Timestamp, "When it was opened."),
    may("first_commit_at", Timestamp, "Time of its first commit."),
    may("first_review_at", Timestamp, "When somebody first reviewed it."),
    may("approved_at", Timestamp, "When it was approved."),
    may("merged_at", Timestamp, "When it was merged."),
    may("closed_at", Timestamp, "When it was closed."),
    may("merge_sha", Name, "The commit its merge made on the target branch."),
    may("commits", Commits, "Its own commits."),
    LABELS,
    may("branch", Name, "The branch it comes from."),
    may("head_sha", Name, "The last of its own commits."),
    may("commit_count", Count, "How many commits of its own it has, for those that do not list them."),
    may("target", Name, "The branch it goes to."),
    may("author", Name, "Who opened it; never shown in rankings."),
    may("title", Text, "Its title."),
    UPDATED_AT,
    URL,
];

const PIPELINE_RUN: &[Field] = &[
    must("id", Name, "The source's id of the run."),
    must("started_at", Timestamp, "When it began."),
    must("status", OneOf(RUN_STATUSES), "How it went."),
    may("repo", Name, "The repository."),
    may("sha", Name, "The commit it ran for."),
    may("component", Name, "The component it builds or deploys."),
    may("product", Name, "The product of the component."),
    may("finished_at", Timestamp, "When it ended."),
    may("name", Name, "The pipeline's name, which rules may call a deployment."),
    may("branch", Name, "The branch or tag it ran for."),
    may("trigger", OneOf(TRIGGERS), "Whether a person or a machine started it."),
    may("actor", Name, "Who or what started it."),
    may(
        "stages",
        Stages,
        "Its stages. A field `stage.ID` with one such object tells of one stage and leaves the others as they are; \
         `stage_end.ID` tells of its end what `stage.ID` did not know yet.",
    ),
    may("attempt", Count, "Which attempt of the run this is, from 1."),
    MARKS,
    UPDATED_AT,
    URL,
];

const INCIDENT: &[Field] = &[
    must("id", Name, "The source's id of the incident."),
    must("opened_at", Timestamp, "When the ticket was made."),
    may("product", Name, "The product that suffers; this or `component` is required."),
    may("component", Name, "The component that suffers."),
    may("instance", Name, "The instance that suffers."),
    may("environment", Name, "The environment, when the source knows."),
    may("severity", OneOf(SEVERITIES), "How bad it is."),
    may("severity_original", Name, "The severity as the source calls it."),
    may("title", Text, "What it is about."),
    may("started_at", Timestamp, "When users first felt it; `opened_at` when unknown."),
    may("detected_at", Timestamp, "When somebody or something noticed."),
    may("acknowledged_at", Timestamp, "When somebody took it."),
    may("mitigated_at", Timestamp, "When users no longer felt it."),
    may("resolved_at", Timestamp, "When it was resolved; `closed_at` when unknown."),
    may("closed_at", Timestamp, "When the ticket was closed."),
    may("reopened_at", Timestamp, "When it was opened again; an end before it counts no more."),
    may("withdrawn", Flag, "It was no incident after all: it counts nowhere."),
    may("deployment_id", Name, "Id of the deployment that caused it, when the source knows."),
    may("version", Name, "The version that suffers."),
    may("root_cause", Text, "What caused it."),
    may("postmortem_url", Text, "Where the postmortem is."),
    LABELS,
    may("time_assumed", Flag, "The source gave a time without an offset; UTC was assumed."),
    MARKS,
    UPDATED_AT,
    URL,
];

const CANARY_ANALYSIS: &[Field] = &[
    must("id", Name, "The source's id of the analysis."),
    must("component", Name, "The component rolled out."),
    must("at", Timestamp, "When the verdict fell."),
    must("passed", Flag, "The verdict."),
    may("product", Name, "The product of the component."),
    may("deployment_id", Name, "The deployment it judged."),
    may("score", Number, "The score, as the tool gives it."),
    MARKS,
    UPDATED_AT,
    URL,
];

const FLAG_CHANGE: &[Field] = &[
    must("id", Name, "The source's id of the change."),
    must("flag", Name, "The flag."),
    must("at", Timestamp, "When it was changed."),
    may("component", Name, "The component it steers; this or `product` is required."),
    may("product", Name, "The product it steers."),
    may("environment", Name, "Where it was changed."),
    may("from", Text, "The value before."),
    may("to", Text, "The value after."),
    may("actor", Name, "Who changed it."),
    MARKS,
    UPDATED_AT,
];

const SLO_SAMPLE: &[Field] = &[
    must("slo", Name, "The service level."),
    must("at", Timestamp, "When the sample ends."),
    must("good", Number, "Good events."),
    must("total", Number, "All events."),
    may("component", Name, "The component it measures; this or `product` is required."),
    may("product", Name, "The product it measures."),
    may("window_s", Number, "Length of the sample in seconds."),
    UPDATED_AT,
];

const OVERRIDE: &[Field] = &[
    must("id", Name, "What is corrected: `incident:SOURCE/ID` or `deployment:SOURCE/ID`."),
    must("reason", Text, "Why."),
    must("actor", Name, "Who."),
    must("updated_at", Timestamp, "When."),
    may("withdrawn", Flag, "Takes the correction back."),
    may("cause", Name, "For an incident: `SOURCE/ID` of the deployment that caused it, or `none`."),
    may("failed", Flag, "For a deployment: whether it failed, whatever the signals say."),
    may("change_kind", OneOf(CHANGE_KINDS), "For a deployment: its kind, whatever the rules say."),
];

const PRODUCT: &[Field] = &[
    may("platform", Name, "Its platform."),
    may("domain", Name, "Its domain."),
    may("team", Name, "Its owner."),
    UPDATED_AT,
];

/// What the name of a field of a pipeline run begins with that holds one stage.
pub(super) const STAGE_PREFIX: &str = "stage.";
/// The same of one that tells how a stage ended, for tools that tell of beginning and end by themselves.
pub(super) const STAGE_END_PREFIX: &str = "stage_end.";
pub(super) const ONE_STAGE: Field = may("stage", Stages, "One stage.");

/// The fields of one kind of event.
#[must_use]
pub const fn schema(kind: EventKind) -> Schema {
    let (fields, ordered): (&[Field], &[(&str, &str)]) = match kind {
        EventKind::Deployment => (DEPLOYMENT, &[("started_at", "finished_at")]),
        EventKind::Change => (CHANGE, &[]),
        EventKind::Tag => (TAG, &[]),
        EventKind::PullRequest => (PULL_REQUEST, &[("opened_at", "merged_at"), ("opened_at", "closed_at")]),
        EventKind::PipelineRun => (PIPELINE_RUN, &[("started_at", "finished_at")]),
        EventKind::Incident => (
            INCIDENT,
            &[
                ("started_at", "resolved_at"),
                ("started_at", "closed_at"),
                ("started_at", "mitigated_at"),
                ("opened_at", "closed_at"),
            ],
        ),
        EventKind::CanaryAnalysis => (CANARY_ANALYSIS, &[]),
        EventKind::FlagChange => (FLAG_CHANGE, &[]),
        EventKind::SloSample => (SLO_SAMPLE, &[]),
        EventKind::Override => (OVERRIDE, &[]),
        EventKind::Product => (PRODUCT, &[]),
    };
    Schema { kind, fields, ordered }
}
