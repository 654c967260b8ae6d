//! A crash at any step: the cursor is never ahead of the journal, and what is delivered again is the same.

use crate::hub::Hub;
use crate::keeper::{Disk, Watching};
use crate::world::{World, at, deployment};

/// A morning of one cluster.
fn morning(world: &mut World) {
    world.apply("a", "r.example/app:1.0", "debug");
    world.begin("a", &at(5, 0));
    world.complete("a", &at(5, 20));
    world.roll("b", "r.example/app:2.0", 6);
    world.roll("a", "r.example/app:2.0", 7);
    world.bookmark("deployments");
}

/// What is known at its end when nobody crashed but once, after so many steps; and whether anybody did.
async fn told(steps: usize) -> (Vec<String>, bool) {
    let (hub, disk) = (Hub::start().await, Disk::new());
    hub.change(|world| {
        world.put("deployments", deployment("a"));
        world.put("deployments", deployment("b"));
    });
    // The morning begins when everything is listed, so that it is watched and not found.
    let watching = Watching::start_for(&disk, &[hub.cluster("eu")], steps);
    let over = |disk: &Disk| disk.reasons().iter().any(|why| why.contains("the disk is full"));
    disk.until(|disk| over(disk) || !disk.cursors().is_empty()).await;
    if over(&disk) {
        watching.ended().await;
        let again = Watching::start(&disk, &[hub.cluster("eu")]);
        disk.until(|disk| !disk.cursors().is_empty()).await;
        let last = hub.change(|world| {
            morning(world);
            world.version().to_string()
        });
        disk.until(|disk| disk.cursors() == [last.clone()]).await;
        again.stop().await;
        return (summary(&disk), true);
    }
    let last = hub.change(|world| {
        morning(world);
        world.version().to_string()
    });
    disk.until(|disk| over(disk) || disk.cursors() == [last.clone()]).await;
    let crashed = over(&disk);
    if crashed {
        watching.ended().await;
        let again = Watching::start(&disk, &[hub.cluster("eu")]);
        disk.until(|disk| disk.cursors() == [last.clone()]).await;
        again.stop().await;
    } else {
        watching.stop().await;
    }
    (summary(&disk), crashed)
}

/// Every delivery, and what is known of each deployment but for our own clock.
fn summary(disk: &Disk) -> Vec<String> {
    let entities = disk.entities().into_iter();
    let known = entities.map(|(id, entity)| {
        let mut values = entity.values();
        values.remove("started_at");
        format!("{id} {}", serde_json::Value::Object(values))
    });
    let deliveries = disk.journal.lock().unwrap().len();
    known.chain([format!("{deliveries} deliveries")]).collect()
}

#[tokio::test]
async fn a_crash_at_any_step_loses_nothing_and_tells_nothing_twice() {
    let (whole, crashed) = told(usize::MAX).await;
    assert!(!crashed);
    assert_eq!(whole.last().map(String::as_str), Some("8 deliveries"), "{whole:?}");
    let mut steps = 0;
    loop {
        let (known, crashed) = told(steps).await;
        assert_eq!(known, whole, "after {steps} steps");
        if !crashed {
            break;
        }
        steps += 1;
    }
    // Every delivery alone is more than two steps.
    assert!(steps > 20, "{steps}");
}
