//! Commits and tags as they are stored. Git itself takes what is not quite right, and so does this.

use std::borrow::Cow;

use gix::ObjectId;

/// A commit, borrowed from its bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Commit<'a> {
    pub(super) tree: Option<ObjectId>,
    pub(super) parents: Vec<ObjectId>,
    pub(super) author: Option<&'a [u8]>,
    /// Seconds since the epoch.
    pub(super) authored: Option<i64>,
    /// Seconds since the epoch.
    pub(super) committed: Option<i64>,
    pub(super) message: &'a [u8],
    latin: bool,
}

/// A tag object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) target: Option<ObjectId>,
    /// Seconds since the epoch; very old tags have none.
    pub(super) seconds: Option<i64>,
}

pub(super) fn commit(data: &[u8]) -> Commit<'_> {
    let mut commit = Commit::default();
    commit.message = headers(data, |name, value| match name {
        b"tree" => commit.tree = ObjectId::from_hex(value).ok(),
        b"parent" => commit.parents.extend(ObjectId::from_hex(value).ok()),
        b"author" => (commit.author, commit.authored) = (Some(person(value)), seconds(value)),
        b"committer" => commit.committed = seconds(value),
        b"encoding" => commit.latin = is_latin(value),
        _ => {}
    });
    commit
}

pub(super) fn tag(data: &[u8]) -> Tag {
    let mut tag = Tag::default();
    headers(data, |name, value| match name {
        b"object" => tag.target = ObjectId::from_hex(value).ok(),
        b"tagger" => tag.seconds = seconds(value),
        _ => {}
    });
    tag
}

impl<'a> Commit<'a> {
    /// Bytes of this commit as text. What is not in the encoding becomes the replacement character.
    pub(super) fn text(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self.latin && !bytes.is_ascii() {
            // The first 256 characters of Unicode are Latin-1.
            true => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
            false => String::from_utf8_lossy(bytes),
        }
    }
}

/// Calls `each` for every header line and returns what follows the blank one. Lines that go on from the one before, as
/// signatures do, begin with a space and are passed over.
fn headers<'a>(data: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> &'a [u8] {
    let mut rest = data;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            return rest;
        }
        if let Some(space) = line.iter().position(|byte| *byte == b' ').filter(|space| *space > 0) {
            each(&line[..space], &line[space + 1..]);
        }
    }
    &[]
}

/// `Name <address> seconds zone`
fn person(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| *byte == b'<').unwrap_or(value.len());
    value[..end].trim_ascii()
}

fn seconds(value: &[u8]) -> Option<i64> {
    let begin = value.iter().rposition(|byte| *byte == b'>')? + 1;
    let number = value[begin..].trim_ascii().split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn is_latin(name: &[u8]) -> bool {
    [&b"iso-8859-1"[..], b"iso8859-1", b"latin1", b"latin-1"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn headers_of_a_commit() {
        let data = format!(
            "tree {ID}\nparent {ID}\nparent {ID}\nauthor A <x> B <a@b> 12 +0100\ncommitter  <> -5 +0000\n\
             gpgsig -----BEGIN\n author Z <z> 1 +0000\n -----END\nencoding ISO-8859-1\n\nOne\n\ntwo"
        );
        let commit = commit(data.as_bytes());
        assert_eq!((commit.tree.is_some(), commit.parents.len()), (true, 2));
        assert_eq!((commit.author, commit.authored, commit.committed), (Some(&b"A"[..]), Some(12), Some(-5)));
        assert_eq!(commit.message, b"One\n\ntwo");
        assert_eq!(commit.text(b"caf\xe9"), "café");
        assert_eq!(Commit::default().text(b"caf\xe9"), "caf\u{fffd}");
    }

    #[test]
    fn what_is_missing_is_missing() {
        assert_eq!(commit(b""), Commit::default());
        assert_eq!(commit(b"tree x\nauthor\ncommitter me now").committed, None);
        assert_eq!(commit(b"author me <> 99999999999999999999 +0000\n\n").authored, None);
        assert_eq!(tag(format!("object {ID}\ntype commit\ntag v1\n\ntext").as_bytes()).seconds, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(data in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'>'), any::<u8>()], 0..200)) {
            let read = commit(&data);
            read.text(read.message);
            tag(&data);
        }
    }
}
