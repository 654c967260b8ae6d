//! `leadline import git` of a small repository.

use std::path::Path;
use std::process::Command;

use crate::run::leadline;

fn git(folder: &Path, at: &str, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(folder)
        .envs([
            ("GIT_AUTHOR_DATE", at),
            ("GIT_COMMITTER_DATE", at),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ])
        .output()
        .expect("git runs");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn repository(folder: &Path) {
    git(folder, "", &["init", "--quiet"]);
    for (number, at) in ["2025-01-01T08:00:00Z", "2025-01-02T08:00:00Z", "2025-01-02T10:00:00Z"].into_iter().enumerate()
    {
        std::fs::write(folder.join("file"), number.to_string()).expect("a file");
        git(folder, at, &["add", "."]);
        git(folder, at, &["commit", "--quiet", "-m", "a change"]);
        match number {
            0 => git(folder, "2025-01-01T12:00:00Z", &["tag", "-a", "v1.0.0", "-m", "first"]),
            2 => git(folder, "2025-01-02T12:00:00Z", &["tag", "-a", "v1.1.0", "-m", "second"]),
            _ => git(folder, at, &["tag", "nightly"]),
        }
    }
}

#[test]
fn a_repository_becomes_commits_and_deployments() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("cart");
    std::fs::create_dir(&place).expect("a folder");
    repository(&place);
    let data = folder.path().join("data");
    let import = ["import", "git", place.to_str().expect("a name"), "--product", "shop", "--component", "cart"];
    let said = leadline(&data, &import).ok();
    assert!(said.starts_with("cart: 3 commits, 3 tags, 2 deployments of shop/cart to production in "), "{said}");
    assert!(said.contains("8 events new, 0 known already, 0 rejected"), "{said}");
    assert!(said.contains("1 tags are no deployments: it is not a version such as v1.2.3 (nightly)"), "{said}");
    assert!(leadline(&data, &import).ok().contains("0 events new, 8 known already"));
    // A second way in gives the same: an address instead of a folder.
    let address = format!("file://{}", place.display());
    let again = ["import", "git", &address, "--product", "shop", "--component", "cart", "--no-paths"];
    assert_eq!(leadline(&data, &again).code, Some(0));

    let report =
        ["report", "--node", "component:cart", "--from", "2025-01-01", "--to", "2025-01-03", "--format", "json"];
    let json = leadline(&data, &report).json();
    assert_eq!(json["metrics"]["deployment_frequency"]["value"], 1.0);
    // 4 h of the first commit, 28 h and 2 h of the two that arrived with the second version.
    assert_eq!(json["metrics"]["lead_time"]["value"], 4.0 * 3_600.0);
    assert_eq!(json["metrics"]["lead_time"]["n"], 3);
}
