//! A client for a cluster.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::Cluster;

/// A client, by the cluster's kubeconfig or, without one, from within it.
pub(crate) async fn client(cluster: &Cluster) -> Result<Client, String> {
    // The program has more than one kind of cryptography in it, and rustls does not choose. Another choice stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = settings(cluster).await?;
    // Here is who waits and tries again: with jitter, as long as it takes, and so that it can be seen.
    config.default_retry = false;
    Client::try_from(config).map_err(|error| format!("no client for the cluster `{}`: {error}", cluster.name))
}

async fn settings(cluster: &Cluster) -> Result<Config, String> {
    let of = |error: &dyn std::fmt::Display, what: &str| format!("cluster `{}`: {what}: {error}", cluster.name);
    if cluster.kubeconfig.is_none() && cluster.context.is_none() {
        return Config::incluster().map_err(|error| {
            of(&error, "it has no kubeconfig and no context, and this program does not run in a cluster")
        });
    }
    let read = match &cluster.kubeconfig {
        Some(path) => Kubeconfig::read_from(path)
            .map_err(|error| of(&error, &format!("the kubeconfig {} cannot be read", path.display())))?,
        None => Kubeconfig::read().map_err(|error| of(&error, "there is no kubeconfig that can be read"))?,
    };
    let options = KubeConfigOptions { context: cluster.context.clone(), cluster: None, user: None };
    let told = Config::from_custom_kubeconfig(read, &options).await;
    told.map_err(|error| of(&error, "its kubeconfig cannot be used"))
}
