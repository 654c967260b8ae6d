//! Placing and re-placing.

use domain::catalogue::{Catalogue, Component, Domain, PlacedBy, Platform, Product};
use serde_json::json;

use crate::support::{World, deployment, incident, with};

fn catalogue(product: &str) -> Catalogue {
    let component = Component { name: "cart".into(), repo: Some("acme/cart".into()), ..Component::default() };
    let product = Product { name: product.into(), components: vec![component], ..Product::default() };
    let domain = Domain { name: "d".into(), products: vec![product], ..Domain::default() };
    Catalogue {
        platforms: vec![Platform { name: "p".into(), domains: vec![domain], ..Platform::default() }],
        ..Catalogue::default()
    }
}

fn nameless(id: &str, day_hour: &str) -> serde_json::Value {
    with(deployment(id, day_hour, json!({"version": id})), json!({"product": null}))
}

#[test]
fn the_unknown_wait_under_unassigned_until_the_catalogue_knows_them() {
    let mut world = World::of(&[
        nameless("1", "01T00"),
        with(incident("I", "02T00", json!({})), json!({"product": null, "component": "cart"})),
    ]);
    assert_eq!(world.fact("1").lane.component.as_str(), "unassigned/cart");
    assert_eq!(world.cause("I", 0).as_deref(), Some("1"));
    for name in ["shop", "till"] {
        world.engine.change_catalogue(&mut world.ledger, &catalogue(name)).unwrap();
        assert_eq!(world.fact("1").lane.component.as_str(), format!("{name}/cart"));
        assert_eq!(world.incident("I").product, name);
        assert_eq!(world.cause("I", 0).as_deref(), Some("1"));
        assert_eq!(world.fact("1").incidents[0].count, 1);
    }
}

#[test]
fn an_event_that_names_the_product_places_its_namesakes() {
    let mut world = World::of(&[nameless("1", "01T00")]);
    world.tell(&[deployment("2", "02T00", json!({"version": "2"}))]);
    assert_eq!(world.fact("1").lane.component.as_str(), "shop/cart");
    assert_eq!(world.fact("1").placed_by, PlacedBy::OtherEvents);
    assert_eq!(world.fact("2").replaces.as_ref().map(|key| &*key.id), Some("1"));
    world.tell(&[deployment("3", "03T00", json!({"product": "till", "version": "3"}))]);
    assert_eq!(world.fact("1").placed_by, PlacedBy::Ambiguous);
    assert_eq!(world.fact("2").replaces, None);
}

#[test]
fn rules_change_what_is_production() {
    let mut world = World::of(&[deployment("1", "01T00", json!({"environment": "blue"}))]);
    assert!(!world.fact("1").production);
    let mut rules = Catalogue::default();
    rules.rules.production.push("blue".into());
    world.engine.change_catalogue(&mut world.ledger, &rules).unwrap();
    assert!(world.fact("1").production && world.fact("1").counted);
}

#[test]
fn a_component_named_like_another_ones_full_name_is_found_whoever_comes_first() {
    let deployed = |id: &str, component: &str, product: Option<&str>| {
        let mut value = deployment(id, "02T10", json!({"component": component}));
        match product {
            Some(product) => value["product"] = json!(product),
            None => drop(value.as_object_mut().expect("an object").remove("product")),
        }
        value
    };
    let told = [
        deployed("d1", "cart", Some("shop")),
        deployed("d2", "shop/cart", None),
        deployed("d3", "shop/cart", Some("till")),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]] {
        let mut world = World::of(&[]);
        for index in order {
            world.tell(&[told[index].clone()]);
        }
        assert_eq!(world.fact("d2").lane.component.as_str(), "till/shop/cart", "{order:?}");
    }
}

#[test]
fn a_rule_places_by_what_tools_call_things_and_says_so() {
    let mut catalogue = catalogue("shop");
    let told = [
        with(
            deployment("1", "01T00", json!({"component": "cart-deploy", "product": null, "environment": "in-cluster"})),
            json!({"marks": ["namespace:shop-eu", "cluster:a"]}),
        ),
        with(
            incident("I", "02T00", json!({"product": null, "component": "Checkout API"})),
            json!({"marks": ["pagerduty_service:Checkout API"]}),
        ),
    ];
    let mut world = World::new(&catalogue);
    world.tell(&told);
    assert_eq!(world.fact("1").placed_by, PlacedBy::Unassigned);
    catalogue.rules = serde_json::from_value(json!({"places": [
        {"marks": ["namespace:shop-*", "cluster:a"], "component": "shop/cart", "instance": "eu", "environment": "production"},
        {"mark": "pagerduty_service:Checkout*", "product": "shop"},
    ]}))
    .unwrap();
    catalogue.validate().unwrap();
    world.engine.change_catalogue(&mut world.ledger, &catalogue).unwrap();
    let fact = world.fact("1");
    assert_eq!((fact.lane.component.as_str(), &*fact.lane.instance), ("shop/cart", "eu"));
    assert_eq!((&*fact.lane.environment, fact.production), ("production", true));
    let why = "rule 1 of `rules.places`: `namespace:shop-*` and `cluster:a`";
    assert_eq!((fact.placed_by, fact.placed_why.as_deref()), (PlacedBy::Rule, Some(why)));
    let incident = world.incident("I");
    assert_eq!((incident.product.as_str(), &incident.component, incident.placed_by), ("shop", &None, PlacedBy::Rule));
    assert_eq!(world.cause("I", 0).as_deref(), Some("1"));
    catalogue.rules.places.clear();
    world.engine.change_catalogue(&mut world.ledger, &catalogue).unwrap();
    assert_eq!((world.fact("1").placed_by, &world.fact("1").placed_why), (PlacedBy::Unassigned, &None));
    assert_eq!(world.incident("I").product, "unassigned");
}
