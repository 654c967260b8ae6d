//! Tags.

use std::collections::BTreeMap;
use std::io::Write;

use domain::Code;
use sources::git::{SkipReason, Target};

use super::{Sandbox, crooked, events, now, seconds, tags, text};

fn tagged() -> Sandbox {
    let sandbox = crooked();
    sandbox.git(["tag", "v1.0.0", "main~3"]);
    sandbox.git(["-c", "user.name=x", "tag", "-a", "-m", "x", "v1.1.0", "other"]);
    sandbox.git(["tag", "-a", "-m", "on a tag", "v1.1.1", "v1.1.0"]);
    sandbox.git(["tag", "-a", "-m", "on a tag on a tag", "v1.1.2", "v1.1.1"]);
    sandbox.git(["tag", "1.2.0", "latin"]);
    for name in ["v2.0.0-rc.1", "cart-v1.0.0", "cart/v3.0.0", "nightly", "v1.2", "v1.2.0"] {
        sandbox.git(["tag", name, "main"]);
    }
    sandbox.git(["tag", "v9.0.0", "main^{tree}"]);
    sandbox.git(["tag", "-a", "-m", "x", "v9.0.1", "main:octopus"]);
    sandbox
}

#[test]
fn tags_are_those_of_git() {
    let sandbox = tagged();
    for packed in [false, true] {
        if packed {
            sandbox.git(["pack-refs", "--all"]);
            sandbox.git(["repack", "-adq"]);
        }
        let tags = tags(&sandbox.open(), None, true);
        let told: BTreeMap<_, _> = tags
            .events
            .iter()
            .map(|event| event.as_ref().unwrap())
            .map(|event| (text(event, "name").to_owned(), (text(event, "sha").to_owned(), seconds(event, "tagged_at"))))
            .collect();
        let lines = sandbox.git(["for-each-ref", "--format=%(refname:strip=2) %(creatordate:unix)", "refs/tags"]);
        let mut listed: BTreeMap<_, _> = lines
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(name, _)| !name.starts_with("v9"))
            .map(|(name, at)| {
                (name.to_owned(), (sandbox.git(["rev-parse", &format!("{name}^{{commit}}")]), at.parse().unwrap()))
            })
            .collect();
        assert_eq!(told, listed);
        for deployment in &tags.deployments {
            let (sha, at) = listed.remove(&deployment.tag).unwrap();
            assert_eq!((&deployment.sha, deployment.finished_at.micros() / 1_000_000), (&sha, at));
        }
        assert!(tags.deployments.is_sorted_by_key(|deployment| deployment.finished_at));
        let why = |tag: &str| &tags.skipped.iter().find(|skipped| skipped.tag == tag).unwrap().why;
        for tag in ["v9.0.0", "v9.0.1"] {
            assert_eq!(why(tag), &SkipReason::NotACommit);
        }
        for tag in ["nightly", "v1.2", "cart-v1.0.0", "cart/v3.0.0"] {
            assert_eq!(why(tag), &SkipReason::NotAVersion);
        }
        assert_eq!(listed.len(), 4, "every tag is a deployment or has a reason");
    }
}

#[test]
fn a_glob_chooses_and_names_the_prefix() {
    let sandbox = tagged();
    let repository = sandbox.open();
    let versions = |glob: Option<&str>, prereleases: bool| -> Vec<String> {
        tags(&repository, glob, prereleases).deployments.into_iter().map(|tag| tag.version).collect()
    };
    assert_eq!(versions(Some("cart-v*"), false), ["1.0.0"]);
    assert_eq!(versions(Some("cart/*"), false), ["v3.0.0"]);
    assert_eq!(versions(Some("v1.1.*"), false), ["v1.1.0", "v1.1.1", "v1.1.2"]);
    assert!(!versions(None, false).contains(&"v2.0.0-rc.1".to_owned()));
    assert!(versions(None, true).contains(&"v2.0.0-rc.1".to_owned()));
    assert_eq!(versions(Some("none*"), false), Vec::<String>::new());
}

#[test]
fn a_tag_becomes_a_deployment() {
    let sandbox = tagged();
    let tag = tags(&sandbox.open(), Some("cart-v*"), false).deployments.remove(0);
    let target = Target { component: "cart", product: Some("shop"), environment: "production" };
    let event = tag.event(&target, now()).unwrap();
    assert_eq!((&*event.key.source, &*event.key.id), ("git:shop", "shop/cart@production:cart-v1.0.0"));
    for (name, value) in [
        ("component", "cart"),
        ("product", "shop"),
        ("environment", "production"),
        ("status", "succeeded"),
        ("version", "1.0.0"),
        ("repo", "shop"),
        ("assumed", "tag"),
        ("trigger", "unknown"),
        ("finished_at", "2023-11-14T22:14:30Z"),
        ("sha", &sandbox.git(["rev-parse", "main"])),
    ] {
        assert_eq!(event.fields[name], value, "{name}");
    }
    let other = tag.event(&Target { component: "till", ..target }, now()).unwrap();
    assert_ne!(event.key, other.key, "one tag may release several components");
    assert_eq!(tag.event(&Target { component: "", ..target }, now()).unwrap_err().code, Code::WrongType);
}

#[test]
fn ten_thousand_tags_on_one_commit() {
    let sandbox = crooked();
    let mut stream = Vec::new();
    for number in 0..10_000 {
        write!(stream, "reset refs/tags/v1.0.{number}\nfrom refs/heads/main^0\n\n").unwrap();
    }
    sandbox.fast_import(&stream);
    let tags = tags(&sandbox.open(), None, false);
    assert_eq!((tags.deployments.len(), tags.events.len(), tags.skipped.len()), (10_000, 10_000, 0));
    assert_eq!(events(&sandbox.open(), false).len(), 10);
}
