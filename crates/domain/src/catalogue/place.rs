//! Where an event belongs: from the names it carries to a component of the tree.

mod ruled;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Catalogue, Component, Slo, UNASSIGNED};
use crate::rules::Rules;
use ruled::Target;

/// `product/component`: a component's full name, unique everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComponentId(Arc<str>);

impl ComponentId {
    /// From the two names.
    #[must_use]
    pub fn new(product: &str, component: &str) -> Self {
        ComponentId(format!("{product}/{component}").into())
    }

    /// From the full name; none without a product.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split_once('/').filter(|(product, component)| !product.is_empty() && !component.is_empty())?;
        Some(ComponentId(text.into()))
    }

    /// The product.
    #[must_use]
    pub fn product(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(product, _)| product)
    }

    /// The component's name within its product; it may contain slashes.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// The full name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which rule something was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlacedBy {
    /// A rule of the catalogue speaks of what its tool calls it.
    Rule,
    /// The catalogue knows the name.
    Catalogue,
    /// The event names product and component itself.
    Event,
    /// The repository belongs to one component.
    Repository,
    /// Another event named the product of this component.
    OtherEvents,
    /// Several components have this name; it waits under `unassigned`.
    Ambiguous,
    /// Nobody knows the name; it waits under `unassigned`.
    Unassigned,
}

/// The outcome of placing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The component.
    pub component: ComponentId,
    /// Why there.
    pub by: PlacedBy,
    /// The rule that said so: its place in [`Rules::places`].
    pub rule: Option<usize>,
}

impl Placed {
    const fn new(component: ComponentId, by: PlacedBy) -> Self {
        Placed { component, by, rule: None }
    }
}

/// Where something belongs that may name a product and no component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The product.
    pub product: String,
    /// The component.
    pub component: Option<ComponentId>,
    /// Why there.
    pub by: PlacedBy,
    /// The rule that said so: its place in [`Rules::places`].
    pub rule: Option<usize>,
}

/// The catalogue prepared for look-ups, with the components that events declared by naming their product.
#[derive(Clone, Debug, Default)]
pub struct Placer {
    rules: Rules,
    declared: BTreeMap<ComponentId, Component>,
    names: HashMap<String, BTreeSet<ComponentId>>,
    repos: HashMap<String, BTreeSet<ComponentId>>,
    products: HashMap<String, String>,
    implied: HashMap<String, BTreeSet<ComponentId>>,
    slos: Vec<Slo>,
    /// For each rule of [`Rules::places`]; none where the catalogue does not know it.
    targets: Vec<Option<Target>>,
}

impl Placer {
    /// Prepares a catalogue.
    #[must_use]
    pub fn new(catalogue: &Catalogue) -> Self {
        let mut placer = Placer { rules: catalogue.rules.clone(), slos: catalogue.slos.clone(), ..Placer::default() };
        for (_, _, product) in catalogue.products() {
            for name in std::iter::once(&product.name).chain(&product.aliases) {
                placer.products.insert(name.clone(), product.name.clone());
            }
        }
        for (_, _, product, component) in catalogue.components() {
            let id = ComponentId::new(&product.name, &component.name);
            for name in std::iter::once(&component.name).chain(&component.aliases) {
                placer.names.entry(name.clone()).or_default().insert(id.clone());
                placer.names.entry(format!("{}/{name}", product.name)).or_default().insert(id.clone());
            }
            if let Some(repo) = &component.repo {
                placer.repos.entry(repo.clone()).or_default().insert(id.clone());
            }
            placer.declared.insert(id, component.clone());
        }
        placer.targets = catalogue.rules.places.iter().map(|rule| placer.target(rule)).collect();
        placer
    }

    /// Tells that events place `component` themselves; says whether that was news.
    pub fn imply(&mut self, component: &ComponentId) -> bool {
        self.implied.entry(component.name().to_owned()).or_default().insert(component.clone())
    }

    /// Takes back [`Placer::imply`].
    pub fn forget(&mut self, component: &ComponentId) {
        if let Some(known) = self.implied.get_mut(component.name()) {
            known.remove(component);
        }
    }

    /// Whether events imply this component.
    #[must_use]
    pub fn implies(&self, component: &ComponentId) -> bool {
        self.implied.get(component.name()).is_some_and(|known| known.contains(component))
    }

    /// The rules of the catalogue.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What the catalogue says of a component.
    #[must_use]
    pub fn declared(&self, component: &ComponentId) -> Option<&Component> {
        self.declared.get(component)
    }

    /// A product by its name or one of its other names.
    #[must_use]
    pub fn product(&self, name: &str) -> String {
        self.products.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// Whether the catalogue declares this product.
    #[must_use]
    pub fn knows_product(&self, name: &str) -> bool {
        self.products.contains_key(name)
    }

    /// What a service level of a place is to reach.
    #[must_use]
    pub fn objective(&self, slo: &str, product: Option<&str>, component: Option<&ComponentId>) -> Option<f64> {
        let fits = |wanted: &Slo| {
            wanted.name == slo
                && wanted.product.as_deref().is_none_or(|name| product == Some(self.product(name).as_str()))
                && wanted.component.as_deref().is_none_or(|name| component.is_some_and(|id| id.name() == name))
        };
        let fitting = self.slos.iter().filter(|wanted| fits(wanted));
        fitting.max_by_key(|wanted| (wanted.component.is_some(), wanted.product.is_some())).map(|slo| slo.objective)
    }

    /// Places a component named by an event, in order: product and component given; the catalogue's name or other
    /// name; the one component of the repository; a product other events gave it; else `unassigned`.
    #[must_use]
    pub fn place(&self, component: &str, product: Option<&str>, repo: Option<&str>) -> Placed {
        if let Some(product) = product {
            let product = self.product(product);
            let short = short(&product, component);
            let known = self.names.get(&format!("{product}/{short}")).and_then(|ids| ids.first());
            return match known {
                Some(id) => Placed::new(id.clone(), PlacedBy::Catalogue),
                None => Placed::new(ComponentId::new(&product, short), PlacedBy::Event),
            };
        }
        let mut ambiguous = false;
        // A component named like a repository is that repository, for those who name nothing else.
        let by_repo = self.repos.get(repo.unwrap_or(component));
        for (ids, by) in [
            (self.names.get(component), PlacedBy::Catalogue),
            (by_repo, PlacedBy::Repository),
            (self.implied.get(component), PlacedBy::OtherEvents),
        ] {
            let Some(ids) = ids else { continue };
            if let (Some(id), 1) = (ids.first(), ids.len()) {
                return Placed::new(id.clone(), by);
            }
            // A repository of several components says nothing about a name it does not know.
            ambiguous |= ids.len() > 1 && by != PlacedBy::Repository;
        }
        let full = ComponentId::parse(component).filter(|id| self.implies(id) || self.knows_product(id.product()));
        match full {
            Some(id) => Placed::new(id, PlacedBy::OtherEvents),
            None => {
                let by = if ambiguous { PlacedBy::Ambiguous } else { PlacedBy::Unassigned };
                Placed::new(ComponentId::new(UNASSIGNED, component), by)
            }
        }
    }
}

/// A component's name without that of its product before it.
fn short<'a>(product: &str, component: &'a str) -> &'a str {
    let name = component.strip_prefix(product).and_then(|rest| rest.strip_prefix('/'));
    name.filter(|name| !name.is_empty()).unwrap_or(component)
}

#[cfg(test)]
mod tests {
    use super::super::{Domain, Platform, Product};
    use super::*;

    fn placer() -> Placer {
        let component = |name: &str, repo: &str| Component {
            name: name.to_owned(),
            repo: Some(repo.to_owned()),
            aliases: vec![format!("{name}-svc")],
            ..Component::default()
        };
        let product = |name: &str, components| Product { name: name.to_owned(), components, ..Product::default() };
        Placer::new(&Catalogue {
            platforms: vec![Platform {
                name: "p".to_owned(),
                domains: vec![Domain {
                    name: "d".to_owned(),
                    products: vec![
                        product("shop", vec![component("cart", "acme/cart"), component("api", "acme/mono")]),
                        product("till", vec![component("api", "acme/mono")]),
                    ],
                    ..Domain::default()
                }],
                ..Platform::default()
            }],
            ..Catalogue::default()
        })
    }

    fn place(placer: &Placer, component: &str, product: Option<&str>, repo: Option<&str>) -> (String, PlacedBy) {
        let placed = placer.place(component, product, repo);
        (placed.component.to_string(), placed.by)
    }

    #[test]
    fn names_find_their_component() {
        let placer = placer();
        assert_eq!(place(&placer, "cart", None, None), ("shop/cart".into(), PlacedBy::Catalogue));
        assert_eq!(place(&placer, "cart-svc", None, None), ("shop/cart".into(), PlacedBy::Catalogue));
        assert_eq!(place(&placer, "till/api", None, None), ("till/api".into(), PlacedBy::Catalogue));
        assert_eq!(place(&placer, "api", Some("till"), None), ("till/api".into(), PlacedBy::Catalogue));
        assert_eq!(place(&placer, "deploy", None, Some("acme/cart")), ("shop/cart".into(), PlacedBy::Repository));
        assert_eq!(place(&placer, "acme/cart", None, None), ("shop/cart".into(), PlacedBy::Repository));
        assert_eq!(place(&placer, "acme/mono", None, None), ("unassigned/acme/mono".into(), PlacedBy::Unassigned));
        assert_eq!(place(&placer, "new", Some("shop"), None), ("shop/new".into(), PlacedBy::Event));
        assert_eq!(place(&placer, "api", None, None), ("unassigned/api".into(), PlacedBy::Ambiguous));
        assert_eq!(
            place(&placer, "deploy", None, Some("acme/mono")),
            ("unassigned/deploy".into(), PlacedBy::Unassigned)
        );
        assert_eq!(place(&placer, "org/repo", None, None), ("unassigned/org/repo".into(), PlacedBy::Unassigned));
    }

    #[test]
    fn the_service_level_that_names_most_of_its_place_counts() {
        let slo = |product: Option<&str>, component: Option<&str>, objective| Slo {
            name: "up".to_owned(),
            product: product.map(str::to_owned),
            component: component.map(str::to_owned),
            objective,
        };
        let slos = vec![slo(None, None, 0.9), slo(Some("shop"), Some("cart"), 0.99), slo(Some("shop"), None, 0.95)];
        let placer = Placer::new(&Catalogue { slos, ..Catalogue::default() });
        let (cart, pay) = (ComponentId::new("shop", "cart"), ComponentId::new("shop", "pay"));
        assert_eq!(placer.objective("up", Some("shop"), Some(&cart)), Some(0.99));
        assert_eq!(placer.objective("up", Some("shop"), Some(&pay)), Some(0.95));
        assert_eq!(placer.objective("up", Some("till"), None), Some(0.9));
        assert_eq!(placer.objective("fast", Some("shop"), None), None);
    }

    #[test]
    fn other_events_may_place_a_short_name() {
        let mut placer = placer();
        let id = ComponentId::new("stock", "ledger");
        assert!(placer.imply(&id) && !placer.imply(&id));
        assert_eq!(place(&placer, "ledger", None, None), ("stock/ledger".into(), PlacedBy::OtherEvents));
        assert_eq!(place(&placer, "stock/ledger", None, None), ("stock/ledger".into(), PlacedBy::OtherEvents));
        placer.forget(&id);
        assert_eq!(place(&placer, "ledger", None, None).1, PlacedBy::Unassigned);
    }
}
