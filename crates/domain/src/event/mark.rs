//! Marks: what a tool itself calls the thing an event is about, so that the catalogue's rules can say whose it is.
//!
//! A mark is `KIND:NAME`, such as `namespace:shop` or `pagerduty_service:Checkout`. A tool tells all it knows; the names
//! stay as the tool writes them.

use super::Entity;

/// Kinds of marks the sources of Leadline set, each with what its name is. Events may carry others.
pub const MARKS: &[(&str, &str)] = &[
    ("repository", "The repository of code: `owner/name`, or as its host calls it."),
    ("image", "A container image without tag and digest: `registry.example/shop/cart`."),
    ("cluster", "The cluster."),
    ("namespace", "The namespace."),
    ("workload", "The Deployment, StatefulSet, DaemonSet or Rollout, by its name."),
    ("application", "The application of Argo CD, Spinnaker or Harness, the Kustomization or release of Flux."),
    ("project", "The project of a tool that has projects: GitLab, Azure DevOps, Octopus, LaunchDarkly, Sentry."),
    ("pipeline", "The pipeline, job or workflow by its name."),
    ("service", "The service as an alert, an incident or a pipeline names it."),
    ("configuration_item", "ServiceNow's configuration item."),
    ("business_service", "ServiceNow's business service."),
    ("pagerduty_service", "PagerDuty's service."),
    ("jira_project", "The key of Jira's project."),
    ("jira_component", "Jira's component."),
    ("jira_label", "A label in Jira."),
    ("team", "The team or group that is to act."),
    ("label", "A label or tag, `key=value` or alone."),
];

impl Entity {
    /// What the tool calls the thing: the marks it sent, and those that follow from its repository and images.
    #[must_use]
    pub fn marks(&self) -> Vec<String> {
        let mut marks = self.names("marks");
        marks.extend(self.text("repo").map(|repo| format!("repository:{repo}")));
        marks.extend(self.names("images").iter().map(|image| format!("image:{}", image_name(image))));
        marks
    }
}

/// The two parts of a mark; none where there is no kind or no name.
#[must_use]
pub fn mark(text: &str) -> Option<(&str, &str)> {
    let (kind, name) = text.split_once(':')?;
    let name = name.trim();
    (!kind.is_empty() && !name.is_empty()).then_some((kind, name))
}

/// An image without its tag and digest.
#[must_use]
pub fn image_name(image: &str) -> &str {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    let last = named.rfind('/').map_or(0, |slash| slash + 1);
    named[last..].find(':').map_or(named, |colon| &named[..last + colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_a_kind_and_a_name() {
        assert_eq!(mark("image:r.example:5000/shop/cart"), Some(("image", "r.example:5000/shop/cart")));
        assert_eq!(mark("label: tier=web "), Some(("label", "tier=web")));
        for text in ["", ":", "a:", "a: ", ":b", "cart"] {
            assert_eq!(mark(text), None, "{text}");
        }
    }

    #[test]
    fn an_image_is_known_without_tag_and_digest() {
        for image in [
            "r.example:5000/shop/cart:1.2",
            "r.example:5000/shop/cart@sha256:0a",
            "r.example:5000/shop/cart:1@sha256:0a",
        ] {
            assert_eq!(image_name(image), "r.example:5000/shop/cart");
        }
        assert_eq!(image_name("cart"), "cart");
        assert_eq!(image_name("r.example:5000/"), "r.example:5000/");
    }
}
