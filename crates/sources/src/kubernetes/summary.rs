//! What many things in one delivery tell together.

use domain::Problem;
use domain::event::Event;

use crate::Parsed;

/// What one thing tells.
pub(crate) enum Read {
    /// A deployment.
    Event(Box<Event>),
    /// Nothing about delivery, and why.
    Nothing(String),
}

impl Read {
    pub(crate) fn nothing(why: impl Into<String>) -> Self {
        Read::Nothing(why.into())
    }
}

/// What all of them tell, in order.
#[derive(Default)]
pub(crate) struct Summary {
    events: Vec<Result<Event, Problem>>,
    /// Each reason once, with how often it was given.
    reasons: Vec<(String, usize)>,
}

impl Summary {
    /// So many reasons are spelled out.
    const REASONS: usize = 5;

    pub(crate) fn add(&mut self, read: Result<Read, Problem>) {
        match read {
            Ok(Read::Event(event)) => self.events.push(Ok(*event)),
            Err(problem) => self.events.push(Err(problem)),
            Ok(Read::Nothing(why)) => match self.reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, times)) => *times += 1,
                None => self.reasons.push((why, 1)),
            },
        }
    }

    /// A delivery of one thing is wrong as a whole when that is.
    pub(crate) fn parsed(mut self) -> Result<Parsed, Problem> {
        if self.events.len() == 1
            && self.reasons.is_empty()
            && let Some(Err(problem)) = self.events.pop_if(|event| event.is_err())
        {
            return Err(problem);
        }
        if !self.events.is_empty() {
            return Ok(Parsed { events: self.events, ignored: None });
        }
        let more = self.reasons.len().saturating_sub(Self::REASONS);
        let mut told: Vec<String> = self.reasons.into_iter().take(Self::REASONS).map(tell).collect();
        if more > 0 {
            told.push(format!("{more} more reasons"));
        }
        Ok(Parsed::ignored(told.join("; ")))
    }
}

fn tell((why, times): (String, usize)) -> String {
    if times == 1 { why } else { format!("{why} ({times} times)") }
}
