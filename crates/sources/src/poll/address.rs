//! Addresses of APIs that are asked with secrets.

use url::{Host, Url};

/// What is wrong with one; `example` is a right one.
pub(crate) fn check_address(api_url: &str, example: &str) -> Result<(), String> {
    if api_url.is_empty() {
        return Err(format!("nothing says where it is; set `api_url`, such as {example}"));
    }
    let url = Url::parse(api_url).ok();
    let plain =
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.password().is_none());
    let Some(url) = plain.filter(|url| url.host_str().is_some()) else {
        return Err(format!("api_url is not an address; write {example}"));
    };
    if url.scheme() == "http" && !is_this_machine(&url) {
        return Err("api_url begins with http://, which would show the secret to everybody on the way; write https://"
            .to_owned());
    }
    Ok(())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
