//! A pipeline run as it is read: its stages, however they were told, and the deployment it is by rule.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema::{STAGE_END_PREFIX, STAGE_PREFIX};
use super::view::{DEFAULT_INSTANCE, list, own};
use super::{Deployment, Entity, Stage, Status, Trigger};
use crate::rules::{Rules, WorkflowRule};
use crate::{DeploymentKey, EntityKey, Timestamp, version};

/// A pipeline run as its sources tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineRun {
    /// Identity.
    pub key: EntityKey,
    /// Name of the pipeline.
    pub name: Option<String>,
    /// Repository.
    pub repo: Option<String>,
    /// Branch or tag it ran for.
    pub branch: Option<String>,
    /// Commit it ran for.
    pub sha: Option<String>,
    /// Component as named by the source.
    pub component: Option<String>,
    /// Product as named by the source.
    pub product: Option<String>,
    /// What the tool calls it, see [`Entity::marks`].
    pub marks: Vec<String>,
    /// How it went; a run that was skipped is cancelled.
    pub status: Status,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while in progress.
    pub finished_at: Option<Timestamp>,
    /// Who started it.
    pub trigger: Trigger,
    /// Its stages by beginning and name, those without a beginning last.
    pub stages: Vec<Stage>,
    /// Where to look at it.
    pub url: Option<String>,
}

impl PipelineRun {
    /// Reads a merged entity; none when it was never a whole run.
    #[must_use]
    pub fn read(key: &EntityKey, entity: &Entity) -> Option<Self> {
        let status = match entity.text("status")? {
            "skipped" => Status::Cancelled,
            word => Status::read(Some(word)),
        };
        Some(PipelineRun {
            key: key.clone(),
            name: own(entity, "name"),
            repo: own(entity, "repo"),
            branch: own(entity, "branch"),
            sha: own(entity, "sha"),
            component: own(entity, "component"),
            product: own(entity, "product"),
            marks: entity.marks(),
            status,
            started_at: entity.instant("started_at")?,
            finished_at: entity.instant("finished_at").filter(|_| status != Status::InProgress),
            trigger: Trigger::read(entity.text("trigger")),
            stages: stages(entity),
            url: own(entity, "url"),
        })
    }

    /// What it says, its stages in one list, each with what it is for.
    #[must_use]
    pub fn values(entity: &Entity, rules: &Rules) -> Map<String, Value> {
        let mut values = entity.values();
        let of_one = |name: &str| name.starts_with(STAGE_PREFIX) || name.starts_with(STAGE_END_PREFIX);
        values.retain(|name, _| !of_one(name) && name != "stages");
        let told = stages(entity).into_iter().filter_map(|stage| {
            let mut value = serde_json::to_value(&stage).ok()?;
            value["kind"] = rules.stage(&stage.name).text().into();
            Some(value)
        });
        let told: Vec<Value> = told.collect();
        if !told.is_empty() {
            values.insert("stages".to_owned(), Value::from(told));
        }
        values
    }

    /// The deployment this run is by a rule; none without a component or an end it should have.
    #[must_use]
    pub fn deployment(&self, rule: &WorkflowRule) -> Option<Deployment> {
        if self.status != Status::InProgress && self.finished_at.is_none() {
            return None;
        }
        let tag = self.branch.clone().filter(|name| version::is_semver(name));
        Some(Deployment {
            key: DeploymentKey { source: self.key.source.clone(), id: self.key.id.clone() },
            component: self.component.clone().or_else(|| self.repo.clone())?,
            product: self.product.clone(),
            instance: DEFAULT_INSTANCE.to_owned(),
            environment: rule.environment.clone(),
            status: self.status,
            started_at: Some(self.started_at),
            finished_at: self.finished_at,
            sha: self.sha.clone(),
            revision: None,
            config_sha: None,
            config_hash: None,
            repo: self.repo.clone(),
            branch: self.branch.clone().filter(|_| tag.is_none()),
            version: tag,
            images: Vec::new(),
            marks: self.marks.clone(),
            change_kind: None,
            trigger: self.trigger,
            commit_at: None,
            commits: Vec::new(),
            fixes: Vec::new(),
            replaces: None,
            health: None,
            status_assumed: false,
            environment_assumed: false,
            assumed: Some("pipeline_run".to_owned()),
            url: self.url.clone(),
            labels: Map::new(),
        })
    }
}

/// Those told in one list and those told one by one.
fn stages(entity: &Entity) -> Vec<Stage> {
    let mut stages: Vec<Stage> = list(entity, "stages");
    let mut alone: BTreeMap<String, Value> = BTreeMap::new();
    // `stage.` stands before `stage_end.` in the order of fields, so ends are laid over what began.
    for (name, value) in entity.values() {
        let id = [STAGE_PREFIX, STAGE_END_PREFIX].iter().find_map(|prefix| name.strip_prefix(prefix));
        match (id, alone.get_mut(id.unwrap_or_default())) {
            (Some(_), Some(Value::Object(begun))) => begun.extend(value.as_object().cloned().unwrap_or_default()),
            (Some(id), _) => {
                alone.insert(id.to_owned(), value);
            }
            (None, _) => {}
        }
    }
    stages.extend(alone.into_values().filter_map(|value| serde_json::from_value(value).ok()));
    stages.sort_by(|a: &Stage, b: &Stage| {
        let place = |stage: &Stage| (stage.started_at.is_none(), stage.started_at, stage.finished_at);
        place(a).cmp(&place(b)).then_with(|| a.name.cmp(&b.name))
    });
    stages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::{Checks, Event, parse};

    fn event(value: Value) -> Event {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let mut fields =
            json!({"type": "pipeline_run", "id": "7-1", "started_at": "2025-01-01T10:00:00Z", "repo": "acme/cart"});
        for (name, value) in value.as_object().unwrap() {
            fields[name] = value.clone();
        }
        parse(fields, Checks { default_source: "ci", now }).unwrap()
    }

    fn stage(job: u8, state: u8) -> Event {
        let mut stage = json!({"name": format!("job {job}"), "status": "in_progress", "started_at": format!("2025-01-01T10:0{job}:00+00:00")});
        if state == 1 {
            stage["status"] = json!("succeeded");
            stage["finished_at"] = json!(format!("2025-01-01T10:0{job}:30Z"));
        }
        let updated = format!("2025-01-01T10:0{job}:{}Z", if state == 1 { "30" } else { "00" });
        event(json!({"status": "in_progress", "updated_at": updated, (format!("stage.{job}")): stage}))
    }

    proptest! {
        #[test]
        fn stages_told_one_by_one_come_in_any_order(order in Just((0u8..6).collect::<Vec<_>>()).prop_shuffle()) {
            let mut entity = Entity::default();
            for index in order {
                entity.merge(&stage(index / 2, index % 2));
            }
            let values = PipelineRun::values(&entity, &Rules::default());
            prop_assert!(values.keys().all(|name| !name.starts_with("stage.")));
            let told: Vec<String> = stages(&entity).iter().map(|stage| format!("{} {:?}", stage.name, stage.status)).collect();
            prop_assert_eq!(told, ["job 0 Some(\"succeeded\")", "job 1 Some(\"succeeded\")", "job 2 Some(\"succeeded\")"]);
            prop_assert_eq!(values["stages"].as_array().unwrap().len(), 3);
        }
    }

    #[test]
    fn beginning_and_end_of_a_stage_may_be_told_apart() {
        let began = json!({"name": "unit", "status": "in_progress", "started_at": "2025-01-01T10:00:00Z"});
        let ended = json!({"name": "unit", "status": "failed", "finished_at": "2025-01-01T10:02:00Z"});
        let mut events = [
            event(json!({"status": "in_progress", "updated_at": "2025-01-01T10:00:00Z", "stage.a": began})),
            event(json!({"status": "in_progress", "updated_at": "2025-01-01T10:02:00Z", "stage_end.a": ended})),
        ];
        for _ in 0..2 {
            let mut entity = Entity::default();
            events.iter().for_each(|event| _ = entity.merge(event));
            let values = PipelineRun::values(&entity, &Rules::default());
            assert!(values.keys().all(|name| !name.starts_with("stage_end")));
            let stage = &values["stages"][0];
            let told = ["name", "status", "started_at", "finished_at"].map(|name| stage[name].as_str().unwrap());
            assert_eq!(told, ["unit", "failed", "2025-01-01T10:00:00Z", "2025-01-01T10:02:00Z"]);
            assert_eq!(values["stages"].as_array().unwrap().len(), 1);
            events.reverse();
        }
    }

    #[test]
    fn a_stage_is_checked() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let wrong = json!({"type": "pipeline_run", "id": 7, "status": "succeeded", "started_at": "2025-01-01T10:00:00Z", "stage.1": {"started_at": "yesterday"}});
        let problem = parse(wrong, Checks { default_source: "ci", now }).unwrap_err();
        assert_eq!(problem.code, crate::Code::MissingField);
    }

    #[test]
    fn a_run_is_a_deployment_where_the_rule_says_to() {
        let rule = WorkflowRule { environment: "production".to_owned(), ..WorkflowRule::default() };
        let mut entity = Entity::default();
        let key = event(json!({"status": "in_progress"})).key;
        entity.merge(&event(json!({"status": "succeeded", "finished_at": "2025-01-01T10:05:00Z", "branch": "v1.2.0"})));
        let deployment = PipelineRun::read(&key, &entity).unwrap().deployment(&rule).unwrap();
        assert_eq!((&*deployment.component, deployment.version.as_deref()), ("acme/cart", Some("v1.2.0")));
        assert_eq!((deployment.branch, deployment.status), (None, Status::Succeeded));
    }
}
