//! The CI component for GitLab and the action for GitHub.

use sources::find;

use super::shell::{Run, run};
use super::{block, file};
use crate::told::tell;

const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";
const TOKEN: &str = "ll_0123456789";

/// The component's script after a job, with these variables besides those every job has.
fn gitlab(more: &[(&str, &str)], fails: bool) -> Run {
    let file = file("gitlab/leadline.yml");
    let script = block(&block(&file, "after_script:"), "- |");
    let inputs = block(&file, "variables:");
    let usual = [
        ("LEADLINE_URL", "https://leadline.example"),
        ("LEADLINE_TOKEN", TOKEN),
        ("CI_JOB_ID", "796"),
        ("CI_JOB_STARTED_AT", "2025-01-03T12:00:00Z"),
        ("CI_PROJECT_PATH", "acme/shop/cart"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_COMMIT_REF_NAME", "main"),
        ("CI_COMMIT_TIMESTAMP", "2025-01-03T11:00:00+01:00"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("GITLAB_USER_LOGIN", "ada"),
        ("CI_JOB_URL", "https://gitlab.example/acme/shop/cart/-/jobs/796"),
    ];
    // GitLab puts the inputs in before it runs anything.
    let given: Vec<(String, String)> = inputs
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| {
            let value = value.replace("$[[ inputs.component ]]", "acme/shop/cart");
            (name.to_owned(), value.replace("$[[ inputs.environment ]]", "production"))
        })
        .collect();
    assert!(given.len() == 2 && given.iter().all(|(_, value)| !value.contains("$[")), "{given:?}");
    let given = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut variables: Vec<(&str, &str)> = usual.into_iter().chain(given).collect();
    variables.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    variables.extend(more);
    run("sh", &script, &variables, fails)
}

fn github(more: &[(&str, &str)]) -> Run {
    // GitHub's own options.
    let script = format!("set -eo pipefail\n{}", block(&file("github/action.yml"), "run: |"));
    let mut variables = vec![
        ("LEADLINE_URL", "https://leadline.example"),
        ("LEADLINE_TOKEN", TOKEN),
        ("LEADLINE_STATUS", "success"),
        ("LEADLINE_COMPONENT", "acme/cart"),
        ("LEADLINE_ENVIRONMENT", "production"),
        ("GITHUB_RUN_ID", "17"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_REPOSITORY", "acme/cart"),
        ("GITHUB_SHA", SHA),
        ("GITHUB_REF_NAME", "main"),
        ("GITHUB_REF_TYPE", "branch"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_ACTOR", "ada"),
        ("GITHUB_SERVER_URL", "https://github.com"),
    ];
    variables.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    variables.extend(more);
    run("bash", &script, &variables, false)
}

#[test]
fn a_job_of_gitlab_reports_its_deployment() {
    let done = gitlab(&[("CI_JOB_STATUS", "success")], false);
    insta::assert_snapshot!(tell(done.told()), @r#"
    deployment native/gitlab-job-796
      actor: "ada"
      branch: "main"
      commit_at: "2025-01-03T10:00:00Z"
      component: "acme/shop/cart"
      environment: "production"
      finished_at: "2025-01-03T12:05:00Z"
      id: "gitlab-job-796"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-03T12:00:00Z"
      status: "succeeded"
      trigger: "automated"
      url: "https://gitlab.example/acme/shop/cart/-/jobs/796"
    "#);
    let path = find("native").unwrap().routes[0].path;
    assert!(done.arguments.ends_with(&format!("https://leadline.example{path}\n")), "{}", done.arguments);
    assert_eq!(done.input, format!("header = \"Authorization: Bearer {TOKEN}\"\n"));
    assert!(!done.arguments.contains(TOKEN) && !done.said.contains(TOKEN));
}

#[test]
fn however_the_job_of_gitlab_ended() {
    for (status, native) in [("failed", "failed"), ("canceled", "cancelled")] {
        assert_eq!(gitlab(&[("CI_JOB_STATUS", status)], false).event().fields["status"], native);
    }
    let other = gitlab(&[("CI_JOB_STATUS", "running")], false);
    assert_eq!((&*other.said, &*other.arguments), ("leadline: nothing is reported of a job that is 'running'\n", ""));
    let unreported = gitlab(&[("CI_JOB_STATUS", "success")], true);
    assert_eq!(unreported.said, "leadline: the deployment was not reported\n");
}

#[test]
fn a_tag_is_a_version_and_what_a_person_starts_is_manual() {
    let tagged =
        gitlab(&[("CI_JOB_STATUS", "success"), ("CI_COMMIT_TAG", "v1.2.0"), ("CI_JOB_MANUAL", "true")], false).event();
    assert_eq!((&tagged.fields["version"], &tagged.fields["trigger"]), (&"v1.2.0".into(), &"manual".into()));
    assert!(!tagged.fields.contains_key("branch"));
    let tagged = github(&[
        ("GITHUB_REF_NAME", "v1.2.0"),
        ("GITHUB_REF_TYPE", "tag"),
        ("GITHUB_EVENT_NAME", "workflow_dispatch"),
    ])
    .event();
    assert_eq!((&tagged.fields["version"], &tagged.fields["trigger"]), (&"v1.2.0".into(), &"manual".into()));
}

#[test]
fn names_of_any_kind_are_sent_as_they_are() {
    let odd = "feature/\"quoted\" \\ $(id) `id` é";
    assert_eq!(
        gitlab(&[("CI_JOB_STATUS", "success"), ("CI_COMMIT_REF_NAME", odd)], false).event().fields["branch"],
        odd
    );
    assert_eq!(github(&[("GITHUB_REF_NAME", odd)]).event().fields["branch"], odd);
}

#[test]
fn a_job_of_github_reports_its_deployment() {
    insta::assert_snapshot!(tell(github(&[]).told()), @r#"
    deployment native/github-17-2-acme/cart-production
      actor: "ada"
      branch: "main"
      component: "acme/cart"
      environment: "production"
      finished_at: "2025-01-03T12:05:00Z"
      id: "github-17-2-acme/cart-production"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      status: "succeeded"
      trigger: "automated"
      url: "https://github.com/acme/cart/actions/runs/17"
    "#);
    for (status, native) in [("failure", "failed"), ("cancelled", "cancelled")] {
        assert_eq!(github(&[("LEADLINE_STATUS", status)]).event().fields["status"], native);
    }
}

#[test]
fn every_variable_the_action_reads_is_given_to_it() {
    let file = file("github/action.yml");
    let (script, given) = (block(&file, "run: |"), block(&file, "env:"));
    for word in script.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_') {
        assert!(!word.starts_with("LEADLINE_") || given.contains(&format!("{word}: ")), "{word}");
    }
    for line in given.lines().filter(|line| !line.is_empty()) {
        let input = line.split("inputs.").nth(1).unwrap().trim_end_matches(" }}");
        assert!(file.contains(&format!("\n  {input}:\n")), "{input}");
    }
}
