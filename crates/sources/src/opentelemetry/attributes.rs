//! What a span says, by the names of the conventions for CI/CD and version control.

use domain::event::EventKind;
use domain::{Code, Problem, Timestamp};

use super::wire::{self, KeyValue, Scalar};
use crate::body::{Body, Draft};
use crate::json::clip;
use crate::table::hex;

/// `SPAN_KIND_SERVER`: runs of pipelines have this kind.
const SERVER: i32 = 2;
const OK: i32 = 1;
const ERROR: i32 = 2;
const TASK: &[&str] = &["cicd.pipeline.task.run.id", "cicd.pipeline.task.name"];
const DEPLOYMENT: &[&str] = &["deployment.id", "deployment.name", "deployment.status"];

/// A span with what is said of all spans of its resource.
pub(super) struct Span<'a> {
    pub(super) span: &'a wire::Span,
    pub(super) resource: &'a [KeyValue],
    pub(super) body: &'a Body<'a>,
}

impl Span<'_> {
    /// An attribute of the span itself.
    pub(super) fn own(&self, name: &str) -> Option<String> {
        find(&self.span.attributes, name)
    }

    /// An attribute of the span, else of its resource.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.own(name).or_else(|| find(self.resource, name))
    }

    pub(super) fn is_task(&self) -> bool {
        TASK.iter().any(|name| self.own(name).is_some())
    }

    /// The run's own span: it has the result, or serves a run that is known by its id.
    pub(super) fn is_run(&self) -> bool {
        let result = self.own("cicd.pipeline.result").is_some();
        result || (self.span.kind == SERVER && self.get("cicd.pipeline.run.id").is_some())
    }

    /// Whether it puts something somewhere.
    pub(super) fn deploys(&self) -> bool {
        let word = |name: &str, wanted: &str| self.own(name).is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        word("cicd.pipeline.task.type", "deploy")
            || word("cicd.pipeline.action.name", "SYNC")
            || DEPLOYMENT.iter().any(|name| self.own(name).is_some())
    }

    /// The run by its id. A trace is one run where no id is given.
    pub(super) fn run_id(&self) -> Result<String, Problem> {
        if let Some(id) = self.get("cicd.pipeline.run.id") {
            return Ok(id);
        }
        if self.span.trace_id.is_empty() {
            return Err(crate::json::missing("traceId", "it names the run where `cicd.pipeline.run.id` does not."));
        }
        Ok(hex(&self.span.trace_id))
    }

    /// The task by its id, which is its own within the run.
    pub(super) fn task_id(&self) -> String {
        let named = || self.own("cicd.pipeline.task.name").unwrap_or_default();
        let span = || Some(hex(&self.span.span_id)).filter(|id| !id.is_empty());
        self.own("cicd.pipeline.task.run.id").or_else(span).unwrap_or_else(named)
    }

    pub(super) fn started_at(&self) -> Result<Timestamp, Problem> {
        instant("startTimeUnixNano", self.span.start_time_unix_nano)
    }

    pub(super) fn finished_at(&self) -> Result<Timestamp, Problem> {
        instant("endTimeUnixNano", self.span.end_time_unix_nano)
    }

    /// How it went by an attribute, else by the span's status where that is set.
    pub(super) fn result(&self, name: &str) -> Result<Option<&'static str>, Problem> {
        let Some(word) = self.own(name) else {
            return Ok(match self.span.status.as_ref().map(|status| status.code) {
                Some(OK) => Some("succeeded"),
                Some(ERROR) => Some("failed"),
                _ => None,
            });
        };
        match &*word.to_ascii_lowercase() {
            "success" => Ok(Some("succeeded")),
            "failure" | "error" | "timeout" => Ok(Some("failed")),
            "cancellation" => Ok(Some("cancelled")),
            // The conventions say `skip`, and `skipped` in their examples.
            "skip" | "skipped" => Ok(Some("skipped")),
            _ => Err(Problem::new(
                Code::UnknownValue,
                format!(
                    "`{name}` is `{}`; it takes success, failure, error, timeout, cancellation, skip",
                    clip(&word, 64)
                ),
            )),
        }
    }

    /// `owner/name`, as pushes and pull requests call it.
    pub(super) fn repository(&self) -> Option<String> {
        if let (Some(owner), Some(name)) = (self.get("vcs.owner.name"), self.get("vcs.repository.name")) {
            return Some(if name.contains('/') { name } else { format!("{owner}/{name}") });
        }
        let path = self.get("vcs.repository.url.full").and_then(|url| {
            let (_, rest) = url.split_once("://")?;
            let path = rest.split_once('/')?.1.split(['?', '#']).next()?;
            let path = path.trim_matches('/').trim_end_matches(".git");
            (!path.is_empty()).then(|| path.to_owned())
        });
        path.or_else(|| self.get("vcs.repository.name"))
    }

    /// The branch, and the tag, of which the other is none.
    pub(super) fn head(&self) -> (Option<String>, Option<String>) {
        let name = self.get("vcs.ref.head.name");
        let tag = self.get("vcs.ref.head.type").is_some_and(|kind| kind == "tag");
        let tag = tag || name.as_ref().is_some_and(|name| name.starts_with("refs/tags/"));
        let name = name.map(|name| {
            let plain = ["refs/heads/", "refs/tags/"].iter().find_map(|prefix| name.strip_prefix(prefix));
            plain.unwrap_or(&name).to_owned()
        });
        if tag { (None, name) } else { (name, None) }
    }

    /// What is built or deployed. The service of a resource is often the CI system itself, so the repository goes first.
    pub(super) fn component(&self) -> Option<String> {
        let of_resource = || find(self.resource, "service.name").filter(|name| !name.starts_with("unknown_service"));
        self.own("service.name").or_else(|| self.repository()).or_else(of_resource)
    }

    /// The version deployed. That of a resource is the sender's, so it counts where sender and component are one.
    pub(super) fn version(&self) -> Option<String> {
        let sender = self.own("service.name").is_none() && self.repository().is_none();
        let of_resource = || find(self.resource, "service.version").filter(|_| sender);
        self.own("service.version").or_else(of_resource)
    }

    /// A native event with what runs and deployments have in common.
    pub(super) fn draft(&self, kind: EventKind) -> Draft<'_> {
        let repository = self.repository();
        let pipeline = self.get("cicd.pipeline.name");
        let service = self.get("service.name").filter(|name| !name.starts_with("unknown_service"));
        self.body
            .draft(kind)
            .mark("repository", repository.as_deref())
            .mark("pipeline", pipeline.as_deref())
            .mark("service", service.as_deref())
            .mark("namespace", self.get("k8s.namespace.name").as_deref())
            .mark("cluster", self.get("k8s.cluster.name").as_deref())
            .maybe("component", self.component())
            .maybe("repo", repository)
            .maybe("sha", self.get("vcs.ref.head.revision"))
    }

    /// The first of a list, or the value itself.
    pub(super) fn first_of(&self, name: &str) -> Option<String> {
        let found = |attributes: &[KeyValue]| {
            let value = attributes.iter().find(|pair| pair.key == name)?.value.as_ref()?;
            match value.value.as_ref()? {
                Scalar::List(list) => list.values.iter().find_map(|value| text(value.value.as_ref()?)),
                scalar => text(scalar),
            }
        };
        found(&self.span.attributes).or_else(|| found(self.resource))
    }
}

fn find(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|pair| pair.key == name)?.value.as_ref()?;
    text(value.value.as_ref()?)
}

/// A value as text, unless it is blank or a list.
fn text(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Scalar::Flag(flag) => Some(flag.to_string()),
        Scalar::Whole(number) => Some(number.to_string()),
        Scalar::Number(number) => Some(number.to_string()),
        Scalar::List(_) => None,
    }
}

fn instant(name: &str, nanoseconds: u64) -> Result<Timestamp, Problem> {
    match i64::try_from(nanoseconds / 1_000) {
        Ok(micros) if micros > 0 => Ok(Timestamp::from_micros(micros)),
        _ => Err(crate::json::missing(name, "a span that was exported has begun and ended.")),
    }
}
