//! The step of a shared library in `deploy/jenkins`, and the Jenkinsfile that needs none.

use std::path::Path;

use super::{Server, path, run, text};

/// What a build of Jenkins with the Git plugin has in its environment.
fn environment<'a>(address: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("LEADLINE_URL", address),
        ("LEADLINE_TOKEN", "s3cret"),
        ("JOB_NAME", "shop/cart/main"),
        ("BUILD_NUMBER", "17"),
        ("BUILD_URL", "https://ci.example.com/job/shop/17/"),
        ("GIT_COMMIT", "1f2e3d4c5b6a79880123456789abcdef01234567"),
        ("GIT_URL", "git@git.example.com:acme/cart.git"),
        ("GIT_BRANCH", "origin/main"),
    ];
    all.extend(more);
    all
}

/// The step as it runs: the library's script beside the one it calls.
fn step(folder: &Path, environment: &[(&str, &str)]) {
    std::fs::write(folder.join(".leadline.sh"), text("jenkins/resources/leadline.sh")).unwrap();
    let said = run(folder, &[path("jenkins/resources/leadline-jenkins.sh").to_str().unwrap()], environment);
    assert!(said.ok && said.errors.is_empty(), "{}", said.errors);
}

#[test]
fn the_step_tells_what_the_build_knows() {
    let (server, folder) = (Server::start(&[202]), tempfile::tempdir().unwrap());
    let more = [
        ("LEADLINE_RESULT", "SUCCESS"),
        ("LEADLINE_STARTED_MS", "1735725600123"),
        ("LEADLINE_FIELDS", "component=cart\nenvironment=production\nversion=1.2.3"),
    ];
    step(folder.path(), &environment(&server.address, &more));
    let event = server.only();
    let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    fields.retain(|field| !field.starts_with("finished_at"));
    fields.sort();
    insta::assert_snapshot!(format!("{}\n{}", event.key, fields.join("\n")), @r#"
    deployment ci/shop/cart/main#17
    branch: "main"
    component: "cart"
    environment: "production"
    id: "shop/cart/main#17"
    labels: {"job":"shop/cart/main"}
    repo: "acme/cart"
    sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    started_at: "2025-01-01T10:00:00Z"
    status: "succeeded"
    url: "https://ci.example.com/job/shop/17/"
    version: "1.2.3"
    "#);
}

#[test]
fn every_result_has_its_status() {
    for (result, status) in
        [("UNSTABLE", "succeeded"), ("FAILURE", "failed"), ("ABORTED", "cancelled"), ("NOT_BUILT", "cancelled")]
    {
        let (server, folder) = (Server::start(&[202]), tempfile::tempdir().unwrap());
        let more = [
            ("LEADLINE_RESULT", result),
            ("LEADLINE_FIELDS", "environment=eu"),
            ("GIT_URL", "https://git.example.com/acme/cart"),
            ("BRANCH_NAME", "main"),
        ];
        step(folder.path(), &environment(&server.address, &more));
        let event = server.only();
        assert_eq!((&event.fields["status"], &event.fields["component"]), (&status.into(), &"acme/cart".into()));
        assert_eq!(event.fields["branch"], "main");
    }
}

#[test]
fn a_build_does_not_fail_because_of_it() {
    let (server, folder) = (Server::start(&[422]), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join(".leadline.sh"), text("jenkins/resources/leadline.sh")).unwrap();
    let script = path("jenkins/resources/leadline-jenkins.sh");
    let said = run(folder.path(), &[script.to_str().unwrap()], &environment(&server.address, &[]));
    assert!(said.ok && said.errors.contains("not taken"), "{}", said.errors);
}

#[test]
fn the_groovy_of_the_step_sets_what_its_script_reads() {
    let (groovy, script) = (text("jenkins/vars/leadline.groovy"), text("jenkins/resources/leadline-jenkins.sh"));
    let set: Vec<&str> = groovy.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('=').next()).collect();
    assert_eq!(set, ["LEADLINE_RESULT", "LEADLINE_STARTED_MS", "LEADLINE_FIELDS"]);
    assert!(set.iter().all(|name| script.contains(&format!("${{{name}:-}}"))));
    assert!(groovy.contains("variable: 'LEADLINE_TOKEN'") && groovy.contains("writeFile file: '.leadline.sh'"));
    for resource in groovy.split("libraryResource('").skip(1) {
        assert!(path("jenkins/resources").join(resource.split('\'').next().unwrap()).exists(), "{resource}");
    }
    assert_eq!(text("jenkins/resources/leadline.sh"), text("curl/leadline.sh"));
}

#[test]
fn the_jenkinsfile_needs_no_library() {
    let file = text("jenkins/Jenkinsfile");
    let block = file.split("script: '''").nth(1).and_then(|rest| rest.split("'''").next()).unwrap();
    // As Groovy reads a text between three quotes.
    let block = block.replace("\\\\", "\\");
    for (result, status) in [("SUCCESS", "succeeded"), ("FAILURE", "failed"), ("ABORTED", "cancelled")] {
        let (server, folder) = (Server::start(&[202]), tempfile::tempdir().unwrap());
        let more = [("RESULT", result), ("COMPONENT", "cart"), ("ENVIRONMENT", "production")];
        let said = run(folder.path(), &["-ec", &block], &environment(&server.address, &more));
        assert!(said.ok, "{}", said.errors);
        let event = server.only();
        assert_eq!(event.key.to_string(), "deployment ci/shop/cart/main#17");
        assert_eq!(event.fields["status"], status);
    }
    let (server, folder) = (Server::start(&[422]), tempfile::tempdir().unwrap());
    let said = run(
        folder.path(),
        &["-ec", &block],
        &environment(&server.address, &[("RESULT", "SUCCESS"), ("COMPONENT", "cart"), ("ENVIRONMENT", "")]),
    );
    assert!(said.ok, "a build does not fail because of it");
}
