//! The tree with numbers in the place of names, in an order in which everything below a node stands right after it:
//! what belongs to a subtree is one range.

use std::collections::BTreeMap;

use domain::catalogue::{ComponentId, Level, Node, Tree, UNASSIGNED};

/// A product, a component and an instance, as far as a row names them.
pub type Names<'a> = [Option<&'a str>; 3];

/// Where a node's rows are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// With everything below it.
    Stand(usize),
    /// A domain over all platforms, or a team: products that do not stand next to each other.
    Set(usize),
}

/// A node in one line of the tree: a domain stands apart under each of its platforms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    pub(crate) level: Level,
    pub(crate) parent: usize,
    /// One after the last below it.
    pub(crate) end: usize,
    /// In the tree, or above something that is: not only named by a row.
    pub(crate) known: bool,
}

/// Products that belong together across the lines of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) level: Level,
    /// Their stands.
    pub(crate) products: Vec<usize>,
}

/// The tree and whatever else rows name.
#[derive(Clone, Debug)]
pub struct Forest {
    pub(crate) stands: Vec<Stand>,
    pub(crate) sets: Vec<Set>,
    nodes: Vec<(Node, Spot)>,
}

/// What is below a product, each with whether the tree knows it.
#[derive(Default)]
struct Below<'a> {
    known: bool,
    components: BTreeMap<&'a str, (bool, BTreeMap<&'a str, bool>)>,
}

impl Forest {
    /// Of a tree and of the places that rows name, in their order; with the stand of each place.
    #[must_use]
    pub fn new(tree: &Tree, places: &[Names<'_>]) -> (Self, Vec<usize>) {
        let mut products: BTreeMap<&str, Below<'_>> = BTreeMap::new();
        for name in tree.products().keys() {
            products.entry(name).or_default().known = true;
        }
        for (id, node) in tree.components() {
            let product = products.entry(id.product()).or_default();
            product.known = true;
            let component = product.components.entry(id.as_str()).or_default();
            component.0 = true;
            component.1.extend(node.instances.keys().map(|name| (name.as_str(), true)));
        }
        for [product, component, instance] in places.iter().copied() {
            let Some(product) = product else { continue };
            let below = products.entry(product).or_default();
            let Some(component) = component else { continue };
            let component = below.components.entry(component).or_default();
            if let Some(instance) = instance {
                component.1.entry(instance).or_default();
            }
        }
        let forest = Builder::default().build(tree, &products);
        let stand = |names: &Names<'_>| {
            // A component that is not named in full has no place of its own below its product.
            forest.stand_of(*names).or_else(|| forest.stand_of([names[0], None, None])).unwrap_or_default()
        };
        let stands = places.iter().map(stand).collect();
        (forest, stands)
    }

    /// Where a node's rows are; none when neither the tree nor a row names it.
    #[must_use]
    pub fn find(&self, node: &Node) -> Option<Spot> {
        let index = self.nodes.binary_search_by(|(known, _)| known.cmp(node)).ok()?;
        Some(self.nodes[index].1)
    }

    /// The stand of the lowest node that is named; none when it is not in the forest.
    #[must_use]
    pub fn stand_of(&self, [product, component, instance]: Names<'_>) -> Option<usize> {
        let node = match (product, component, instance) {
            (None, ..) => Node::Group,
            (Some(product), None, _) => Node::Product(product.to_owned()),
            (_, Some(component), None) => Node::Component(ComponentId::parse(component)?),
            (_, Some(component), Some(instance)) => Node::Instance(ComponentId::parse(component)?, instance.to_owned()),
        };
        match self.find(&node)? {
            Spot::Stand(stand) => Some(stand),
            Spot::Set(_) => None,
        }
    }

    /// How many stands there are: their numbers are below it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stands.len()
    }

    /// Never: the group always stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stands.is_empty()
    }

    /// The level of a spot.
    #[must_use]
    pub fn level(&self, spot: Spot) -> Level {
        match spot {
            Spot::Stand(stand) => self.stands[stand].level,
            Spot::Set(set) => self.sets[set].level,
        }
    }

    /// Ranges of stands whose rows belong to a spot, in order.
    #[must_use]
    pub fn ranges(&self, spot: Spot) -> Vec<std::ops::Range<usize>> {
        match spot {
            Spot::Stand(stand) => std::iter::once(stand..self.stands[stand].end).collect(),
            Spot::Set(set) => {
                self.sets[set].products.iter().map(|product| *product..self.stands[*product].end).collect()
            }
        }
    }

    /// Names of the products of a spot, when there are at most `most` of them; none for the group.
    #[must_use]
    pub fn products(&self, spot: Spot, most: usize) -> Option<Vec<&str>> {
        let ranges = self.ranges(spot);
        let inside = |stand: usize| ranges.iter().any(|range| range.contains(&stand));
        let mut found = Vec::new();
        for (node, spot) in &self.nodes {
            if let (Node::Product(name), Spot::Stand(stand)) = (node, spot)
                && inside(*stand)
            {
                if found.len() == most {
                    return None;
                }
                found.push(name.as_str());
            }
        }
        Some(found)
    }

    /// Every node, in the order of nodes.
    pub(crate) fn nodes(&self) -> &[(Node, Spot)] {
        &self.nodes
    }

    /// The stands right below one.
    pub(crate) fn children(&self, stand: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.stands[stand].end;
        let first = Some(stand + 1).filter(|next| *next < end);
        std::iter::successors(first, move |child| Some(self.stands[*child].end).filter(|next| *next < end))
    }
}

#[derive(Default)]
struct Builder {
    stands: Vec<Stand>,
    nodes: Vec<(Node, Spot)>,
}

impl Builder {
    fn build(mut self, tree: &Tree, products: &BTreeMap<&str, Below<'_>>) -> Forest {
        let mut lines: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for name in products.keys() {
            let node = tree.products().get(*name);
            let (platform, domain) =
                node.map_or((UNASSIGNED, UNASSIGNED), |node| (node.platform.as_str(), node.domain.as_str()));
            lines.entry(platform).or_default().entry(domain).or_default().push(name);
        }
        let mut domains: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut teams: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let group = self.open(Some(Node::Group), Level::Group, 0, true);
        for (platform, below) in lines {
            let platform = self.open(Some(Node::Platform(platform.to_owned())), Level::Platform, group, false);
            for (domain, names) in below {
                let in_line = self.open(None, Level::Domain, platform, false);
                for name in names {
                    let stand = self.product(name, in_line, &products[name]);
                    domains.entry(domain).or_default().push(stand);
                    if let Some(team) = tree.products().get(name).and_then(|node| node.team.as_deref()) {
                        teams.entry(team).or_default().push(stand);
                    }
                }
                self.close(in_line);
            }
            self.close(platform);
        }
        self.close(group);
        let mut sets = Vec::new();
        let domains = domains.into_iter().map(|(name, found)| (Node::Domain(name.to_owned()), Level::Domain, found));
        let teams = teams.into_iter().map(|(name, found)| (Node::Team(name.to_owned()), Level::Team, found));
        for (node, level, products) in domains.chain(teams) {
            self.nodes.push((node, Spot::Set(sets.len())));
            sets.push(Set { level, products });
        }
        self.nodes.sort_by(|one, other| one.0.cmp(&other.0));
        Forest { stands: self.stands, sets, nodes: self.nodes }
    }

    fn product(&mut self, name: &str, parent: usize, below: &Below<'_>) -> usize {
        let product = self.open(Some(Node::Product(name.to_owned())), Level::Product, parent, below.known);
        for (component, (known, instances)) in &below.components {
            let Some(id) = ComponentId::parse(component) else { continue };
            let stand = self.open(Some(Node::Component(id.clone())), Level::Component, product, *known);
            for (instance, known) in instances {
                let node = Node::Instance(id.clone(), (*instance).to_owned());
                let stand = self.open(Some(node), Level::Instance, stand, *known);
                self.close(stand);
            }
            self.close(stand);
        }
        self.close(product);
        product
    }

    fn open(&mut self, node: Option<Node>, level: Level, parent: usize, known: bool) -> usize {
        let stand = self.stands.len();
        self.stands.push(Stand { level, parent, end: stand + 1, known });
        self.nodes.extend(node.map(|node| (node, Spot::Stand(stand))));
        stand
    }

    fn close(&mut self, stand: usize) {
        self.stands[stand].end = self.stands.len();
        let (known, parent) = (self.stands[stand].known, self.stands[stand].parent);
        self.stands[parent].known |= known;
    }
}
