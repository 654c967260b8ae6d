//! Rules that say whose something is by what tools call it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::glob;
use crate::event::mark;

/// Where things with certain marks belong. All its marks must fit; `*` stands for any text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceRule {
    /// A mark, such as `namespace:shop-*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Marks that must all fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Only what this source tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `product/component` it belongs to; this or `product`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The product it belongs to, under the component's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The instance it speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The environment it speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl PlaceRule {
    /// The patterns of marks, all of which must fit.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.mark.iter().chain(&self.marks).map(String::as_str)
    }

    /// Whether it speaks of what this source tells with these marks.
    #[must_use]
    pub fn fits(&self, source: &str, marks: &[String]) -> bool {
        self.fits_source(source) && self.patterns().all(|pattern| marks.iter().any(|mark| fits(pattern, mark)))
    }

    /// Whether it speaks of what this source tells.
    #[must_use]
    pub fn fits_source(&self, source: &str) -> bool {
        self.source.as_deref().is_none_or(|pattern| glob(pattern, source))
    }

    /// The patterns that none of these marks fits.
    #[must_use]
    pub fn lacking(&self, marks: &[String]) -> Vec<&str> {
        self.patterns().filter(|pattern| !marks.iter().any(|mark| fits(pattern, mark))).collect()
    }

    /// What is wrong with it by itself, as the end of a sentence about it.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.patterns().next().is_none() {
            return Some("has no `mark`: it says by what names of a tool it places, as `namespace:shop-*`".to_owned());
        }
        if let Some(pattern) = self.patterns().find(|pattern| mark(pattern).is_none()) {
            return Some(format!("has the mark `{pattern}`; a mark is `KIND:NAME`, such as `namespace:shop-*`"));
        }
        let texts = [
            ("source", &self.source),
            ("component", &self.component),
            ("product", &self.product),
            ("instance", &self.instance),
            ("environment", &self.environment),
        ];
        let unfit = |text: &str| text.trim() != text || text.is_empty() || text.chars().any(char::is_control);
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.as_deref().is_some_and(unfit)) {
            return Some(format!("has a `{name}` that is empty, has spaces around it or control characters"));
        }
        match (&self.component, &self.product) {
            (Some(_), Some(_)) => Some("has both `component` and `product`; give the one it places in".to_owned()),
            (None, None) => Some("has neither `component` nor `product`: it says where its things belong".to_owned()),
            _ => None,
        }
    }
}

/// By what it places, as a person reads it.
impl fmt::Display for PlaceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pattern) in self.patterns().enumerate() {
            write!(f, "{}`{pattern}`", if index == 0 { "" } else { " and " })?;
        }
        match &self.source {
            Some(source) => write!(f, " of the source `{source}`"),
            None => Ok(()),
        }
    }
}

/// Kinds are the same or not; names may have `*` for any text.
fn fits(pattern: &str, told: &str) -> bool {
    match (mark(pattern), mark(told)) {
        (Some((kind, pattern)), Some((told_kind, name))) => kind == told_kind && glob(pattern, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> PlaceRule {
        toml::from_str(text).unwrap()
    }

    fn marks(list: &[&str]) -> Vec<String> {
        list.iter().map(|mark| (*mark).to_owned()).collect()
    }

    #[test]
    fn every_mark_must_fit() {
        let rule = rule("marks = [\"namespace:shop-*\", \"cluster:eu\"]\nsource = \"argo*\"\nproduct = \"shop\"");
        assert!(rule.fits("argocd", &marks(&["cluster:eu", "namespace:shop-blue"])));
        assert!(!rule.fits("flux", &marks(&["cluster:eu", "namespace:shop-blue"])));
        assert!(!rule.fits("argocd", &marks(&["cluster:us", "namespace:shop-blue"])));
        assert_eq!(rule.lacking(&marks(&["cluster:us", "namespace:shop-blue"])), ["cluster:eu"]);
        assert!(!rule.fits("argocd", &marks(&["workload:shop-x", "cluster:eu"])));
        assert_eq!(rule.to_string(), "`namespace:shop-*` and `cluster:eu` of the source `argo*`");
    }

    #[test]
    fn a_rule_says_what_is_wrong_with_it() {
        assert_eq!(rule("mark = \"namespace:shop\"\nproduct = \"shop\"").fault(), None);
        for (text, said) in [
            ("product = \"shop\"", "has no `mark`"),
            ("mark = \"\"\nproduct = \"shop\"", "has the mark ``"),
            ("mark = \"shop-*\"\nproduct = \"shop\"", "a mark is `KIND:NAME`"),
            ("mark = \"namespace:shop\"", "neither `component` nor `product`"),
            ("mark = \"namespace:shop\"\nproduct = \"a\"\ncomponent = \"a/b\"", "both `component` and `product`"),
            ("mark = \"namespace:shop\"\nproduct = \"a\"\ninstance = \" \"", "a `instance` that is empty"),
        ] {
            let fault = rule(text).fault().unwrap_or_default();
            assert!(fault.contains(said), "{text}: {fault}");
        }
    }
}
