//! A tool of one's own, through a whole server: taught in ten lines, and taught better while it runs.

use serde_json::json;
use server::{Config, SourceConfig};

use crate::support::start_with;

const TOOL: &str = r#"
[[tools]]
name = "shipit-of-this-test"
program_file = "FILE"
[[sources]]
name = "ours"
kind = "shipit-of-this-test"
"#;

fn program(component: &str) -> String {
    format!(
        r#"{{type: "deployment", id: .number, component: {component}, environment: "production", status: "succeeded",
            finished_at: .ended}}"#
    )
}

#[test]
fn a_program_that_changes_is_used_from_then_on_and_a_broken_one_never() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shipit.jq");
    let config = folder.path().join("leadline.toml");
    std::fs::write(&file, program(".app")).expect("a program");
    std::fs::write(&config, TOOL.replace("FILE", &file.display().to_string())).expect("a configuration");
    let config = Config::load(Some(&config)).expect("a configuration that can be used");
    assert_eq!(
        config.sources,
        [SourceConfig { name: "ours".to_owned(), kind: "shipit-of-this-test".to_owned(), ..SourceConfig::default() }]
    );
    let server = start_with(config);
    let sent = |number: u64| {
        let body = json!({"number": number, "app": "cart", "name": "basket", "ended": "2025-01-01T10:00:00Z"});
        server.post("/webhooks/ours", &body).expect(200);
        let found = server.get("/api/v1/deployments?limit=100").expect(200);
        let rows = found["deployments"].as_array().expect("rows");
        let id = number.to_string();
        let row = rows.iter().find(|row| row["id"].as_str() == Some(&id)).expect("what was sent");
        row["component"].as_str().expect("a component").to_owned()
    };
    assert_eq!(sent(1), "unassigned/cart");
    // Broken, it changes nothing.
    std::fs::write(&file, "{type: ").expect("a program");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(sent(2), "unassigned/cart");
    std::fs::write(&file, program(".name + \"-service\"")).expect("a program");
    let changed = (3..303).any(|number| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        sent(number) == "unassigned/basket-service"
    });
    assert!(changed, "the new program is never used");
}
