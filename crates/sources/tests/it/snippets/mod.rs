//! What people paste from `deploy/`: each is run, or read, and what it sends is what the sources take.

mod curl;
mod jenkins;
mod terraform;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use domain::Timestamp;
use domain::event::Event;
use sources::{Delivery, find};

/// A file of `deploy/`.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The one event it holds, as the server reads it.
    fn event(&self) -> Event {
        assert_eq!(self.line, "POST /api/v1/events HTTP/1.1");
        assert_eq!(self.header("authorization"), "Bearer s3cret");
        assert_eq!(self.header("content-type"), "application/json");
        let source = find("native").unwrap();
        // Scripts read the clock of this machine, whatever it says.
        let received_at = Timestamp::parse("2999-01-01T00:00:00Z").unwrap();
        let event = source.routes[0].event;
        let delivery = Delivery { source: "ci", event, headers: &self.headers, body: &self.body, received_at };
        let mut events = (source.parse)(&delivery).unwrap().events;
        assert_eq!(events.len(), 1);
        events.remove(0).unwrap()
    }
}

/// A server on loopback that answers with these statuses, one after the other, and remembers what it was sent.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (statuses, kept) = (statuses.to_vec(), Arc::clone(&requests));
        std::thread::spawn(move || {
            for status in statuses {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut next = || {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    line.trim_end().to_owned()
                };
                let line = next();
                let mut headers = Vec::new();
                while let Some((name, value)) = next().split_once(':') {
                    headers.push((name.to_owned(), value.trim().to_owned()));
                }
                let mut request = Request { line, headers, body: Vec::new() };
                request.body = vec![0; request.header("content-length").parse().unwrap()];
                reader.read_exact(&mut request.body).unwrap();
                kept.lock().unwrap().push(request);
                let answer = r#"{"code":"unknown_value"}"#;
                let head =
                    format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
                stream.write_all(format!("{head}{answer}").as_bytes()).unwrap();
            }
        });
        Server { address, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn only(&self) -> Event {
        let requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests[0].event()
    }
}

/// What a program said, and whether it was content.
struct Said {
    ok: bool,
    errors: String,
}

/// Runs a script in an environment of nothing but what is given.
fn run(folder: &Path, script: &[&str], environment: &[(&str, &str)]) -> Said {
    let output = Command::new("/bin/sh")
        .args(script)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said { ok: output.status.success(), errors: String::from_utf8_lossy(&output.stderr).into_owned() }
}
