//! What an event tells of its own place.

use std::borrow::Cow;

use crate::EntityKey;
use crate::event::{Deployment, Entity, EventKind, Incident};

/// The names something has for itself and its surroundings.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// What it is.
    pub kind: EventKind,
    /// Who tells of it.
    pub source: &'a str,
    /// The component as named by the source.
    pub component: Option<&'a str>,
    /// The product as named by the source.
    pub product: Option<&'a str>,
    /// The repository of the code.
    pub repo: Option<&'a str>,
    /// What the tool itself calls it.
    pub marks: Cow<'a, [String]>,
}

impl<'a> Named<'a> {
    /// Of any entity.
    #[must_use]
    pub fn read(key: &'a EntityKey, entity: &'a Entity) -> Self {
        let repo = entity.text("repo");
        // A pull request names nothing else.
        let component = if key.kind == EventKind::PullRequest { repo } else { entity.text("component") };
        Named {
            kind: key.kind,
            source: &key.source,
            component,
            product: entity.text("product"),
            repo,
            marks: Cow::Owned(entity.marks()),
        }
    }

    /// Whether it is of the component's own making, so that it stands under a product by the name it gives itself.
    /// An incident or a flag often names a service or a project that is no component.
    pub(super) const fn names_components(&self) -> bool {
        matches!(self.kind, EventKind::Deployment | EventKind::PipelineRun | EventKind::CanaryAnalysis)
    }
}

impl<'a> From<&'a Deployment> for Named<'a> {
    fn from(told: &'a Deployment) -> Self {
        Named {
            kind: EventKind::Deployment,
            source: &told.key.source,
            component: Some(&told.component),
            product: told.product.as_deref(),
            repo: told.repo.as_deref(),
            marks: Cow::Borrowed(&told.marks),
        }
    }
}

impl<'a> From<&'a Incident> for Named<'a> {
    fn from(told: &'a Incident) -> Self {
        Named {
            kind: EventKind::Incident,
            source: &told.key.source,
            component: told.component.as_deref(),
            product: told.product.as_deref(),
            repo: None,
            marks: Cow::Borrowed(&told.marks),
        }
    }
}
