//! The tree as it is: what the catalogue declares and what events brought, every node with its path.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalogue, ComponentId, Labels, NodeRef, UNASSIGNED};
use crate::{Code, Problem};

/// What events told of the place of a product the catalogue does not declare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductHint {
    /// Its platform.
    pub platform: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
    /// Its owner.
    pub team: Option<String>,
}

/// A product in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductNode {
    /// Its platform.
    pub platform: String,
    /// Its domain.
    pub domain: String,
    /// Its owner.
    pub team: Option<String>,
    /// Free labels.
    pub labels: Labels,
    /// Whether the catalogue declares it.
    pub declared: bool,
}

/// A component in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentNode {
    /// Where it runs, with the labels the catalogue gives each place.
    pub instances: BTreeMap<String, Labels>,
    /// Free labels.
    pub labels: Labels,
    /// Whether the catalogue declares it.
    pub declared: bool,
}

/// The tree: every product and component, declared or brought by events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    products: BTreeMap<String, ProductNode>,
    components: BTreeMap<ComponentId, ComponentNode>,
}

/// A node that exists, with full names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// Everything.
    Group,
    /// By name.
    Platform(String),
    /// By name.
    Domain(String),
    /// By name.
    Product(String),
    /// By full name.
    Component(ComponentId),
    /// By full name and instance.
    Instance(ComponentId, String),
    /// By name.
    Team(String),
}

impl Tree {
    /// The tree of a catalogue, of what events told of products, and of where components were seen to run.
    #[must_use]
    pub fn build<'a>(
        catalogue: &Catalogue,
        hints: &BTreeMap<String, ProductHint>,
        seen: impl IntoIterator<Item = (&'a ComponentId, Option<&'a str>)>,
        seen_products: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut tree = Tree::default();
        for (platform, domain, product) in catalogue.products() {
            let node = ProductNode {
                platform: platform.name.clone(),
                domain: domain.name.clone(),
                team: product.team.clone(),
                labels: product.labels.clone(),
                declared: true,
            };
            tree.products.insert(product.name.clone(), node);
        }
        for (_, _, product, component) in catalogue.components() {
            let node = ComponentNode {
                instances: component
                    .instances
                    .iter()
                    .map(|instance| (instance.name.clone(), instance.labels.clone()))
                    .collect(),
                labels: component.labels.clone(),
                declared: true,
            };
            tree.components.insert(ComponentId::new(&product.name, &component.name), node);
        }
        for (component, instance) in seen {
            tree.see_product(component.product(), hints);
            let node = tree.components.entry(component.clone()).or_default();
            if let Some(instance) = instance {
                node.instances.entry(instance.to_owned()).or_default();
            }
        }
        for product in seen_products {
            tree.see_product(product, hints);
        }
        tree
    }

    fn see_product(&mut self, name: &str, hints: &BTreeMap<String, ProductHint>) {
        if self.products.contains_key(name) {
            return;
        }
        let hint = hints.get(name).cloned().unwrap_or_default();
        let or_unassigned = |name: Option<String>| name.unwrap_or_else(|| UNASSIGNED.to_owned());
        let node = ProductNode {
            platform: or_unassigned(hint.platform),
            domain: or_unassigned(hint.domain),
            team: hint.team,
            labels: Labels::new(),
            declared: false,
        };
        self.products.insert(name.to_owned(), node);
    }

    /// Every product by name.
    #[must_use]
    pub fn products(&self) -> &BTreeMap<String, ProductNode> {
        &self.products
    }

    /// Every component by full name.
    #[must_use]
    pub fn components(&self) -> &BTreeMap<ComponentId, ComponentNode> {
        &self.components
    }

    /// Labels of a component on one of its instances: those of the component, those of the instance above them.
    #[must_use]
    pub fn labels_at(&self, component: &ComponentId, instance: Option<&str>) -> Labels {
        let Some(node) = self.components.get(component) else { return Labels::new() };
        let mut labels = node.labels.clone();
        labels.extend(instance.and_then(|instance| node.instances.get(instance)).cloned().unwrap_or_default());
        labels
    }

    /// The nodes right below one, in order: platforms of the group, domains of a platform, products of a domain or a team,
    /// components of a product, instances of a component.
    #[must_use]
    pub fn children(&self, node: &Node) -> Vec<Node> {
        let products = |of: &dyn Fn(&ProductNode) -> Option<Node>| -> Vec<Node> {
            let found: BTreeSet<Node> = self.products.values().filter_map(of).collect();
            found.into_iter().collect()
        };
        let named = |of: &dyn Fn(&ProductNode) -> bool| -> Vec<Node> {
            let found = self.products.iter().filter(|(_, product)| of(product));
            found.map(|(name, _)| Node::Product(name.clone())).collect()
        };
        match node {
            Node::Group => products(&|product| Some(Node::Platform(product.platform.clone()))),
            Node::Platform(name) => {
                products(&|product| (product.platform == *name).then(|| Node::Domain(product.domain.clone())))
            }
            Node::Domain(name) => named(&|product| product.domain == *name),
            Node::Team(name) => named(&|product| product.team.as_ref() == Some(name)),
            Node::Product(name) => {
                let components = self.components.keys().filter(|id| id.product() == name);
                components.map(|id| Node::Component(id.clone())).collect()
            }
            Node::Component(id) => {
                let instances = self.components.get(id).into_iter().flat_map(|node| node.instances.keys());
                instances.map(|name| Node::Instance(id.clone(), name.clone())).collect()
            }
            Node::Instance(..) => Vec::new(),
        }
    }

    /// Finds a node by what a person wrote.
    ///
    /// # Errors
    /// `not_found`, or `ambiguous` with the full names a short one fits.
    pub fn resolve(&self, node: &NodeRef) -> Result<Node, Problem> {
        let missing = || {
            Problem::new(
                Code::NotFound,
                format!("there is no {} `{}`; `/api/v1/tree` lists the nodes", node.level(), node.name()),
            )
        };
        let found = |found: bool, node: Node| if found { Ok(node) } else { Err(missing()) };
        match node {
            NodeRef::Group => Ok(Node::Group),
            NodeRef::Platform(name) => {
                found(self.products.values().any(|product| product.platform == *name), Node::Platform(name.clone()))
            }
            NodeRef::Domain(name) => {
                found(self.products.values().any(|product| product.domain == *name), Node::Domain(name.clone()))
            }
            NodeRef::Product(name) => found(self.products.contains_key(name), Node::Product(name.clone())),
            NodeRef::Team(name) => found(
                self.products.values().any(|product| product.team.as_deref() == Some(name)),
                Node::Team(name.clone()),
            ),
            NodeRef::Component(name) => Ok(Node::Component(self.component(name)?.ok_or_else(missing)?)),
            NodeRef::Instance(name, instance) => {
                let component = self.component(name)?.ok_or_else(missing)?;
                let known = self.components.get(&component).is_some_and(|node| node.instances.contains_key(instance));
                found(known, Node::Instance(component, instance.clone()))
            }
        }
    }

    /// A component by its full name, or by its short name while that is unambiguous.
    fn component(&self, name: &str) -> Result<Option<ComponentId>, Problem> {
        if let Some(id) = ComponentId::parse(name).filter(|id| self.components.contains_key(id)) {
            return Ok(Some(id));
        }
        let fits: Vec<&ComponentId> = self.components.keys().filter(|id| id.name() == name).collect();
        match fits.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            many => {
                let names: Vec<_> = many.iter().take(10).map(|id| id.as_str()).collect();
                Err(Problem::new(
                    Code::Ambiguous,
                    format!("`{name}` fits {} components: {}", many.len(), names.join(", ")),
                ))
            }
        }
    }
}

impl Node {
    /// As people write it, with full names.
    #[must_use]
    pub fn to_ref(&self) -> NodeRef {
        match self {
            Node::Group => NodeRef::Group,
            Node::Platform(name) => NodeRef::Platform(name.clone()),
            Node::Domain(name) => NodeRef::Domain(name.clone()),
            Node::Product(name) => NodeRef::Product(name.clone()),
            Node::Component(id) => NodeRef::Component(id.to_string()),
            Node::Instance(id, instance) => NodeRef::Instance(id.to_string(), instance.clone()),
            Node::Team(name) => NodeRef::Team(name.clone()),
        }
    }
}
