//! Placing by rules of the catalogue, by what tools call things.

use super::{ComponentId, Place, Placed, PlacedBy, Placer, short};
use crate::catalogue::Named;
use crate::event::Deployment;
use crate::rules::PlaceRule;

/// What a rule places in, as the tree calls it.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Component(ComponentId),
    Product(String),
}

impl Placer {
    /// The declared component of this full name, `product/component`, by names or other names.
    #[must_use]
    pub fn named(&self, full: &str) -> Option<&ComponentId> {
        let (product, name) = full.split_once('/')?;
        self.names.get(&format!("{}/{name}", self.product(product)))?.first()
    }

    pub(super) fn target(&self, rule: &PlaceRule) -> Option<Target> {
        match (&rule.component, &rule.product) {
            (Some(component), _) => self.named(component).cloned().map(Target::Component),
            (None, Some(product)) => self.products.get(product).cloned().map(Target::Product),
            (None, None) => None,
        }
    }

    /// The first rule that fits, its place in [`Rules::places`] and what it places in.
    fn ruled(&self, named: &Named<'_>) -> Option<(usize, &Target)> {
        let rules = self.rules.places.iter().zip(&self.targets).enumerate();
        let known = rules.filter_map(|(index, (rule, target))| Some((index, rule, target.as_ref()?)));
        known
            .filter(|(_, rule, _)| rule.fits(named.source, &named.marks))
            .map(|(index, _, target)| (index, target))
            .next()
    }

    /// The declared component of a product by its name or other name, else the only one of the repository there.
    fn within(&self, product: &str, name: Option<&str>, repo: Option<&str>) -> Option<ComponentId> {
        let own = name.map(|name| short(product, name));
        let known = own.and_then(|name| self.names.get(&format!("{product}/{name}"))).and_then(|ids| ids.first());
        let of_repo = || {
            let mut ids = self.repos.get(repo.or(name)?)?.iter().filter(|id| id.product() == product);
            ids.next().filter(|_| ids.next().is_none())
        };
        known.or_else(of_repo).cloned()
    }

    /// Why a rule placed something, in words.
    #[must_use]
    pub fn why(&self, rule: Option<usize>) -> Option<String> {
        let index = rule?;
        let rule = self.rules.places.get(index)?;
        Some(format!("rule {} of `rules.places`: {rule}", index + 1))
    }

    /// A rule by its place.
    #[must_use]
    pub fn rule(&self, rule: Option<usize>) -> Option<&PlaceRule> {
        self.rules.places.get(rule?)
    }

    /// Places a deployment: by the first rule that fits what its tool calls it, else by its names ([`Placer::place`]).
    #[must_use]
    pub fn place_deployment(&self, told: &Deployment) -> Placed {
        let named = Named::from(told);
        let Some((index, target)) = self.ruled(&named) else {
            return self.place(&told.component, named.product, named.repo);
        };
        let component = match target {
            Target::Component(id) => id.clone(),
            Target::Product(product) => self
                .within(product, named.component, named.repo)
                .unwrap_or_else(|| ComponentId::new(product, short(product, &told.component))),
        };
        Placed { component, by: PlacedBy::Rule, rule: Some(index) }
    }

    /// Places anything: by the first rule that fits, else by the names it gives; none where it gives none.
    #[must_use]
    pub fn locate(&self, named: &Named<'_>) -> Option<Place> {
        if let Some((index, target)) = self.ruled(named) {
            let (product, component) = match target {
                Target::Component(id) => (id.product(), Some(id.clone())),
                Target::Product(product) => {
                    let own = named.component.filter(|_| named.names_components());
                    let own = own.map(|name| ComponentId::new(product, short(product, name)));
                    (product.as_str(), self.within(product, named.component, named.repo).or(own))
                }
            };
            return Some(Place { product: product.to_owned(), component, by: PlacedBy::Rule, rule: Some(index) });
        }
        if let Some(component) = named.component {
            let placed = self.place(component, named.product, named.repo);
            let product = placed.component.product().to_owned();
            return Some(Place { product, component: Some(placed.component), by: placed.by, rule: None });
        }
        let name = named.product?;
        let by = if self.knows_product(name) { PlacedBy::Catalogue } else { PlacedBy::Event };
        Some(Place { product: self.product(name), component: None, by, rule: None })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::event::EventKind;

    const CATALOGUE: &str = r#"
        [[platforms]]
        name = "p"
        [[platforms.domains]]
        name = "d"
        [[platforms.domains.products]]
        name = "shop"
        [[platforms.domains.products.components]]
        name = "cart"
        repo = "acme/cart"
        [[platforms.domains.products.components]]
        name = "pay"
        [[platforms.domains.products]]
        name = "till"

        [[rules.places]]
        mark = "workload:cart-*"
        source = "kube"
        component = "shop/cart"
        [[rules.places]]
        mark = "namespace:shop*"
        product = "shop"
        [[rules.places]]
        mark = "namespace:*"
        product = "till"
    "#;

    fn located(kind: EventKind, component: Option<&str>, repo: Option<&str>, marks: &[&str]) -> Option<String> {
        let catalogue: Catalogue = toml::from_str(CATALOGUE).unwrap();
        let marks: Vec<String> = marks.iter().map(|mark| (*mark).to_owned()).collect();
        let named = Named { kind, source: "kube", component, product: Some("other"), repo, marks: Cow::Owned(marks) };
        let placer = Placer::new(&catalogue);
        let place = placer.locate(&named)?;
        let component = place.component.map_or_else(|| "-".to_owned(), |id| id.to_string());
        Some(format!("{} {component} {}", place.product, placer.why(place.rule).unwrap_or_default()))
    }

    #[test]
    fn the_first_rule_that_fits_counts_before_all_names() {
        use EventKind::{Deployment, FlagChange, Incident};
        let shop = "rule 2 of `rules.places`: `namespace:shop*`";
        for (kind, component, repo, marks, wanted) in [
            (
                Incident,
                None,
                None,
                ["workload:cart-blue", "namespace:shop"],
                "shop shop/cart rule 1 of `rules.places`: `workload:cart-*` of the source `kube`".to_owned(),
            ),
            (Deployment, Some("pay"), None, ["workload:pay", "namespace:shop"], format!("shop shop/pay {shop}")),
            (Deployment, Some("shop/new"), None, ["workload:pay", "namespace:shop"], format!("shop shop/new {shop}")),
            (
                Deployment,
                Some("x"),
                Some("acme/cart"),
                ["workload:x", "namespace:shop"],
                format!("shop shop/cart {shop}"),
            ),
            // A service that is no component is the product's trouble.
            (Incident, Some("Checkout"), None, ["namespace:shop", "x:y"], format!("shop - {shop}")),
            (FlagChange, Some("pay"), None, ["namespace:shop", "x:y"], format!("shop shop/pay {shop}")),
            (Incident, None, None, ["x:y", "z"], "other - ".to_owned()),
        ] {
            assert_eq!(located(kind, component, repo, &marks), Some(wanted));
        }
    }
}
