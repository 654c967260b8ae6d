//! A server for one test, and a client for it.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use server::{Config, Server};
use store::{Location, Scope, Store};
use tokio::sync::oneshot;

pub(crate) const ADMIN: &str = "test-admin-token-0123456789";
pub(crate) const READ: &str = "test-read-token-0123456789";
pub(crate) const INGEST: &str = "test-ingest-token-0123456789";

/// Stops the server and its store when it goes.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// Of the SQL port, when there is one.
    pub(crate) sql: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The JSON, when the status is as expected.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

pub(crate) fn start() -> Running {
    start_with(Config::default())
}

pub(crate) fn start_with(config: Config) -> Running {
    start_at(config, Location::Memory)
}

/// On a folder, which another one may have been on before.
pub(crate) fn start_at(mut config: Config, location: Location) -> Running {
    config.server.listen = "127.0.0.1:0".to_owned();
    let (ready, address) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let store = Store::open(location, server::interpreter()).expect("a store");
            let now = server::clock::now();
            for (name, scope, secret) in
                [("admin", Scope::Admin, ADMIN), ("reader", Scope::Read, READ), ("sender", Scope::Ingest, INGEST)]
            {
                store.put_token(name, &[scope], secret, now).expect("a token");
            }
            let server = Server::start(config, store).await.expect("a server");
            server.ready().await;
            ready.send((server.address(), server.sql_address())).expect("somebody waits");
            // Dropping the handle stops the server as well.
            let _ = stopped.await;
            server.stop().await;
        });
    });
    let (address, sql) = address.recv_timeout(Duration::from_secs(60)).expect("the server starts");
    Running { address, sql, stop: Some(stop), thread: Some(thread) }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking(), "the server's thread panicked");
        }
    }
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = agent()
            .run(request.body(body).expect("a request"))
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
        let status = answer.status().as_u16();
        Answer { status, headers, text: answer.into_body().read_to_string().unwrap_or_default() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {READ}"))], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {INGEST}");
        self.send(
            "POST",
            path,
            &[("authorization", &bearer), ("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    pub(crate) fn admin(&self, method: &str, path: &str, content_type: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {ADMIN}");
        self.send(method, path, &[("authorization", &bearer), ("content-type", content_type)], body.as_bytes())
    }
}
