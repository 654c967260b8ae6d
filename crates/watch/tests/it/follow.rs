//! What is told of a cluster that behaves.

use serde_json::json;

use crate::hub::Hub;
use crate::keeper::{Disk, Watching};
use crate::world::{at, deployment, stateful_set};

#[tokio::test]
async fn everything_there_is_listed_page_by_page_and_then_followed() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| {
        for name in ["a", "b", "c", "d", "e"] {
            world.put("deployments", deployment(name));
        }
    });
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded", "b:1 succeeded", "c:1 succeeded", "d:1 succeeded", "e:1 succeeded"]).await;
    assert_eq!(hub.asked("continue="), 2);

    hub.change(|world| {
        world.apply("a", "r.example/app:2.0", "info");
        world.begin("a", &at(5, 0));
    });
    disk.until(|disk| disk.known().contains(&"a:2 in_progress".to_owned())).await;
    hub.change(|world| {
        world.step("a", &at(5, 10));
        world.complete("a", &at(5, 20));
    });
    disk.until(|disk| disk.known().contains(&"a:2 succeeded".to_owned())).await;
    let second = disk.entities().remove("uid-a:2").unwrap();
    assert_eq!(second.text("finished_at"), Some("2025-02-03T10:05:20Z"));
    // Its controller's clock, since ours is two hours ahead here.
    assert_eq!(second.text("started_at"), Some("2025-02-03T10:05:00Z"));
    assert_eq!((second.text("instance"), second.text("version")), (Some("eu/shop"), Some("2.0")));
    assert_eq!(second.text("change_kind"), None);
    watching.stop().await;
    for (_, page, _) in disk.journal.lock().unwrap().iter() {
        let text = String::from_utf8(page.body.clone()).unwrap();
        assert!(!text.contains("managedFields") && !text.contains("\"value\":\"info\""), "{text}");
    }
}

#[tokio::test]
async fn only_what_is_new_is_delivered() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded"]).await;
    hub.change(|world| {
        // Somebody scales, pods come and go; then there is a rollout of two steps.
        world.change("deployments", "a", |object| object["spec"]["replicas"] = json!(9));
        world.change("deployments", "a", |object| object["status"]["availableReplicas"] = json!(1));
        world.apply("a", "r.example/app:2.0", "info");
        world.begin("a", &at(5, 0));
        world.step("a", &at(5, 10));
        world.step("a", &at(5, 12));
        world.complete("a", &at(5, 20));
        world.change("deployments", "a", |object| object["status"]["availableReplicas"] = json!(1));
        world.bookmark("deployments");
    });
    let last = hub.change(|world| world.version().to_string());
    disk.until(|disk| disk.cursors() == [last.clone()]).await;
    watching.stop().await;
    // Of the rollout: that it began, and that it ended.
    let statuses: Vec<_> = disk.events().iter().map(|event| event.fields["status"].clone()).collect();
    assert_eq!(statuses, ["succeeded", "in_progress", "succeeded"]);
}

#[tokio::test]
async fn a_change_of_configuration_is_told_from_code() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded"]).await;
    hub.change(|world| {
        world.apply("a", "r.example/app:1.0", "debug");
        world.begin("a", &at(5, 0));
        world.complete("a", &at(5, 20));
        world.roll("a", "r.example/app:2.0", 10);
    });
    disk.until_known(&["a:1 succeeded", "a:2 succeeded", "a:3 succeeded"]).await;
    watching.stop().await;
    let entities = disk.entities();
    let kind = |id: &str| entities[id].text("change_kind");
    assert_eq!([kind("uid-a:1"), kind("uid-a:2"), kind("uid-a:3")], [None, Some("config"), None]);
    let hash = |id: &str| entities[id].text("config_hash").unwrap();
    assert_ne!(hash("uid-a:1"), hash("uid-a:2"));
    assert_eq!(hash("uid-a:1"), hash("uid-a:3"));
}

#[tokio::test]
async fn a_stateful_set_ends_when_it_was_seen_and_may_go_back() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("statefulsets", stateful_set("db", "r1", true)));
    let mut cluster = hub.cluster("eu");
    cluster.kinds = vec!["StatefulSet".to_owned()];
    let watching = Watching::start(&disk, &[cluster.clone()]);
    disk.until(|disk| !disk.cursors().is_empty()).await;
    // It was over before anybody looked, and does not tell when.
    assert!(disk.known().is_empty());
    for (revision, known) in [("r2", 1), ("r1", 2)] {
        hub.change(|world| world.put("statefulsets", stateful_set("db", revision, false)));
        disk.until(|disk| disk.known().len() == known).await;
        hub.change(|world| world.put("statefulsets", stateful_set("db", revision, true)));
        disk.until(|disk| disk.known().iter().all(|known| known.ends_with("succeeded"))).await;
    }
    assert_eq!(disk.known(), ["db:r1~2 succeeded", "db:r2 succeeded"]);
    let ends = |disk: &Disk| {
        let ends = disk.entities().into_values().map(|entity| entity.text("finished_at").unwrap().to_owned());
        ends.collect::<Vec<_>>()
    };
    let before = ends(&disk);
    // Somebody writes something on it, and it is listed again: its end stays where it was.
    hub.change(|world| {
        world.change("statefulsets", "db", |object| object["metadata"]["annotations"] = json!({"info/team": "data"}));
    });
    disk.until(|disk| disk.entities()["uid-db:r1~2"].text("team") == Some("data")).await;
    watching.stop().await;
    assert_eq!(ends(&disk), before);
}

#[tokio::test]
async fn it_goes_on_from_where_it_was() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let first = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded"]).await;
    disk.until(|disk| !disk.cursors().is_empty()).await;
    first.stop().await;
    let asked = hub.asked("limit=");
    hub.change(|world| {
        world.roll("a", "r.example/app:2.0", 5);
        world.roll("a", "r.example/app:3.0", 6);
    });
    let second = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded", "a:2 succeeded", "a:3 succeeded"]).await;
    second.stop().await;
    assert_eq!(hub.asked("limit="), asked, "nothing is listed again");
}

#[tokio::test]
async fn a_bookmark_moves_the_cursor() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until_known(&["a:1 succeeded"]).await;
    hub.change(|world| world.bookmark("deployments"));
    let last = hub.change(|world| world.version().to_string());
    disk.until(|disk| disk.cursors() == [last.clone()]).await;
    watching.stop().await;
    assert_eq!(hub.asked("allowWatchBookmarks=true"), hub.asked("watch=true"));
}

#[tokio::test]
async fn what_is_deleted_is_forgotten_and_what_it_was_stays() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    let remembered = |disk: &Disk| disk.keys.lock().unwrap().keys().any(|key| key.ends_with("workload/uid-a"));
    disk.until(remembered).await;
    hub.change(|world| world.delete("deployments", "a"));
    disk.until(|disk| !remembered(disk)).await;
    watching.stop().await;
    assert_eq!(disk.known(), ["a:1 succeeded"]);
}

#[tokio::test]
async fn namespaces_and_labels_are_asked_for() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| {
        world.put("deployments", deployment("a"));
        let mut other = deployment("b");
        other["metadata"]["namespace"] = json!("other");
        world.put("deployments", other);
    });
    let mut cluster = hub.cluster("eu");
    cluster.namespaces = vec!["shop".to_owned(), "empty".to_owned()];
    cluster.labels = "team=shop,tier!=test".to_owned();
    cluster.names = "team=info/environment".to_owned();
    let watching = Watching::start(&disk, &[cluster]);
    disk.until_known(&["a:1 succeeded"]).await;
    disk.until(|_| hub.asked("watch=true") >= 2).await;
    watching.stop().await;
    assert_eq!(hub.asked("/namespaces/"), hub.asked(""));
    assert_eq!(hub.asked("labelSelector=team%3Dshop%2Ctier%21%3Dtest"), hub.asked(""));
    assert_eq!(disk.entities()["uid-a:1"].text("team"), Some("prod"));
}

#[tokio::test]
async fn clusters_go_their_own_ways() {
    let (one, other, disk) = (Hub::start().await, Hub::start().await, Disk::new());
    for (hub, name) in [(&one, "a"), (&other, "b")] {
        hub.change(|world| world.put("deployments", deployment(name)));
    }
    *other.refused.lock().unwrap() = vec![("deployments", 503)];
    let watching = Watching::start(&disk, &[one.cluster("eu"), other.cluster("us")]);
    disk.until_known(&["a:1 succeeded"]).await;
    other.refused.lock().unwrap().clear();
    disk.until_known(&["a:1 succeeded", "b:1 succeeded"]).await;
    watching.stop().await;
    let instance = |id: &str| disk.entities()[id].text("instance").unwrap().to_owned();
    assert_eq!([instance("uid-a:1"), instance("uid-b:1")], ["eu/shop", "us/shop"]);
}

#[tokio::test]
async fn it_stops_when_it_is_told_whatever_it_waits_for() {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| world.put("deployments", deployment("a")));
    // In a quiet watch.
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until(|_| hub.asked("watch=true") == 1).await;
    watching.stop().await;
    // While nothing answers.
    *hub.refused.lock().unwrap() = vec![("deployments", 500)];
    let watching = Watching::start(&disk, &[hub.cluster("eu")]);
    disk.until(|disk| !disk.reasons().is_empty()).await;
    watching.stop().await;
}
