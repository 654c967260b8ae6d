//! The built page, inside the binary: `dashboard/dist`, which `npm run build` makes before cargo runs.
//!
//! Release builds hold the files; debug builds read them from the folder, so that a new page needs no new build.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
struct Files;

/// One file of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// What it is, as a `Content-Type`.
    pub content_type: &'static str,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub tag: String,
    /// Whether its name holds a hash of its content, so that it may be kept for ever.
    pub immutable: bool,
}

/// The page itself, or, when it was not built, one that says how to build it.
#[must_use]
pub fn index() -> Asset {
    asset("index.html").unwrap_or_else(|| Asset {
        bytes: Cow::Borrowed(NOT_BUILT.as_bytes()),
        content_type: "text/html; charset=utf-8",
        tag: "not-built".to_owned(),
        immutable: false,
    })
}

/// A file by its path below the root, such as `assets/index-4f2a.js`.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    if path.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return None;
    }
    let file = Files::get(path)?;
    let tag = file.metadata.sha256_hash().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Some(Asset { bytes: file.data, content_type: content_type(path), tag, immutable: path.starts_with("assets/") })
}

/// By the end of the name; the build makes no other kinds.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

const NOT_BUILT: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Leadline</title></head>
<body>
<h1>The page was not built</h1>
<p>The server runs and its API answers. To have the page too, run <code>make build</code>, or:</p>
<pre>cd dashboard &amp;&amp; npm ci &amp;&amp; npm run build &amp;&amp; cd .. &amp;&amp; cargo build</pre>
</body>
</html>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_page() {
        let page = index();
        assert!(page.content_type.starts_with("text/html") && !page.immutable);
        assert!(page.bytes.starts_with(b"<!doctype html>"));
    }

    #[test]
    fn nothing_outside_the_folder_is_a_file_of_the_page() {
        for path in ["../package.json", "/etc/passwd", "", "assets/", "assets/../../package.json", ".env"] {
            assert_eq!(asset(path), None, "{path}");
        }
    }
}
