//! The warehouse as its users see it: facts in, answers out.

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod export;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod lake;
mod parts;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod service_levels;
#[cfg(test)]
mod support;
#[cfg(test)]
mod worked_example;
