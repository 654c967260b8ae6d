//! The sample group: who is in it, how they work, and by which routes they tell of it.

use domain::catalogue::{Catalogue, Component, Domain, Instance, Labels, Platform, Product, Slo, Team};
use domain::rules::WorkflowRule;

use super::service_levels::{AVAILABILITY, OBJECTIVE};

/// How a domain works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Many small changes, several times a day.
    Elite,
    /// Every day or two.
    Good,
    /// Every week.
    Steady,
    /// Every month, in trains.
    Slow,
    /// From months to days within the year.
    Improving,
    /// Many redeployments of tiny versions: a frequency that looks better than it is.
    Gaming,
    /// Works well and tells badly.
    BadData,
}

/// How a component tells of its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    /// Native events.
    Native,
    /// GitHub's webhooks.
    GitHub,
    /// GitHub's webhooks without deployments: a rule says which workflow deploys.
    Workflow,
    /// `/webhook/commit` and `/deployments`, as a CI job prints it.
    CiJob,
    /// `/events/deployment` and `/events/incident`, as a service prints it.
    Service,
    /// `/webhook/commit` and `/webhook/deploy`, as Argo CD notifies it.
    Argo,
}

struct DomainSpec {
    platform: &'static str,
    name: &'static str,
    style: Style,
    products: &'static [(&'static str, &'static [&'static str])],
}

const fn domain(
    platform: &'static str,
    name: &'static str,
    style: Style,
    products: &'static [(&'static str, &'static [&'static str])],
) -> DomainSpec {
    DomainSpec { platform, name, style, products }
}

const DOMAINS: &[DomainSpec] = &[
    domain(
        "commerce",
        "online-shop",
        Style::Elite,
        &[
            ("storefront", &["storefront-web", "storefront-api"]),
            ("search", &["search-api", "search-indexer"]),
            ("cart", &["cart-api"]),
            ("recommendations", &["recommendations-api", "recommendations-trainer"]),
        ],
    ),
    domain(
        "commerce",
        "payments",
        Style::Good,
        &[
            ("checkout", &["checkout-web", "checkout-api"]),
            ("payment-gateway", &["card-payments", "bank-transfers", "fraud-check"]),
            ("invoicing", &["invoices", "dunning"]),
            ("gift-cards", &["gift-cards-api"]),
        ],
    ),
    domain(
        "commerce",
        "stores",
        Style::Good,
        &[
            ("till", &["till-app", "till-sync"]),
            ("store-stock", &["store-stock-api", "shelf-labels"]),
            ("click-and-collect", &["collect-api", "collect-app"]),
            ("store-staff", &["rota", "rota-app"]),
        ],
    ),
    domain(
        "supply",
        "warehousing",
        Style::Improving,
        &[
            ("picking", &["picking-api", "picking-terminal", "picking-planner"]),
            ("receiving", &["receiving-api", "dock-planner"]),
            ("warehouse-stock", &["stock-ledger", "stock-count"]),
            ("robots", &["robot-control", "robot-telemetry"]),
        ],
    ),
    domain(
        "supply",
        "transport",
        Style::Steady,
        &[
            ("routing", &["route-planner", "route-api"]),
            ("fleet", &["fleet-tracker", "fleet-api"]),
            ("carriers", &["carrier-gateway", "label-printer", "carrier-rates"]),
            ("returns", &["returns-api", "returns-portal"]),
        ],
    ),
    domain(
        "supply",
        "purchasing",
        Style::Slow,
        &[
            ("suppliers", &["supplier-portal", "supplier-api"]),
            ("orders", &["order-engine", "order-archive"]),
            ("contracts", &["contracts-web", "contracts-search"]),
            ("forecasting", &["forecast-model", "forecast-api"]),
        ],
    ),
    domain(
        "customers",
        "loyalty",
        Style::Gaming,
        &[
            ("points", &["points-api", "points-batch"]),
            ("offers", &["offers-api", "offers-web"]),
            ("members", &["members-api", "members-app"]),
            ("surveys", &["surveys-web"]),
        ],
    ),
    domain(
        "customers",
        "care",
        Style::Good,
        &[
            ("helpdesk", &["helpdesk-api", "helpdesk-web"]),
            ("knowledge", &["knowledge-web", "knowledge-search"]),
            ("chat", &["chat-api", "chat-bot"]),
            ("callbacks", &["callback-scheduler"]),
        ],
    ),
    domain(
        "customers",
        "travel",
        Style::Steady,
        &[
            (
                "booking",
                &[MONOLITH, "booking-search", "booking-pricing", "booking-seats", "booking-payment", "booking-mail"],
            ),
            ("itineraries", &["itinerary-api", "itinerary-web"]),
            ("partners", &["partner-gateway", "partner-feeds"]),
            ("vouchers", &["voucher-api"]),
        ],
    ),
    domain(
        "foundation",
        "shared-services",
        Style::BadData,
        &[
            ("identity", &["login", "directory", "consent"]),
            ("data-lake", &["lake-ingest", "lake-catalogue", "lake-exports"]),
            ("reporting", &["report-builder", "report-scheduler"]),
            ("observability", &["telemetry-collector", "alert-router"]),
        ],
    ),
];

const MONOLITH: &str = "booking-monolith";
const BUSINESS_UNITS: &[&str] = &["fr", "de", "es", "it", "uk", "pl"];
const REGIONS: &[&str] = &["eu-west", "us-east"];
const NOWHERE: &[&str] = &["default"];

/// A component and how it lives.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) product: &'static str,
    pub(super) name: &'static str,
    pub(super) repo: String,
    pub(super) style: Style,
    pub(super) feed: Feed,
    pub(super) instances: &'static [&'static str],
    /// The part of the year in which it is worked on.
    pub(super) life: (f64, f64),
    /// Whether the great sales stop its changes.
    pub(super) frozen_in_sales: bool,
}

/// Every component of the group.
pub(super) fn members() -> Vec<Member> {
    let mut members = Vec::new();
    for domain in DOMAINS {
        for (product, components) in domain.products {
            for name in *components {
                members.push(member(domain, product, name));
            }
        }
    }
    members
}

fn member(domain: &DomainSpec, product: &'static str, name: &'static str) -> Member {
    // Half-way through the year the monolith is taken apart.
    let (style, life) = match (product, name) {
        ("booking", MONOLITH) => (Style::Slow, (0.0, 0.62)),
        ("booking", _) => (Style::Good, (0.5, 1.0)),
        ("observability", _) => (Style::Good, (0.0, 1.0)),
        _ => (domain.style, (0.0, 1.0)),
    };
    let feed = match product {
        "invoicing" => Feed::CiJob,
        "helpdesk" => Feed::Service,
        "observability" => Feed::Argo,
        "returns" => Feed::Workflow,
        // Where the data is bad, and in the oldest part of the house, events are written by hand.
        _ if matches!(domain.name, "shared-services" | "purchasing") => Feed::Native,
        _ => Feed::GitHub,
    };
    let instances = match product {
        "till" => BUSINESS_UNITS,
        "storefront" | "payment-gateway" => REGIONS,
        _ => NOWHERE,
    };
    let frozen_in_sales = domain.platform == "commerce";
    Member { product, name, repo: format!("acme/{name}"), style, feed, instances, life, frozen_in_sales }
}

/// The catalogue of the group.
pub(super) fn catalogue() -> Catalogue {
    let members = members();
    let labels = |pairs: &[(&str, &str)]| -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let component = |member: &Member| Component {
        name: member.name.to_owned(),
        // A CI job names its repository, not the component.
        aliases: if member.feed == Feed::CiJob { vec![member.repo.clone()] } else { Vec::new() },
        repo: Some(member.repo.clone()),
        labels: labels(&[("architecture", if member.name == MONOLITH { "monolith" } else { "microservice" })]),
        instances: member
            .instances
            .iter()
            .filter(|name| member.instances.len() > 1 && **name != "default")
            .map(|name| Instance {
                name: (*name).to_owned(),
                labels: if member.product == "till" {
                    labels(&[("business_unit", name)])
                } else {
                    labels(&[("region", name)])
                },
            })
            .collect(),
        ..Component::default()
    };
    let product = |domain: &DomainSpec, name: &str| Product {
        name: name.to_owned(),
        team: Some(team(domain.name, name)),
        labels: labels(&[(
            "criticality",
            if domain.style == Style::Elite || name == "till" || name == "checkout" { "high" } else { "normal" },
        )]),
        components: members.iter().filter(|member| member.product == name).map(component).collect(),
        ..Product::default()
    };
    let mut catalogue = Catalogue {
        slos: vec![Slo { name: AVAILABILITY.to_owned(), objective: OBJECTIVE, ..Slo::default() }],
        ..Catalogue::default()
    };
    catalogue.rules.workflow_deployments = vec![WorkflowRule {
        name: "Deploy".to_owned(),
        repo: "acme/returns-*".to_owned(),
        environment: "production".to_owned(),
        ..WorkflowRule::default()
    }];
    for spec in DOMAINS {
        if catalogue.platforms.last().is_none_or(|platform| platform.name != spec.platform) {
            catalogue.platforms.push(Platform { name: spec.platform.to_owned(), ..Platform::default() });
        }
        let domain = Domain {
            name: spec.name.to_owned(),
            products: spec.products.iter().map(|(name, _)| product(spec, name)).collect(),
            ..Domain::default()
        };
        if let Some(platform) = catalogue.platforms.last_mut() {
            platform.domains.push(domain);
        }
    }
    let mut teams: Vec<String> = catalogue.products().filter_map(|(_, _, product)| product.team.clone()).collect();
    teams.sort_unstable();
    teams.dedup();
    catalogue.teams = teams.into_iter().map(|name| Team { name, ..Team::default() }).collect();
    catalogue
}

/// Two teams a domain: products are shared out by the length of their names, as good a rule as any.
fn team(domain: &str, product: &str) -> String {
    format!("{domain}-{}", if product.len().is_multiple_of(2) { "north" } else { "south" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_of_realistic_size() {
        let catalogue = catalogue();
        catalogue.validate().unwrap();
        assert_eq!(catalogue.platforms.len(), 4);
        assert_eq!(catalogue.products().count(), 40);
        assert!((80..=95).contains(&catalogue.components().count()), "{}", catalogue.components().count());
        assert!(catalogue.teams.len() >= 15);
        let mut names: Vec<_> = members().iter().map(|member| member.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), members().len());
    }
}
