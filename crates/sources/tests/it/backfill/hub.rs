//! A GitHub of this machine: real HTTP over loopback, with pages, tags of pages, limits and trouble.
//!
//! `server` and `leadline` use it in their tests too, so it needs nothing but the standard library and JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// What it holds.
#[derive(Default)]
pub(crate) struct Data {
    /// Lists by path, in the order in which they are given.
    pub(crate) lists: BTreeMap<String, Vec<Value>>,
    /// Single things by path.
    pub(crate) objects: BTreeMap<String, Value>,
    /// Commits by hash, as the API has them.
    pub(crate) commits: BTreeMap<String, Value>,
    /// Tokens it takes.
    pub(crate) tokens: BTreeSet<String>,
    /// Most things on a page.
    pub(crate) page: usize,
    /// Addresses asked for, with their query; those answered with a 304 end in ` 304`.
    pub(crate) asked: Vec<String>,
    /// Tokens and claims they were asked with.
    pub(crate) bearers: Vec<String>,
    /// How another vendor answers.
    pub(crate) vendor: Option<fn(&Data, &Asked) -> Response>,
}

/// What goes wrong with a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// This answer instead.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection is cut before an answer.
    Cut,
    /// The connection is cut within the answer.
    CutWithin,
}

/// What happens at each request, by its number from 0 and its address.
type Script = Box<dyn FnMut(usize, &str, &mut Data) -> Option<Fault> + Send>;
type Shared = Arc<Mutex<(Data, Script)>>;

pub(crate) struct Hub {
    pub(crate) address: SocketAddr,
    shared: Shared,
    thread: Option<JoinHandle<()>>,
}

pub(crate) const TOKEN: &str = "ghp_0123456789abcdefghij";

impl Hub {
    pub(crate) fn start(mut data: Data) -> Self {
        data.page = if data.page == 0 { 100 } else { data.page };
        data.tokens.insert(TOKEN.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared: Shared = Arc::new(Mutex::new((data, Box::new(|_, _, _| None))));
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                // One that says nothing is told to stop with: see `drop`.
                if !answer(stream, &served) {
                    return;
                }
            }
        });
        Hub { address, shared, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn lock(&self) -> MutexGuard<'_, (Data, Script)> {
        self.shared.lock().expect("no test panics within")
    }

    /// From now on this happens; requests are counted from 0 again.
    pub(crate) fn script(&self, script: impl FnMut(usize, &str, &mut Data) -> Option<Fault> + Send + 'static) {
        let mut shared = self.lock();
        shared.0.asked.clear();
        shared.1 = Box::new(script);
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Data)) {
        change(&mut self.lock().0);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.lock().0.asked.clone()
    }
}

impl Hub {
    /// What it was asked with.
    pub(crate) fn bearers(&self) -> Vec<String> {
        self.lock().0.bearers.clone()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // A connection that says nothing ends it.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is asked: method, address, headers by name in lower case.
pub(crate) struct Asked {
    pub(crate) post: bool,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
}

fn read(stream: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { post: method == "POST", target, headers })
}

/// False when nothing was asked.
fn answer(stream: TcpStream, shared: &Shared) -> bool {
    let Some(asked) = read(&mut BufReader::new(&stream)) else { return false };
    let (status, headers, body, within) = {
        let mut shared = shared.lock().expect("no test panics within");
        let (data, script) = &mut *shared;
        let number = data.asked.len();
        data.asked.push(asked.target.clone());
        data.bearers
            .extend(asked.headers.get("authorization").map(|value| value.trim_start_matches("Bearer ").to_owned()));
        match script(number, &asked.target, data) {
            Some(Fault::Cut) => return true,
            Some(Fault::Answer(status, headers, body)) => (status, headers, body, false),
            fault => {
                let (status, headers, body) = data.vendor.unwrap_or(respond)(data, &asked);
                if status == 304
                    && let Some(last) = data.asked.last_mut()
                {
                    last.push_str(" 304");
                }
                (status, headers, body, matches!(fault, Some(Fault::CutWithin)))
            }
        }
    };
    let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    if status != 304 {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let sent = if within { &body[..body.len() / 2] } else { &body };
    let text = format!("{text}\r\n{sent}");
    // Whoever asked may have gone.
    let _ = (&stream).write_all(text.as_bytes());
    true
}

/// Status, headers, body.
pub(crate) type Response = (u16, Vec<(&'static str, String)>, String);

fn no(status: u16, message: &str) -> Response {
    (status, Vec::new(), json!({ "message": message }).to_string())
}

fn respond(data: &Data, asked: &Asked) -> Response {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let bearer = asked.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    // The app itself signs: see the tests of apps.
    if !path.starts_with("/app/") && !bearer.is_some_and(|bearer| data.tokens.contains(bearer)) {
        return no(401, "Bad credentials");
    }
    if asked.headers.get("user-agent").is_none_or(|agent| !agent.starts_with("leadline/")) {
        return no(403, "Request forbidden by administrative rules.");
    }
    if asked.post || !data.lists.contains_key(path) && !path.ends_with("/commits") {
        return match data.objects.get(path) {
            Some(object) => tagged(asked, Vec::new(), object.to_string()),
            None => no(404, "Not Found"),
        };
    }
    let items = if path.ends_with("/commits") && !path.contains("/pulls/") {
        match history(data, query.get("sha").unwrap_or(&""), query.get("since").copied()) {
            Some(items) => items,
            None => return no(422, "No commit found for SHA"),
        }
    } else {
        ordered(data.lists.get(path).cloned().unwrap_or_default(), &query)
    };
    let number: usize = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let shown: Vec<Value> = items.iter().skip((number - 1) * data.page).take(data.page).cloned().collect();
    let mut headers = Vec::new();
    if items.len() > number * data.page {
        let host = asked.headers.get("host").map(String::as_str).unwrap_or_default();
        let rest: Vec<String> =
            query.iter().filter(|(name, _)| **name != "page").map(|(name, value)| format!("{name}={value}")).collect();
        headers.push(("link", format!("<http://{host}{path}?{}&page={}>; rel=\"next\"", rest.join("&"), number + 1)));
    }
    let body = if path.ends_with("/actions/runs") {
        json!({"total_count": items.len(), "workflow_runs": shown})
    } else if path == "/installation/repositories" {
        json!({"total_count": items.len(), "repositories": shown})
    } else {
        Value::Array(shown)
    };
    tagged(asked, headers, body.to_string())
}

/// With a tag: of the content alone when pages are of GitHub's own size, so that a full one does not tell that it has a
/// successor now.
fn tagged(asked: &Asked, mut headers: Vec<(&'static str, String)>, body: String) -> Response {
    let whole = body.matches("\"id\"").count() >= 100;
    let link = headers.first().filter(|_| !whole).map(|(_, link)| link.as_str()).unwrap_or_default();
    let hash = body
        .bytes()
        .chain(link.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let tag = format!("\"{hash:016x}\"");
    if asked.headers.get("if-none-match") == Some(&tag) {
        return (304, Vec::new(), String::new());
    }
    headers.push(("etag", tag));
    (200, headers, body)
}

fn ordered(mut items: Vec<Value>, query: &BTreeMap<&str, &str>) -> Vec<Value> {
    if let Some(since) = query.get("since") {
        items.retain(|item| item["updated_at"].as_str() >= Some(since));
    }
    if let Some(sort) = query.get("sort") {
        let name = format!("{sort}_at");
        items.sort_by_key(|item| item[&name].as_str().unwrap_or_default().to_owned());
        if query.get("direction") == Some(&"desc") {
            items.reverse();
        }
    }
    items
}

/// The commit and all before it, newest first; none when it is not there.
fn history(data: &Data, head: &str, since: Option<&str>) -> Option<Vec<Value>> {
    data.commits.get(head)?;
    let (mut seen, mut next) = (BTreeSet::new(), vec![head.to_owned()]);
    let mut found = Vec::new();
    while let Some(sha) = next.pop() {
        let Some(commit) = data.commits.get(&sha).filter(|_| seen.insert(sha.clone())) else { continue };
        let parents = commit["parents"].as_array().into_iter().flatten();
        next.extend(parents.filter_map(|parent| parent["sha"].as_str().map(str::to_owned)));
        found.push(commit.clone());
    }
    let date = |commit: &Value| commit["commit"]["committer"]["date"].as_str().unwrap_or_default().to_owned();
    found.retain(|commit| since.is_none_or(|since| date(commit).as_str() >= since));
    found.sort_by_key(|commit| std::cmp::Reverse((date(commit), commit["sha"].to_string())));
    Some(found)
}
