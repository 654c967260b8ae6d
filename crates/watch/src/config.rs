//! Which clusters are watched, and what of them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sources::kubernetes::{KINDS, Kind, check_names};

/// The clusters, as `[[clusters]]` of the configuration has them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Each by itself: one that does not answer holds up no other.
    #[serde(default)]
    pub clusters: Vec<Cluster>,
}

/// One cluster. Without `kubeconfig` and `context` it is the one this program runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name, in instances (`NAME/NAMESPACE`), marks and cursors.
    pub name: String,
    /// The source its deployments belong to, `kubernetes` when left out.
    #[serde(default = "kubernetes")]
    pub source: String,
    /// A kubeconfig; the one of `KUBECONFIG`, or of the home folder, where only a context is given.
    pub kubeconfig: Option<PathBuf>,
    /// A context of it; the current one when left out.
    pub context: Option<String>,
    /// Only these namespaces; all of them when empty.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Only workloads with these labels: `team=shop,tier!=test`.
    #[serde(default)]
    pub labels: String,
    /// Only these kinds; Deployment, StatefulSet, DaemonSet and Rollout when empty.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Names of annotations of one's own: `environment=acme.io/stage,version=release`.
    #[serde(default)]
    pub names: String,
}

fn kubernetes() -> String {
    "kubernetes".to_owned()
}

impl Config {
    /// What is wrong with it, before anything is asked.
    ///
    /// # Errors
    /// The first thing to mend.
    pub fn check(&self) -> Result<(), String> {
        for (index, cluster) in self.clusters.iter().enumerate() {
            let name = &cluster.name;
            if name.trim().is_empty() || name.contains('/') {
                return Err(format!("clusters: a cluster needs a `name` without a slash, not `{name}`"));
            }
            if self.clusters[..index].iter().any(|other| other.name == *name) {
                return Err(format!("clusters: two are called `{name}`"));
            }
            cluster.kinds().map_err(|why| format!("clusters: `{name}`: {why}"))?;
            check_names(&cluster.names).map_err(|why| format!("clusters: `{name}`: `names`: {why}"))?;
        }
        Ok(())
    }
}

impl Cluster {
    /// The kinds to watch.
    pub(crate) fn kinds(&self) -> Result<Vec<&'static Kind>, String> {
        if self.kinds.is_empty() {
            return Ok(KINDS.iter().collect());
        }
        let find = |name: &String| {
            KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                format!("`{name}` is no kind that is watched; there are {}", known.join(", "))
            })
        };
        self.kinds.iter().map(find).collect()
    }

    /// Namespaces to watch one by one; none means all at once.
    pub(crate) fn scopes(&self) -> Vec<Option<&str>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        self.namespaces.iter().map(|namespace| Some(namespace.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(name: &str) -> Cluster {
        Cluster { name: name.to_owned(), ..Cluster::default() }
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_asked() {
        let check = |clusters: Vec<Cluster>| Config { clusters }.check();
        assert_eq!(check(vec![cluster("eu"), cluster("us")]), Ok(()));
        assert_eq!(check(vec![cluster("eu"), cluster("eu")]).unwrap_err(), "clusters: two are called `eu`");
        assert!(check(vec![cluster("")]).is_err() && check(vec![cluster("a/b")]).is_err());
        let pods = Cluster { kinds: vec!["Pod".to_owned()], ..cluster("eu") };
        assert_eq!(
            check(vec![pods]).unwrap_err(),
            "clusters: `eu`: `Pod` is no kind that is watched; there are Deployment, StatefulSet, DaemonSet, Rollout"
        );
        assert!(check(vec![Cluster { names: "x".to_owned(), ..cluster("eu") }]).is_err());
    }

    #[test]
    fn kinds_are_found_in_any_case() {
        let rollouts = Cluster { kinds: vec!["rollout".to_owned()], ..cluster("eu") };
        assert_eq!(rollouts.kinds().unwrap()[0].plural, "rollouts");
        assert_eq!(cluster("eu").kinds().unwrap().len(), 4);
    }
}
