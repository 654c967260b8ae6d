//! What a message is: the delivery it stands for, or why it can never be one.

use async_nats::HeaderMap;
use domain::{Code, Problem, Timestamp};
use sources::{Delivery, Route, Source, delivery_id};

use crate::keeper::{Received, Refused};
use crate::settings::{Rule, Settings};
use crate::subject;

/// What is made of a message.
pub(crate) enum Reading {
    Received(Received),
    Refused(Refused),
}

/// A source by the name that a subject has for it.
pub(crate) type Find = fn(&str) -> Option<&'static Source>;

/// A message as it came.
pub(crate) struct Raw<'a> {
    pub(crate) subject: &'a str,
    pub(crate) headers: Option<&'a HeaderMap>,
    pub(crate) body: &'a [u8],
    pub(crate) received_at: Timestamp,
}

pub(crate) fn read(settings: &Settings, find: Find, raw: &Raw<'_>) -> Reading {
    let place = place(settings, find, raw.subject);
    let refused = |source: String, problem: Problem| {
        let (subject, body, received_at) = (raw.subject.to_owned(), raw.body.to_vec(), raw.received_at);
        Reading::Refused(Refused { source, subject, body, problem, received_at })
    };
    let (source, route, name) = match place {
        Ok(place) => place,
        Err(problem) => return refused(settings.source.clone(), problem),
    };
    let headers = kept_headers(route, raw.headers);
    let delivery =
        Delivery { source: &name, event: route.event, headers: &headers, body: raw.body, received_at: raw.received_at };
    let wrong = match (source.parse)(&delivery) {
        Err(problem) => Some(problem),
        // Where one event of several can be taken, the journal keeps the others with their reasons.
        Ok(parsed) if !parsed.events.is_empty() && parsed.events.iter().all(Result::is_err) => {
            parsed.events.into_iter().find_map(Result::err)
        }
        Ok(_) => None,
    };
    if let Some(problem) = wrong {
        return refused(name, problem);
    }
    Reading::Received(Received {
        delivery_id: delivery_id(source, route.event, &headers, raw.body),
        source: name,
        parser: source.name,
        event: route.event,
        headers,
        body: raw.body.to_vec(),
        received_at: raw.received_at,
    })
}

/// Whose message it is by its subject.
fn place(settings: &Settings, find: Find, subject: &str) -> Result<(&'static Source, &'static Route, String), Problem> {
    let known = |kind: &str, name: String| {
        let source = find(kind).ok_or_else(|| {
            let message = format!("the subject `{subject}` is of `{kind}`, and no source has this name");
            Problem::new(Code::NotFound, message)
        })?;
        let webhook = source.routes.iter().find(|route| route.path.starts_with("/webhooks/"));
        let route = webhook.or(source.routes.first());
        let route = route.ok_or_else(|| Problem::new(Code::NotFound, format!("`{kind}` is sent nowhere")))?;
        Ok((source, route, name))
    };
    if let Some(Rule { kind, name, .. }) = settings.subjects.iter().find(|rule| subject::fits(&rule.subject, subject)) {
        let own = if kind == "native" { settings.source.clone() } else { kind.clone() };
        return known(kind, name.clone().unwrap_or(own));
    }
    let ours = subject.strip_prefix(&settings.prefix).and_then(|rest| rest.strip_prefix('.'));
    let mut words = ours.into_iter().flat_map(|rest| rest.split('.'));
    match (words.next(), words.next()) {
        (Some("events"), _) => known("native", settings.source.clone()),
        (Some("webhooks"), Some(name)) => known(name, name.to_owned()),
        _ => Err(Problem::new(
            Code::NotFound,
            format!("nothing says what the subject `{subject}` carries: add it to `subjects`, or set `filter`"),
        )),
    }
}

/// Headers the parser reads, in lower case; of several by one name the first.
fn kept_headers(route: &Route, all: Option<&HeaderMap>) -> Vec<(String, String)> {
    let wanted = route.headers.iter().chain(&route.id_header);
    let found = wanted.filter_map(|wanted| {
        let (_, values) = all?.iter().find(|(name, _)| name.to_string().eq_ignore_ascii_case(wanted))?;
        Some(((*wanted).to_owned(), values.first()?.as_str().to_owned()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let rule = |subject: &str, kind: &str, name: Option<&str>| Rule {
            subject: subject.to_owned(),
            kind: kind.to_owned(),
            name: name.map(str::to_owned),
        };
        let subjects = vec![
            rule("ci.*.pushed", "github", None),
            rule("leadline.events.eu", "native", Some("eu")),
            rule("odd", "unheard", None),
        ];
        Settings { stream: "S".to_owned(), subjects, ..Settings::default() }
    }

    fn placed(subject: &str) -> String {
        match place(&settings(), sources::find, subject) {
            Ok((source, route, name)) => format!("{} {} {name}", source.name, route.event),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn subjects_say_what_they_carry() {
        for (subject, place) in [
            ("leadline.events", "native events nats"),
            ("leadline.events.shop.cart", "native events nats"),
            ("leadline.events.eu", "native events eu"),
            ("leadline.webhooks.github", "github webhook github"),
            ("leadline.webhooks.github.acme", "github webhook github"),
            ("leadline.webhooks.cdevents", "cdevents webhook cdevents"),
            ("ci.acme.pushed", "github webhook github"),
            ("odd", "the subject `odd` is of `unheard`, and no source has this name (not_found)"),
            (
                "leadline.webhooks.unheard",
                "the subject `leadline.webhooks.unheard` is of `unheard`, and no source has this name (not_found)",
            ),
            (
                "leadlines.events",
                "nothing says what the subject `leadlines.events` carries: add it to `subjects`, or set `filter` (not_found)",
            ),
        ] {
            assert_eq!(placed(subject), place);
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_others_are_left_out() {
        let mut headers = HeaderMap::new();
        headers.insert("X-GitHub-Event", "push");
        headers.append("X-GitHub-Event", "issues");
        headers.insert("X-GitHub-Delivery", "7f0c");
        headers.insert("Authorization", "secret");
        let route = &sources::find("github").unwrap().routes[0];
        let kept = kept_headers(route, Some(&headers));
        let kept: Vec<_> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(kept, [("x-github-event", "push"), ("x-github-delivery", "7f0c")]);
    }
}
