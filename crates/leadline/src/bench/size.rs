//! How big the generated group is, and how its deployments spread over products and components.

use clap::ValueEnum;

use crate::random::Random;

/// A size of the generated group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Size {
    /// 1,000 deployments, for tests
    Tiny,
    /// 20,000 deployments of 20 products
    Small,
    /// 100,000 deployments of 100 products
    #[value(name = "100k")]
    HundredThousand,
    /// 1,000,000 deployments of 300 products
    #[value(name = "1m")]
    Million,
    /// 10,000,000 deployments of 1,000 products
    #[value(name = "10m")]
    TenMillion,
}

impl Size {
    /// Products and deployments; there are five components a product, a commit is brought by every second deployment or
    /// so, and one deployment in ten has an incident.
    pub(crate) const fn numbers(self) -> (usize, u64) {
        match self {
            Size::Tiny => (6, 1_000),
            Size::Small => (20, 20_000),
            Size::HundredThousand => (100, 100_000),
            Size::Million => (300, 1_000_000),
            Size::TenMillion => (1_000, 10_000_000),
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Size::Tiny => "tiny",
            Size::Small => "small",
            Size::HundredThousand => "100k",
            Size::Million => "1m",
            Size::TenMillion => "10m",
        }
    }
}

/// A product and what it is to have.
#[derive(Clone, Debug)]
pub(crate) struct ProductPlan {
    pub(crate) name: String,
    pub(crate) components: Vec<ComponentPlan>,
    /// Names of the places it is rolled out to.
    pub(crate) instances: Vec<String>,
    /// Incidents a deployment.
    pub(crate) trouble: f64,
}

/// A component and how often it is deployed.
#[derive(Clone, Debug)]
pub(crate) struct ComponentPlan {
    pub(crate) name: String,
    pub(crate) deployments: u64,
}

/// Components of a product on average.
const COMPONENTS: u64 = 5;
/// Incidents a deployment on average.
const TROUBLE: f64 = 0.1;

/// Every product in the order of their names. Deployments follow Zipf's law as Mandelbrot has it, `1 / (rank + 10)`: the
/// busiest of a thousand products has one deployment in fifty, and half of all are in the busiest tenth.
pub(crate) fn plan(size: Size, seed: u64) -> Vec<ProductPlan> {
    let (products, deployments) = size.numbers();
    let mut random = Random::new(seed, "plan");
    let mut shares = zipf(products, 10.0);
    shuffle(&mut shares, &mut random);
    let parts = components(products, &mut random);
    let products = shares.into_iter().zip(parts).enumerate();
    products
        .map(|(index, (share, components))| {
            let name = format!("product-{index:04}");
            let own = deployments as f64 * share;
            let mut shares = zipf(components, 1.0);
            shuffle(&mut shares, &mut random);
            let components = shares.into_iter().enumerate().map(|(index, share)| ComponentPlan {
                name: format!("{name}-c{index:02}"),
                deployments: (own * share).round() as u64,
            });
            ProductPlan {
                components: components.collect(),
                instances: (0..instances(&mut random)).map(|index| format!("unit-{index}")).collect(),
                trouble: TROUBLE * random.between(0.3, 1.7),
                name,
            }
        })
        .collect()
}

/// Shares that fall with the rank and add up to one.
fn zipf(count: usize, shift: f64) -> Vec<f64> {
    let weights: Vec<f64> = (0..count).map(|rank| 1.0 / (rank as f64 + 1.0 + shift)).collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}

/// How many components each product has: from one to twelve, five times as many as products together.
fn components(products: usize, random: &mut Random) -> Vec<usize> {
    let mut parts: Vec<usize> = vec![1; products];
    let mut left = products as u64 * (COMPONENTS - 1);
    while left > 0 {
        let index = (random.next() % products as u64) as usize;
        if parts[index] < 12 {
            parts[index] += 1;
            left -= 1;
        }
    }
    parts
}

/// Most products run in one or a few places, some for six business units.
fn instances(random: &mut Random) -> u32 {
    match random.whole(0, 19) {
        0..=13 => 1,
        14..=16 => 2,
        17..=18 => 3,
        _ => 6,
    }
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for index in (1..items.len()).rev() {
        items.swap(index, (random.next() % (index as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_size_is_what_is_promised() {
        let plan = plan(Size::TenMillion, 1);
        let components: Vec<&ComponentPlan> = plan.iter().flat_map(|product| &product.components).collect();
        assert_eq!((plan.len(), components.len()), (1_000, 5_000));
        let deployments: u64 = components.iter().map(|component| component.deployments).sum();
        assert!(deployments.abs_diff(10_000_000) < 5_000, "{deployments}");
        assert!(plan.is_sorted_by(|a, b| a.name < b.name));
        let of = |product: &ProductPlan| product.components.iter().map(|component| component.deployments).sum::<u64>();
        let greatest = plan.iter().map(of).max().unwrap_or_default();
        assert!((150_000..300_000).contains(&greatest), "{greatest}");
    }
}
