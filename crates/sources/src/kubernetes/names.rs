//! Under which names of annotations and labels a workload says what it is.

use domain::{Code, Problem};
use serde_json::Value;

use super::short;
use crate::body::Body;
use crate::json::text;

/// Native fields and the names they stand under, the first that is there counts. The recommended labels of Kubernetes and
/// the annotations of images mean the same everywhere; `info/…`, `version` and `repo` are those of an article.
const KNOWN: &[(&str, &[&str])] = &[
    ("environment", &["info/environment"]),
    ("component", &["info/component"]),
    ("product", &["info/product", "app.kubernetes.io/part-of"]),
    ("domain", &["info/domain"]),
    ("platform", &["info/platform"]),
    ("team", &["info/team"]),
    ("instance", &["info/instance"]),
    ("version", &["info/version", "version", "app.kubernetes.io/version", "org.opencontainers.image.version"]),
    ("sha", &["info/sha", "info/commit", "org.opencontainers.image.revision"]),
    ("repo", &["info/repo", "repo", "org.opencontainers.image.source"]),
    ("branch", &["info/branch"]),
];

/// Who deployed it, in the names of the tools that deploy: what they call the application.
const APPLICATIONS: &[&str] = &[
    "argocd.argoproj.io/instance",
    "app.kubernetes.io/instance",
    "meta.helm.sh/release-name",
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
];

/// Names of one's own, before those known.
pub(super) struct Names<'a> {
    own: Vec<(&'a str, &'a str)>,
}

/// Whether names can be read.
///
/// # Errors
/// What is wrong with them, for a person.
pub fn check(names: &str) -> Result<(), String> {
    Names::read(names).map(|_| ()).map_err(|problem| problem.message)
}

impl<'a> Names<'a> {
    /// `field=name,field=name`; a field may have several.
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let own = pairs.map(|pair| {
            let (field, name) = pair.split_once('=').map_or((pair, ""), |(field, name)| (field.trim(), name.trim()));
            if KNOWN.iter().all(|(known, _)| *known != field) || name.is_empty() {
                let fields: Vec<&str> = KNOWN.iter().map(|(field, _)| *field).collect();
                return Err(Problem::new(
                    Code::UnknownValue,
                    format!(
                        "`{}` is no name of an annotation; write `FIELD=NAME`, FIELD one of {}",
                        short(pair),
                        fields.join(", ")
                    ),
                ));
            }
            Ok((field, name))
        });
        Ok(Names { own: own.collect::<Result<_, _>>()? })
    }

    /// What a workload says for a native field: in its pod template, which is what is rolled out, or in itself.
    pub(super) fn find<'b>(&self, body: &'b Body<'_>, field: &str) -> Option<&'b str> {
        let own = self.own.iter().filter(|(own, _)| *own == field).map(|(_, name)| (*name, true));
        let known = KNOWN.iter().filter(|(known, _)| *known == field).flat_map(|(_, names)| names.iter());
        // A label `version` is what a service mesh routes by; as an annotation it is a version.
        let known = known.map(|name| (*name, name.contains('/')));
        own.chain(known)
            .find_map(|(name, labels)| annotation(body, name).or_else(|| labels.then(|| label(body, name)).flatten()))
    }
}

/// What the tools that deploy call the application.
pub(super) fn applications<'b>(body: &'b Body<'_>) -> impl Iterator<Item = &'b str> {
    // `APPLICATION:GROUP/KIND:NAMESPACE/NAME`
    let tracked = annotation(body, "argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    let named = APPLICATIONS.iter().filter_map(|name| annotation(body, name).or_else(|| label(body, name)));
    tracked.into_iter().chain(named)
}

/// The recommended labels, as marks have them.
pub(super) fn recommended(body: &Body<'_>) -> Vec<String> {
    let labels = body.get("/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten().filter(|(name, _)| name.starts_with("app.kubernetes.io/"));
    // A version is no name of a thing.
    let labels = labels.filter(|(name, _)| *name != "app.kubernetes.io/version");
    labels.filter_map(|(name, value)| Some(format!("{name}={}", text(Some(value))?))).collect()
}

/// An annotation of the pod template, or of the workload.
pub(super) fn annotation<'b>(body: &'b Body<'_>, name: &str) -> Option<&'b str> {
    within(body, "/spec/template/metadata/annotations", name).or_else(|| within(body, "/metadata/annotations", name))
}

fn label<'b>(body: &'b Body<'_>, name: &str) -> Option<&'b str> {
    within(body, "/spec/template/metadata/labels", name).or_else(|| within(body, "/metadata/labels", name))
}

fn within<'b>(body: &'b Body<'_>, pointer: &str, name: &str) -> Option<&'b str> {
    text(body.get(pointer)?.get(name))
}
