//! Every shared payload of Argo CD against the meaning its manifest proposes.

use serde_json::Value;

use super::read;
use crate::gitlab::shared::{manifest, same};
use crate::support::shared;
use crate::told::events;

#[test]
fn every_shared_application_has_the_deployments_proposed() {
    for (file, proposed) in manifest("argocd/application") {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let all = events([read(&std::fs::read_to_string(path).unwrap())]);
        let wanted = proposed["history"].as_array().unwrap();
        assert_eq!(all.len(), wanted.len(), "{file}");
        for (event, wanted) in all.iter().zip(wanted) {
            // The manifest calls the revision a sha; the code's it is only where its repository has it.
            for (native, name) in
                [("id", "id"), ("revision", "sha"), ("started_at", "t_started"), ("finished_at", "t_finished")]
            {
                assert!(same(event, native, &wanted[name]), "{file}: {native} of {:?}", event.fields);
            }
            assert_eq!(event.fields["component"], proposed["service"], "{file}");
            let namespace = format!("namespace:{}", proposed["env_hint"].as_str().unwrap());
            assert!(event.fields["marks"].as_array().unwrap().contains(&Value::from(namespace)), "{file}");
        }
        let last = all.last().unwrap();
        assert_eq!(
            (&last.fields["images"], &last.fields["health"]),
            (&proposed["images"], &"healthy".into()),
            "{file}"
        );
    }
}
