//! `leadline demo`, small.

use crate::run::leadline;

#[test]
fn a_small_demo_is_sent_linked_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let name = data.to_str().expect("a name");
    let ran = leadline(&data, &["demo", "--no-serve", "--scale", "0.03", "--data", name]);
    assert!(ran.err.contains("requests as the articles print them"), "{}", ran.err);
    let text = ran.ok();
    for wanted in ["the whole group", "Deployment frequency", "commerce", "warehousing", "4 platforms from"] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let again = leadline(&data, &["demo", "--no-serve", "--data", name]);
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("holds data already"), "{}", again.err);
}
