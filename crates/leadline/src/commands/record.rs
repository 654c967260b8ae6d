//! `leadline record`: deployments and incidents that no tool reports.

use std::process::ExitCode;

use domain::Timestamp;
use domain::catalogue::UNASSIGNED;
use domain::event::{Checks, Event, EventKind, parse};
use serde_json::{Map, Value, json};

use super::{one_line, told};
use crate::cli::{DeploymentArgs, IncidentArgs, RecordCommand, RecordedArgs, TextFormat};
use crate::client::{Client, ClientError, encoded};
use crate::failure::Failure;
use crate::report::pretty;
use crate::send::{Sender, Taken};
use crate::session::Session;
use crate::{clock, dates, out};

/// Runs the command.
pub(crate) fn run(command: &RecordCommand) -> Result<ExitCode, Failure> {
    let now = clock::now();
    match command {
        RecordCommand::Deployment(args) => {
            let event = finished(deployment(args, now)?, &args.recorded, now)?;
            let session = Session::open(&args.recorded.target)?;
            record(session, &event, args.recorded.format)
        }
        RecordCommand::Incident(args) => {
            let fields = incident(args, now)?;
            // What is wrong with the command line is told before anything is opened.
            if args.recorded.id.is_none() {
                finished(opened(fields.clone(), None, now), &args.recorded, now)?;
            }
            let session = Session::open(&args.recorded.target)?;
            let known = match &args.recorded.id {
                Some(id) => known(session.client(), &args.recorded.source, id)?,
                None => None,
            };
            let event = finished(opened(fields, known.as_ref(), now), &args.recorded, now)?;
            record(session, &event, args.recorded.format)
        }
    }
}

type Fields = Map<String, Value>;

/// Fields from flags: those left out are left out.
fn fields(kind: EventKind, texts: &[(&str, Option<&String>)], recorded: &RecordedArgs) -> Result<Fields, Failure> {
    let mut fields = Fields::new();
    fields.insert("type".to_owned(), kind.text().into());
    fields.insert("source".to_owned(), recorded.source.as_str().into());
    let own = [
        ("product", recorded.product.as_ref()),
        ("instance", recorded.instance.as_ref()),
        ("version", recorded.version.as_ref()),
        ("url", recorded.link.as_ref()),
    ];
    let given = texts.iter().chain(&own).filter_map(|(name, text)| Some((*name, (*text)?)));
    fields.extend(given.map(|(name, text)| (name.to_owned(), text.as_str().into())));
    let mut labels = Fields::new();
    for label in &recorded.labels {
        let (key, value) = label
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Failure::Use(format!("--label takes KEY=VALUE, not `{label}`")))?;
        labels.insert(key.to_owned(), value.into());
    }
    if !labels.is_empty() {
        fields.insert("labels".to_owned(), labels.into());
    }
    if let Some(mark) = recorded.marks.iter().find(|mark| domain::event::mark(mark).is_none()) {
        return Err(Failure::Use(format!("--mark takes KIND:NAME, such as namespace:shop, not `{mark}`")));
    }
    if !recorded.marks.is_empty() {
        fields.insert("marks".to_owned(), recorded.marks.clone().into());
    }
    Ok(fields)
}

fn times(fields: &mut Fields, times: &[(&str, Option<&String>)], now: Timestamp) -> Result<(), Failure> {
    for (name, text) in times {
        let Some(text) = text else { continue };
        let flag = name.replace('_', "-");
        let at = dates::instant(text, now).map_err(|why| Failure::Use(format!("--{flag}: {why}")))?;
        fields.insert((*name).to_owned(), at.to_string().into());
    }
    Ok(())
}

fn deployment(args: &DeploymentArgs, now: Timestamp) -> Result<Fields, Failure> {
    let texts = [
        ("component", Some(&args.component)),
        ("environment", Some(&args.environment)),
        ("status", Some(&args.status)),
        ("sha", args.sha.as_ref()),
        ("repo", args.repo.as_ref()),
        ("change_kind", args.change_kind.as_ref()),
        ("trigger", Some(&args.trigger)),
        ("actor", args.actor.as_ref()),
        ("status_reason", args.reason.as_ref()),
    ];
    let mut fields = fields(EventKind::Deployment, &texts, &args.recorded)?;
    let ended = [
        ("started_at", args.started_at.as_ref()),
        ("finished_at", args.finished_at.as_ref()),
        ("commit_at", args.commit_at.as_ref()),
    ];
    times(&mut fields, &ended, now)?;
    if args.status != "in_progress" && !fields.contains_key("finished_at") {
        fields.insert("finished_at".to_owned(), now.to_string().into());
    }
    if !args.fixes.is_empty() {
        fields.insert("fixes".to_owned(), args.fixes.clone().into());
    }
    Ok(fields)
}

fn incident(args: &IncidentArgs, now: Timestamp) -> Result<Fields, Failure> {
    let texts = [
        ("component", args.component.as_ref()),
        ("title", args.title.as_ref()),
        ("severity", args.severity.as_ref()),
        ("environment", args.environment.as_ref()),
        ("deployment_id", args.deployment_id.as_ref()),
        ("root_cause", args.root_cause.as_ref()),
        ("postmortem_url", args.postmortem.as_ref()),
    ];
    let mut fields = fields(EventKind::Incident, &texts, &args.recorded)?;
    let told = [
        ("opened_at", args.opened_at.as_ref()),
        ("started_at", args.started_at.as_ref()),
        ("detected_at", args.detected_at.as_ref()),
        ("acknowledged_at", args.acknowledged_at.as_ref()),
        ("mitigated_at", args.mitigated_at.as_ref()),
        ("resolved_at", args.resolved_at.as_ref()),
    ];
    times(&mut fields, &told, now)?;
    Ok(fields)
}

/// Of an incident that was recorded before, what every event of one has to say again; else it is opened now.
fn opened(mut fields: Fields, known: Option<&Value>, now: Timestamp) -> Fields {
    let word = |name: &str| known.and_then(|known| known.get(name)?.as_str()).map(str::to_owned);
    if !fields.contains_key("product") && !fields.contains_key("component") {
        let product = word("product").filter(|product| product != UNASSIGNED);
        let component = word("component").map(|full| match full.strip_prefix(&format!("{UNASSIGNED}/")) {
            Some(name) => name.to_owned(),
            None => full,
        });
        let place = [("product", product.filter(|_| component.is_none())), ("component", component)];
        fields.extend(place.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    }
    if !fields.contains_key("opened_at") {
        fields.insert("opened_at".to_owned(), word("opened_at").unwrap_or_else(|| now.to_string()).into());
    }
    fields
}

/// The incident with this id, when there is one.
fn known(client: &Client, source: &str, id: &str) -> Result<Option<Value>, Failure> {
    match client.get(&format!("/api/v1/incidents/{}", encoded(&format!("{source}/{id}"))), &[]) {
        Ok(found) => Ok(Some(found.get("incident").cloned().unwrap_or(found))),
        Err(ClientError::Refused(refusal)) if refusal.code == "not_found" => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Checked, with an id: the one given, and then it is news of what was recorded under it; else one made of the content.
fn finished(mut fields: Fields, recorded: &RecordedArgs, now: Timestamp) -> Result<Event, Failure> {
    let checks = Checks { default_source: &recorded.source, now };
    let checked =
        |fields: Fields| parse(Value::Object(fields), checks).map_err(|problem| Failure::Use(problem.to_string()));
    match &recorded.id {
        Some(id) => {
            fields.insert("id".to_owned(), id.as_str().into());
            fields.insert("updated_at".to_owned(), now.to_string().into());
        }
        None => {
            fields.insert("id".to_owned(), "new".into());
            let hash = checked(fields.clone())?.content_hash();
            let id: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            fields.insert("id".to_owned(), id.into());
        }
    }
    checked(fields)
}

fn record(session: Session, event: &Event, form: TextFormat) -> Result<ExitCode, Failure> {
    let mut sender = Sender::new(session.client().clone(), |_| ());
    sender.event(event)?;
    let taken = sender.finish()?;
    session.close()?;
    match form {
        TextFormat::Json => out::line(&pretty(&as_json(event, &taken))?)?,
        TextFormat::Text if taken.rejected == 0 => out::answer(&as_text(event, &taken))?,
        TextFormat::Text => {}
    }
    Ok(told(&taken))
}

fn as_json(event: &Event, taken: &Taken) -> Value {
    let known = taken.duplicates > 0;
    json!({"type": event.key.kind.text(), "source": &*event.key.source, "id": &*event.key.id,
        "recorded": taken.rejected == 0, "known_already": known, "fields": event.fields})
}

fn as_text(event: &Event, taken: &Taken) -> String {
    let known = if taken.duplicates > 0 { "known already" } else { "recorded" };
    let mut text = format!("{known}: {} {} of source {}\n", event.key.kind, event.key.id, event.key.source);
    for (name, value) in event.fields.iter().filter(|(name, _)| *name != "id") {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        text.push_str(&format!("  {:<16} {}\n", name.replace('_', " "), one_line(&value)));
    }
    if event.key.kind == EventKind::Incident && !event.fields.contains_key("resolved_at") {
        text.push_str(&format!("when it is over: leadline record incident --id {} --resolved-at now\n", event.key.id));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    const NOW: &str = "2025-06-01T12:00:00Z";

    fn event(args: &[&str]) -> Result<Event, Failure> {
        let now = Timestamp::parse(NOW).unwrap();
        let cli = Cli::try_parse_from(["leadline", "record"].iter().chain(args)).unwrap();
        match cli.command {
            Command::Record(RecordCommand::Deployment(args)) => finished(deployment(&args, now)?, &args.recorded, now),
            Command::Record(RecordCommand::Incident(args)) => {
                finished(opened(incident(&args, now)?, None, now), &args.recorded, now)
            }
            _ => panic!("another command"),
        }
    }

    fn text<'e>(event: &'e Event, name: &str) -> &'e str {
        event.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    #[test]
    fn what_is_left_out_has_defaults_and_the_id_follows_from_the_content() {
        let first = event(&["deployment", "--component", "cart"]).unwrap();
        assert_eq!(
            ["status", "environment", "finished_at", "trigger"].map(|name| text(&first, name)),
            ["succeeded", "production", "2025-06-01T12:00:00Z", "manual"]
        );
        assert_eq!((&*first.key.source, first.key.id.len()), ("manual", 12));
        assert_eq!(event(&["deployment", "--component", "cart"]).unwrap(), first);
        assert_ne!(event(&["deployment", "--component", "pay"]).unwrap().key, first.key);
        let running = event(&["deployment", "--component", "cart", "--status", "in_progress", "--id", "7"]).unwrap();
        assert_eq!((text(&running, "finished_at"), text(&running, "updated_at")), ("", "2025-06-01T12:00:00Z"));
    }

    #[test]
    fn an_incident_known_before_keeps_its_beginning_and_its_place() {
        let now = Timestamp::parse(NOW).unwrap();
        let told = |known: Value| opened(Fields::new(), Some(&known), now);
        let fields = told(json!({"product": "shop", "component": null, "opened_at": "2025-05-01T00:00:00Z"}));
        assert_eq!(Value::Object(fields), json!({"product": "shop", "opened_at": "2025-05-01T00:00:00Z"}));
        let fields = told(json!({"product": "unassigned", "component": "unassigned/x", "opened_at": NOW}));
        assert_eq!(Value::Object(fields), json!({"component": "x", "opened_at": NOW}));
    }

    #[test]
    fn wrong_use_is_told() {
        for (args, said) in [
            (&["incident"][..], "component"),
            (&["deployment", "--component", "c", "--label", "x"], "KEY=VALUE"),
            (&["deployment", "--component", "c", "--mark", "x"], "KIND:NAME"),
            (&["incident", "--product", "p", "--resolved-at", "soon"], "--resolved-at"),
            (
                &["deployment", "--component", "c", "--started-at", "2025-05-01", "--finished-at", "2025-04-01"],
                "finished_at",
            ),
        ] {
            let failure = event(args).unwrap_err().to_string();
            assert!(failure.contains(said), "{args:?}: {failure}");
        }
    }
}
