//! What an image says about the code in it, by the component's image rule.

/// Code named by an image tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageCode {
    /// A commit, whole or shortened.
    pub sha: Option<String>,
    /// A version.
    pub version: Option<String>,
}

/// Reads the tag of an image (`registry/name:tag@digest`) by a rule such as `{branch}-{sha7}` or `v{semver}`.
///
/// None when the image has no tag or the tag does not fit the rule: a tag is never guessed to be a commit.
#[must_use]
pub fn image_code(image: &str, rule: &str) -> Option<ImageCode> {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    let tag = named.rsplit_once('/').map_or(named, |(_, last)| last).split_once(':')?.1;
    fit(rule, tag)
}

fn fit(rule: &str, tag: &str) -> Option<ImageCode> {
    let Some((before, rest)) = rule.split_once('{') else {
        return (rule == tag).then(ImageCode::default);
    };
    let (field, after) = rest.split_once('}')?;
    let tag = tag.strip_prefix(before)?;
    // The longest piece first: a branch may contain the separator, the commit after it may not.
    let ends = (1..=tag.len()).rev().filter(|end| tag.is_char_boundary(*end));
    for end in ends {
        let (piece, remainder) = tag.split_at(end);
        if !fits(field, piece) {
            continue;
        }
        if let Some(mut code) = fit(after, remainder) {
            match field {
                "sha" | "sha7" => code.sha = Some(piece.to_ascii_lowercase()),
                "semver" | "version" => code.version = Some(piece.to_owned()),
                _ => {}
            }
            return Some(code);
        }
    }
    None
}

fn fits(field: &str, piece: &str) -> bool {
    let hexadecimal = piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    match field {
        "sha" => hexadecimal && (7..=64).contains(&piece.len()),
        "sha7" => hexadecimal && piece.len() == 7,
        "semver" => crate::version::is_semver(piece) && !piece.starts_with(['v', 'V']),
        "version" | "branch" | "any" => true,
        "number" => piece.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_the_code() {
        let sha = |text: &str| Some(ImageCode { sha: Some(text.to_owned()), version: None });
        let version = |text: &str| Some(ImageCode { sha: None, version: Some(text.to_owned()) });
        assert_eq!(image_code("r.example:5000/shop/cart:main-1f2e3d4", "{branch}-{sha7}"), sha("1f2e3d4"));
        assert_eq!(image_code("cart:feature-x-1f2e3d4", "{branch}-{sha7}"), sha("1f2e3d4"));
        assert_eq!(image_code("cart:v1.2.3@sha256:abc", "v{semver}"), version("1.2.3"));
        assert_eq!(image_code("cart:latest", "v{semver}"), None);
        assert_eq!(image_code("cart", "{sha}"), None);
        assert_eq!(image_code("r.example:5000/cart", "{any}"), None);
    }
}
