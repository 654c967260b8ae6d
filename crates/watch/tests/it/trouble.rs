//! What goes wrong with a cluster, and that nothing of it is lost.

use serde_json::json;

use crate::hub::{Fault, Hub};
use crate::keeper::{Disk, Watching};
use crate::world::{World, at, deployment};

/// Every workload's present revision is known, and how it stands.
fn is_all_known(disk: &Disk, world: &World) -> bool {
    let entities = disk.entities();
    world.at("deployments", u64::MAX).iter().all(|object| {
        let revision = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap();
        let progress = &object["status"]["conditions"][0];
        let Some(known) = entities.get(&format!("{}:{revision}", object["metadata"]["uid"].as_str().unwrap())) else {
            return false;
        };
        let ended = progress["reason"] == "NewReplicaSetAvailable";
        let finished_at = known.text("finished_at").map(|at| json!(at));
        known.text("status") == Some(if ended { "succeeded" } else { "in_progress" })
            && (!ended || finished_at.as_ref() == Some(&progress["lastUpdateTime"]))
    })
}

#[tokio::test]
async fn what_it_has_forgotten_is_listed_again() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let first = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded"]).await;
    disk.until(|disk| !disk.cursors().is_empty()).await;
    first.stop().await;
    // Meanwhile more happened than it keeps.
    hub.change(|world| {
        world.roll("a", "r.example/app:2.0", 5);
        world.put("deployments", deployment("b"));
        world.oldest = world.version();
    });
    let second = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded", "a:2 succeeded", "b:1 succeeded"]).await;
    // And once more, told within a watch.
    let watched = hub.asked("watch=true");
    hub.fault([Fault::GoneEvent]);
    hub.cut();
    disk.until(|_| hub.asked("watch=true") > watched + 1).await;
    hub.change(|world| world.roll("b", "r.example/app:2.0", 7));
    disk.until(|disk| disk.known().contains(&"b:2 succeeded".to_owned())).await;
    second.stop().await;
    assert_eq!(hub.asked("limit="), 3);
    // Nothing was delivered twice.
    assert_eq!(disk.known().len(), 4);
}

#[tokio::test]
async fn what_breaks_off_is_tried_again() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| {
        for name in ["a", "b", "c"] {
            world.put("deployments", deployment(name));
        }
    });
    hub.fault([Fault::Status(500), Fault::Cut, Fault::Status(429), Fault::Page, Fault::Status(503)]);
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded", "b:1 succeeded", "c:1 succeeded"]).await;
    let reasons = disk.reasons().join("\n");
    for why in ["answered 500: it broke", "answered 429", "does not answer", "with no list"] {
        assert!(reasons.contains(why), "{reasons}");
    }
    hub.fault([Fault::CutLine, Fault::Status(500), Fault::CutLine]);
    hub.cut();
    hub.change(|world| world.roll("a", "r.example/app:2.0", 5));
    disk.until(|disk| disk.known().contains(&"a:2 succeeded".to_owned())).await;
    watching.stop().await;
    assert!(!disk.reasons().join("\n").contains("sesame"));
}

#[tokio::test]
async fn what_is_refused_says_what_to_do_and_holds_up_nothing_else() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    *hub.refused.lock().unwrap() = vec![("rollouts", 404), ("daemonsets", 403), ("statefulsets", 401)];
    let mut cluster = hub.cluster("eu");
    cluster.kinds = Vec::new();
    let watching = Watching::start(&disk, &[cluster]);
    disk.until_known(&["a:1 succeeded"]).await;
    disk.until(|disk| {
        let reasons = disk.reasons();
        [
            "Rollout: the cluster has no `rollouts` of `argoproj.io` (404)",
            "DaemonSet: not allowed (403): bind a role that may `get`, `list` and `watch` `daemonsets` of `apps`",
            "StatefulSet: the API server does not know who asks (401): check the token or certificate of the kubeconfig",
        ]
        .iter()
        .all(|why| reasons.iter().any(|reason| reason == why))
    })
    .await;
    // When it is mended it goes on by itself.
    hub.refused.lock().unwrap().clear();
    disk.until(|disk| disk.cursors().len() == 4).await;
    watching.stop().await;
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_read_says_so_until_it_can() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let good = hub.cluster("eu");
    let path = good.kubeconfig.clone().unwrap();
    let content = std::fs::read(&path).unwrap();
    std::fs::write(&path, "sesame: [").unwrap();
    let watching = Watching::start(&disk, &[good]);
    disk.until(|disk| !disk.reasons().is_empty()).await;
    let why = disk.reasons().remove(0);
    assert!(why.starts_with("Deployment: cluster `eu`: the kubeconfig /") && why.contains("cannot be read"), "{why}");
    std::fs::write(&path, content).unwrap();
    disk.until_known(&["a:1 succeeded"]).await;
    watching.stop().await;
}

/// A small generator of numbers, so that a run that fails can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test]
async fn whatever_goes_wrong_it_ends_with_what_the_cluster_has() {
    for seed in 1..=12 {
        let (hub, disk, mut dice) = (Hub::start().await, Disk::new(), Dice(seed * 0x9E37_79B9));
        let names = ["a", "b", "c", "d", "e"];
        hub.change(|world| names.iter().for_each(|name| world.put("deployments", deployment(name))));
        let mut watching = Watching::start(&disk, &[hub.cluster("eu")]);
        for minute in 1..30 {
            let name = names[dice.roll(5) as usize];
            match dice.roll(10) {
                0 => hub.fault([Fault::Status(500), Fault::Cut]),
                1 => hub.fault([Fault::CutLine]),
                2 => hub.fault([Fault::Page, Fault::GoneEvent]),
                3 => hub.cut(),
                4 => hub.change(|world| world.oldest = world.version()),
                5 => hub.change(|world| world.bookmark("deployments")),
                6 => {
                    watching.stop().await;
                    watching = Watching::start(&disk, &[hub.cluster("eu")]);
                }
                7 => hub.change(|world| {
                    world.apply(name, &format!("r.example/app:{minute}"), "info");
                    world.begin(name, &at(minute, 0));
                }),
                _ => hub.change(|world| world.roll(name, &format!("r.example/app:{minute}"), minute)),
            }
            if dice.roll(3) == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(dice.roll(8))).await;
            }
        }
        disk.until(|disk| is_all_known(disk, &hub.world.lock().unwrap())).await;
        watching.stop().await;
    }
}
