//! A page of a vendor's API as it is journalled.

use sha2::{Digest, Sha256};

use crate::table::hex;

/// A page as it came, with what has to be known to read it. It is journalled as a delivery of the event
/// [`Page::EVENT`], which is at no address: nobody can send one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What was asked for, such as `commits` or `deployments`.
    pub resource: &'static str,
    /// Whose it is, as the vendor writes it.
    pub repository: String,
    /// What else the page itself does not say, by name.
    pub context: Vec<(&'static str, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Page {
    /// The event of a page. No route has it, so nothing that comes over the network is ever read as a page.
    pub const EVENT: &'static str = "page";
    /// Header with the resource.
    pub const RESOURCE: &'static str = "leadline-resource";
    /// Header with the repository.
    pub const REPOSITORY: &'static str = "leadline-repository";

    /// What the parser reads beside the body.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let named = [(Self::RESOURCE, self.resource.to_owned()), (Self::REPOSITORY, self.repository.clone())];
        let all = named.into_iter().chain(self.context.iter().cloned());
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The identity in the journal: the same page got twice is one delivery.
    #[must_use]
    pub fn delivery_id(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        for (name, value) in self.headers() {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        add(&self.body);
        format!("page:{}", hex(&hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_repository_context_and_content_are_the_identity() {
        let page = Page { resource: "tags", repository: "a/b".to_owned(), context: Vec::new(), body: b"[]".to_vec() };
        assert_eq!(page.delivery_id(), page.clone().delivery_id());
        let others = [
            Page { resource: "runs", ..page.clone() },
            Page { repository: "a/c".to_owned(), ..page.clone() },
            Page { context: vec![("leadline-number", "1".to_owned())], ..page.clone() },
            Page { body: b"[ ]".to_vec(), ..page.clone() },
        ];
        assert!(others.iter().all(|other| other.delivery_id() != page.delivery_id()));
        // It can never take the place of a delivery that a tool or a hash names.
        assert!(page.delivery_id().starts_with("page:"));
    }
}
