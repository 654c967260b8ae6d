//! How people and scripts name a node of the tree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Code, Problem};

/// A level of the tree, or the teams across it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything.
    Group,
    /// Several domains.
    Platform,
    /// Several products.
    Domain,
    /// What a user perceives.
    Product,
    /// What is deployed.
    Component,
    /// Where it runs.
    Instance,
    /// Who owns it.
    Team,
}

impl Level {
    /// The word before the colon.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Level::Group => "group",
            Level::Platform => "platform",
            Level::Domain => "domain",
            Level::Product => "product",
            Level::Component => "component",
            Level::Instance => "instance",
            Level::Team => "team",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A node as written: `group`, `product:shop`, `component:shop/cart`, `instance:cart@eu`, `team:checkout`.
///
/// A component may be named short (`cart`) while that is unambiguous; whoever knows the tree resolves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeRef {
    /// Everything.
    Group,
    /// By name.
    Platform(String),
    /// By name.
    Domain(String),
    /// By name.
    Product(String),
    /// `product/component`, or a short name.
    Component(String),
    /// Component and instance.
    Instance(String, String),
    /// By name.
    Team(String),
}

impl NodeRef {
    /// Its level.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            NodeRef::Group => Level::Group,
            NodeRef::Platform(_) => Level::Platform,
            NodeRef::Domain(_) => Level::Domain,
            NodeRef::Product(_) => Level::Product,
            NodeRef::Component(_) => Level::Component,
            NodeRef::Instance(..) => Level::Instance,
            NodeRef::Team(_) => Level::Team,
        }
    }

    /// Its name without the level.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            NodeRef::Group => "group".to_owned(),
            NodeRef::Platform(name)
            | NodeRef::Domain(name)
            | NodeRef::Product(name)
            | NodeRef::Component(name)
            | NodeRef::Team(name) => name.clone(),
            NodeRef::Instance(component, instance) => format!("{component}@{instance}"),
        }
    }
}

impl fmt::Display for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeRef::Group => f.write_str("group"),
            other => write!(f, "{}:{}", other.level(), other.name()),
        }
    }
}

impl FromStr for NodeRef {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let bad = || {
            Problem::new(
                Code::InvalidParameter,
                format!(
                    "`{}` is not a node; write group, platform:NAME, domain:NAME, product:NAME, component:NAME, component:PRODUCT/NAME, instance:COMPONENT@NAME or team:NAME",
                    text.chars().take(128).collect::<String>()
                ),
            )
        };
        if text == "group" {
            return Ok(NodeRef::Group);
        }
        let (level, name) = text.split_once(':').ok_or_else(bad)?;
        if name.is_empty() {
            return Err(bad());
        }
        let owned = name.to_owned();
        match level {
            "platform" => Ok(NodeRef::Platform(owned)),
            "domain" => Ok(NodeRef::Domain(owned)),
            "product" => Ok(NodeRef::Product(owned)),
            "component" => Ok(NodeRef::Component(owned)),
            "team" => Ok(NodeRef::Team(owned)),
            "instance" => match name.rsplit_once('@') {
                Some((component, instance)) if !component.is_empty() && !instance.is_empty() => {
                    Ok(NodeRef::Instance(component.to_owned(), instance.to_owned()))
                }
                _ => Err(bad()),
            },
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_read_as_they_are_written() {
        for text in [
            "group",
            "platform:a",
            "product:shop",
            "component:shop/cart",
            "component:org/repo/x",
            "instance:cart@eu",
            "team:x",
        ] {
            assert_eq!(text.parse::<NodeRef>().unwrap().to_string(), text);
        }
        for text in ["", "shop", "product:", "planet:earth", "instance:cart", "instance:@eu"] {
            assert!(text.parse::<NodeRef>().is_err(), "{text}");
        }
    }
}
