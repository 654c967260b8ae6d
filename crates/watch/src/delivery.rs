//! From an object that was seen to a delivery, when there is anything new to tell.

use domain::Timestamp;
use serde_json::{Map, Value};
use sources::kubernetes::{self as names, Kind, standing, stripped};
use sources::poll::{Halt, Page};

use crate::memory::Memory;
use crate::{Cluster, Keeper};

/// What every object of one kind in one cluster is handled with.
pub(crate) struct Deliveries<'a, K> {
    pub(crate) keeper: &'a K,
    pub(crate) cluster: &'a Cluster,
    pub(crate) kind: &'static Kind,
}

impl<K: Keeper> Deliveries<'_, K> {
    /// Delivers an object unless nothing of it is new; `first` at the first look ever at its cluster. Says whether it was
    /// delivered.
    pub(crate) async fn saw(&self, object: Map<String, Value>, first: bool) -> Result<bool, Halt> {
        let mut object = stripped(object);
        // Items of a list do not say what they are.
        for (field, value) in [("kind", self.kind.name.to_owned()), ("apiVersion", self.api_version())] {
            object.entry(field).or_insert_with(|| Value::from(value));
        }
        let Some(standing) = standing(&object) else { return Ok(false) };
        let key = key(&standing.uid);
        let known = self.keeper.recall(self.cluster, &key).await?;
        // What cannot be read any more is as good as nothing: the object is delivered once more.
        let mut memory: Memory = known.and_then(|known| serde_json::from_str(&known).ok()).unwrap_or_default();
        // What the delivery is made of is remembered before it, so that after a crash it is made the same again.
        if memory.look(&standing, self.keeper.now(), first) {
            self.remember(&key, &memory).await?;
        }
        if !memory.is_new(&standing) {
            return Ok(false);
        }
        self.keeper.keep(self.cluster, self.page(&object, &memory, standing.ended)).await?;
        memory.told = Some(standing.digest);
        self.remember(&key, &memory).await?;
        Ok(true)
    }

    /// Forgets an object that was deleted: its uid comes no more.
    pub(crate) async fn deleted(&self, object: &Map<String, Value>) -> Result<(), Halt> {
        let uid = object.get("metadata").and_then(|metadata| metadata.get("uid")).and_then(Value::as_str);
        match uid {
            Some(uid) => self.keeper.remember(self.cluster, &key(uid), None).await,
            None => Ok(()),
        }
    }

    fn page(&self, object: &Map<String, Value>, memory: &Memory, ended: bool) -> Page {
        let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let before = memory.before.as_ref().and_then(|images| serde_json::to_string(images).ok());
        let turn = (memory.turn() > 1).then(|| memory.turn().to_string());
        let own = Some(self.cluster.names.clone()).filter(|names| !names.is_empty());
        let told = [
            (names::SEEN_AT, instant(memory.ended_at.filter(|_| ended))),
            (names::SINCE, instant(memory.since)),
            (names::FOUND, memory.found.then(|| "1".to_owned())),
            (names::IMAGES_BEFORE, before),
            (names::TURN, turn),
            (names::NAMES, own),
        ];
        Page {
            resource: self.kind.plural,
            repository: self.cluster.name.clone(),
            context: told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            body: Value::Object(object.clone()).to_string().into_bytes(),
        }
    }

    async fn remember(&self, key: &str, memory: &Memory) -> Result<(), Halt> {
        let text = serde_json::to_string(memory)
            .map_err(|error| Halt::Failed(format!("what is known of a workload cannot be written: {error}")))?;
        self.keeper.remember(self.cluster, key, Some(&text)).await
    }

    fn api_version(&self) -> String {
        format!("{}/{}", self.kind.group, self.kind.version)
    }
}

fn key(uid: &str) -> String {
    format!("workload/{uid}")
}
