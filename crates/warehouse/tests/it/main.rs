//! The warehouse as its users see it: facts in, answers out.

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod export;
#[cfg(test)]
mod lake;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod support;
#[cfg(test)]
mod worked_example;
