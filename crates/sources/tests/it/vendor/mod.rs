//! A vendor of this machine: real HTTP over loopback, with limits and trouble. What it answers, each test says.

mod any;
mod desk;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use url::Url;

pub(crate) use desk::{Desk, Entities, SECRET, events_of, incidents, merge, settings};

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Parameters in order, as they were meant.
    pub(crate) query: Vec<(String, String)>,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    /// The first parameter by this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All parameters by this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }
}

/// Status, headers, body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, String);

/// What goes wrong with a request.
pub(crate) enum Fault {
    /// This answer instead.
    Answer(Reply),
    /// The connection is cut before an answer.
    Cut,
    /// The connection is cut within the answer.
    CutWithin,
    /// The answer before this one again.
    Repeat,
}

/// What every vendor does at times, by the number of the request.
pub(crate) fn trouble(number: usize) -> Option<Fault> {
    let answer = |status, headers: &[(&'static str, &str)]| {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Some(Fault::Answer((status, headers, "{}".to_owned())))
    };
    match number % 9 {
        1 => answer(500, &[]),
        2 => Some(Fault::Cut),
        4 => answer(429, &[("retry-after", "30")]),
        5 => Some(Fault::CutWithin),
        7 => answer(503, &[("retry-after", "5")]),
        _ => None,
    }
}

type Script<S> = Box<dyn FnMut(usize, &Asked, &mut S) -> Option<Fault> + Send>;

struct Inner<S> {
    state: S,
    answer: fn(&mut S, &Asked) -> Reply,
    script: Script<S>,
    asked: Vec<Asked>,
    last: Option<Reply>,
}

pub(crate) struct Vendor<S> {
    address: SocketAddr,
    inner: Arc<Mutex<Inner<S>>>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + 'static> Vendor<S> {
    pub(crate) fn start(state: S, answer: fn(&mut S, &Asked) -> Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script: Script<S> = Box::new(|_, _, _| None);
        let inner = Arc::new(Mutex::new(Inner { state, answer, script, asked: Vec::new(), last: None }));
        let served = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                // One that says nothing is told to stop with: see `drop`.
                if !serve(&stream, &served) {
                    return;
                }
            }
        });
        Vendor { address, inner, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on this happens; requests are counted from 0 again.
    pub(crate) fn script(&self, script: impl FnMut(usize, &Asked, &mut S) -> Option<Fault> + Send + 'static) {
        let mut inner = self.inner.lock().unwrap();
        inner.asked.clear();
        inner.script = Box::new(script);
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut S) -> T) -> T {
        look(&mut self.inner.lock().unwrap().state)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.lock().unwrap().asked.clone()
    }
}

impl<S> Drop for Vendor<S> {
    fn drop(&mut self) {
        // A connection that says nothing ends it.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stream: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let target = line.split_whitespace().nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    stream.read_exact(&mut vec![0; length]).ok()?;
    let url = Url::parse(&format!("http://vendor{target}")).unwrap();
    Some(Asked { path: url.path().to_owned(), query: url.query_pairs().into_owned().collect(), headers })
}

/// False when nothing was asked.
fn serve<S>(stream: &TcpStream, inner: &Mutex<Inner<S>>) -> bool {
    let Some(asked) = read(&mut BufReader::new(stream)) else { return false };
    let ((status, headers, body), within) = {
        let inner = &mut *inner.lock().unwrap();
        let number = inner.asked.len();
        inner.asked.push(asked.clone());
        match (inner.script)(number, &asked, &mut inner.state) {
            Some(Fault::Cut) => return true,
            Some(Fault::Answer(reply)) => (reply, false),
            Some(Fault::Repeat) if inner.last.is_some() => (inner.last.clone().unwrap(), false),
            fault => {
                let reply = (inner.answer)(&mut inner.state, &asked);
                inner.last = Some(reply.clone());
                (reply, matches!(fault, Some(Fault::CutWithin)))
            }
        }
    };
    let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let sent = if within { &body.as_bytes()[..body.len() / 2] } else { body.as_bytes() };
    // Whoever asked may have gone.
    let mut stream = stream;
    let _ = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.write_all(b"\r\n"))
        .and_then(|()| stream.write_all(sent));
    true
}
