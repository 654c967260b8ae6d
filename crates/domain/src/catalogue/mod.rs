//! The organisation: platform, domain, product, component, instance, and teams across them.

mod image;
mod named;
mod node;
mod place;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use image::{ImageCode, image_code};
pub use named::Named;
pub use node::{Level, NodeRef};
pub use place::{ComponentId, Place, Placed, PlacedBy, Placer};
pub use tree::{ComponentNode, Node, ProductHint, ProductNode, Tree};

use crate::definition::Declared;
use crate::rules::Rules;
use crate::{Code, Problem};

/// Name of the platform, domain and product that hold what nobody has placed yet.
pub const UNASSIGNED: &str = "unassigned";

/// Free labels of a node.
pub type Labels = BTreeMap<String, String>;

/// The declared tree and the rules, as files and the API carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalogue {
    /// The top of the tree.
    pub platforms: Vec<Platform>,
    /// Owners of products.
    pub teams: Vec<Team>,
    /// Rules that turn names into meaning.
    pub rules: Rules,
    /// Definitions of one's own.
    pub definitions: Vec<Declared>,
    /// What service levels are to reach.
    pub slos: Vec<Slo>,
}

/// What a service level is to reach. Of several that fit a sample the one that names most of its place counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slo {
    /// The service level, as its samples name it.
    pub name: String,
    /// Only that of this product.
    pub product: Option<String>,
    /// Only that of this component, by its name within the product.
    pub component: Option<String>,
    /// The share of good events it is to reach, between 0 and 1.
    pub objective: f64,
}

// A share that came through the checks is a number.
impl Eq for Slo {}

/// Highest level of the organisation: several related domains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Platform {
    /// Unique name.
    pub name: String,
    /// Free labels.
    pub labels: Labels,
    /// Its domains.
    pub domains: Vec<Domain>,
}

/// Products with similar or complementary functions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Domain {
    /// Unique name.
    pub name: String,
    /// Free labels.
    pub labels: Labels,
    /// Its products.
    pub products: Vec<Product>,
}

/// What an end user perceives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Product {
    /// Unique name, without `/`.
    pub name: String,
    /// Owner.
    pub team: Option<String>,
    /// Other names events use for it.
    pub aliases: Vec<String>,
    /// Free labels.
    pub labels: Labels,
    /// Its components.
    pub components: Vec<Component>,
}

/// What is deployed: a microservice or a monolith.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Component {
    /// Name, unique in its product.
    pub name: String,
    /// Other names events use for it.
    pub aliases: Vec<String>,
    /// Repository of its code.
    pub repo: Option<String>,
    /// Repository of its configuration, for GitOps.
    pub config_repo: Option<String>,
    /// In a monorepo, the folders or files (`*` for any text) that belong to it; empty for all.
    pub paths: Vec<String>,
    /// How an image tag names the code: `{sha}`, `{sha7}`, `v{semver}`, `{branch}-{sha7}`, …
    pub image_tag: Option<String>,
    /// Free labels.
    pub labels: Labels,
    /// Declared instances.
    pub instances: Vec<Instance>,
}

/// One place where a component runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    /// Name, unique in its component.
    pub name: String,
    /// Free labels, such as `business_unit`.
    pub labels: Labels,
}

/// Owner of products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Team {
    /// Unique name.
    pub name: String,
    /// Free labels.
    pub labels: Labels,
}

impl Catalogue {
    /// Checks names: present, unique where they must be, without the characters that separate names.
    /// Definitions are checked where they come in ([`crate::definition::whole`]): one that a later Leadline cannot use must
    /// not take the tree with it.
    ///
    /// # Errors
    /// `catalogue_invalid` with the node and the rule it breaks.
    pub fn validate(&self) -> Result<(), Problem> {
        let mut names = Names::default();
        for platform in &self.platforms {
            names.take(Level::Platform, &platform.name, "")?;
            for domain in &platform.domains {
                names.take(Level::Domain, &domain.name, "")?;
                for product in &domain.products {
                    names.take(Level::Product, &product.name, "")?;
                    for alias in &product.aliases {
                        names.take(Level::Product, alias, "")?;
                    }
                    for component in &product.components {
                        for name in std::iter::once(&component.name).chain(&component.aliases) {
                            names.take(Level::Component, name, &product.name)?;
                        }
                        for instance in &component.instances {
                            names.take(
                                Level::Instance,
                                &instance.name,
                                &format!("{}/{}", product.name, component.name),
                            )?;
                        }
                    }
                }
            }
        }
        for team in &self.teams {
            names.take(Level::Team, &team.name, "")?;
        }
        self.validate_slos()?;
        if self.rules.workflow_deployments.iter().any(|rule| rule.environment.trim().is_empty()) {
            return Err(Problem::new(
                Code::CatalogueInvalid,
                "a rule of `workflow_deployments` has no `environment`: it says where its runs deploy to",
            ));
        }
        self.validate_places()
    }

    /// Rules that place name what the catalogue has: a name misspelt would be a new product beside the one that was meant.
    fn validate_places(&self) -> Result<(), Problem> {
        let placer = Placer::new(self);
        for (index, rule) in self.rules.places.iter().enumerate() {
            let number = index + 1;
            let bad = |fault: String| {
                Err(Problem::new(Code::CatalogueInvalid, format!("rule {number} of `rules.places` {fault}")))
            };
            if let Some(fault) = rule.fault() {
                return bad(fault);
            }
            if let Some(product) = rule.product.as_deref().filter(|name| !placer.knows_product(name)) {
                return bad(format!("places in the product `{product}`, which the catalogue does not declare"));
            }
            if let Some(component) = rule.component.as_deref().filter(|name| placer.named(name).is_none()) {
                return bad(format!(
                    "places in the component `{component}`, which the catalogue does not declare; it takes \
                     `product/component`"
                ));
            }
        }
        Ok(())
    }

    fn validate_slos(&self) -> Result<(), Problem> {
        let mut places = BTreeSet::new();
        for slo in &self.slos {
            let name = slo.name.trim();
            let bad = |rule: String| Err(Problem::new(Code::CatalogueInvalid, rule));
            if name.is_empty() {
                return bad("one of `slos` has no `name`: it is the one its samples carry as `slo`".to_owned());
            }
            if !(slo.objective > 0.0 && slo.objective < 1.0) {
                return bad(format!(
                    "`objective` of the service level `{name}` is {}; it takes a share between 0 and 1, such as 0.999",
                    slo.objective
                ));
            }
            if slo.component.is_some() && slo.product.is_none() {
                return bad(format!("the service level `{name}` names a component and not its `product`"));
            }
            if !places.insert((name, &slo.product, &slo.component)) {
                return bad(format!("the service level `{name}` is there twice for the same place"));
            }
        }
        Ok(())
    }

    /// Whether both give the same facts: definitions only say how facts become numbers.
    #[must_use]
    pub fn same_facts(&self, other: &Self) -> bool {
        let Catalogue { platforms, teams, rules, slos, definitions: _ } = self;
        (platforms, teams, rules, slos) == (&other.platforms, &other.teams, &other.rules, &other.slos)
    }

    /// Every component with the path down to it.
    pub fn components(&self) -> impl Iterator<Item = (&Platform, &Domain, &Product, &Component)> {
        self.platforms.iter().flat_map(|platform| {
            platform.domains.iter().flat_map(move |domain| {
                domain.products.iter().flat_map(move |product| {
                    product.components.iter().map(move |component| (platform, domain, product, component))
                })
            })
        })
    }

    /// Every product with the path down to it.
    pub fn products(&self) -> impl Iterator<Item = (&Platform, &Domain, &Product)> {
        self.platforms.iter().flat_map(|platform| {
            platform
                .domains
                .iter()
                .flat_map(move |domain| domain.products.iter().map(move |product| (platform, domain, product)))
        })
    }
}

#[derive(Default)]
struct Names(BTreeSet<(Level, String, String)>);

impl Names {
    fn take(&mut self, level: Level, name: &str, within: &str) -> Result<(), Problem> {
        let bad = |rule: String| Err(Problem::new(Code::CatalogueInvalid, rule));
        let place = if within.is_empty() { String::new() } else { format!(" of `{within}`") };
        if name.trim().is_empty() {
            return bad(format!("a {level}{place} has no name"));
        }
        if name != name.trim() || name.len() > 256 || name.chars().any(char::is_control) {
            return bad(format!(
                "the {level} name `{}`{place} has spaces around it, control characters or over 256 bytes",
                name.trim()
            ));
        }
        if level != Level::Component && level != Level::Instance && name.contains('/') {
            return bad(format!("the {level} name `{name}` contains `/`, which separates product and component"));
        }
        if level == Level::Component && name.contains('@') {
            return bad(format!(
                "the component name `{name}`{place} contains `@`, which separates component and instance"
            ));
        }
        if !self.0.insert((level, within.to_owned(), name.to_owned())) {
            return bad(format!("the {level} name `{name}`{place} is used twice"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Catalogue {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_catalogue_reads_as_people_write_it() {
        let catalogue = read(
            r#"
            [[platforms]]
            name = "commerce"
            [[platforms.domains]]
            name = "e-commerce"
            [[platforms.domains.products]]
            name = "shop"
            team = "checkout"
            [[platforms.domains.products.components]]
            name = "cart"
            repo = "acme/cart"
            "#,
        );
        catalogue.validate().unwrap();
        assert_eq!(catalogue.components().next().unwrap().3.repo.as_deref(), Some("acme/cart"));
    }

    #[test]
    fn a_rule_for_pipeline_runs_says_where_they_deploy_to() {
        let rule = read("[[rules.workflow_deployments]]\nname = \"Deploy*\"\nenvironment = \"production\"");
        rule.validate().unwrap();
        assert_eq!(rule.rules.workflow_deployments[0].branch, "*");
        let without = read("[[rules.workflow_deployments]]\nname = \"Deploy*\"");
        assert_eq!(without.validate().unwrap_err().code, Code::CatalogueInvalid);
    }

    #[test]
    fn a_rule_that_places_names_what_is_declared() {
        let tree = "[[platforms]]\nname = \"p\"\n[[platforms.domains]]\nname = \"d\"\n[[platforms.domains.products]]\n\
                    name = \"shop\"\n[[platforms.domains.products.components]]\nname = \"cart\"\naliases = [\"basket\"]\n";
        let with = |rule: &str| read(&format!("{tree}[[rules.places]]\nmark = \"namespace:a\"\n{rule}")).validate();
        for good in ["product = \"shop\"", "component = \"shop/cart\"", "component = \"shop/basket\""] {
            with(good).unwrap();
        }
        for (rule, said) in [
            (
                "product = \"till\"",
                "rule 1 of `rules.places` places in the product `till`, which the catalogue does not",
            ),
            ("component = \"shop/pay\"", "the component `shop/pay`, which the catalogue does not declare"),
            ("component = \"cart\"", "it takes `product/component`"),
            ("", "rule 1 of `rules.places` has neither"),
        ] {
            let problem = with(rule).unwrap_err();
            assert!(problem.code == Code::CatalogueInvalid && problem.message.contains(said), "{}", problem.message);
        }
    }

    #[test]
    fn a_service_level_says_what_it_is_to_reach() {
        let good = read("[[slos]]\nname = \"availability\"\nobjective = 0.999");
        good.validate().unwrap();
        for (text, said) in [
            ("name = \"up\"", "is 0; it takes a share"),
            ("name = \"up\"\nobjective = 99.9", "is 99.9; it takes a share between 0 and 1"),
            ("objective = 0.9", "has no `name`"),
            ("name = \"up\"\nobjective = 0.9\ncomponent = \"cart\"", "not its `product`"),
            ("name = \"up\"\nobjective = 0.9\n[[slos]]\nname = \"up\"\nobjective = 0.8", "there twice"),
        ] {
            let problem = read(&format!("[[slos]]\n{text}")).validate().unwrap_err();
            assert!(problem.message.contains(said), "{}", problem.message);
        }
        assert!(!good.same_facts(&Catalogue::default()));
    }

    #[test]
    fn a_name_used_twice_is_refused_with_its_place() {
        let product = |name: &str| Product { name: name.to_owned(), ..Product::default() };
        let domain =
            Domain { name: "d".to_owned(), products: vec![product("shop"), product("shop")], ..Domain::default() };
        let platform = Platform { name: "p".to_owned(), domains: vec![domain], ..Platform::default() };
        let problem = Catalogue { platforms: vec![platform], ..Catalogue::default() }.validate().unwrap_err();
        assert_eq!(problem.message, "the product name `shop` is used twice");
    }
}
