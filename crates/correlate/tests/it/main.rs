//! The rules against printed examples, hand-made histories and a slow, obvious reference.

mod any_order;
mod commits;
mod incidents;
mod kinds;
mod parts;
mod places;
mod reference;
mod runs;
mod support;
mod worked_example;
