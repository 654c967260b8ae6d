//! The API server: lists in pages, watches as lines of JSON, and everything that goes wrong with both.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch as channel;
use watch::Cluster;

use crate::world::{Event, World};

/// What happens to the next request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// An answer with this status.
    Status(u16),
    /// No answer at all.
    Cut,
    /// A watch is cut within the line of its first event.
    CutLine,
    /// A watch says that it has forgotten where it was.
    GoneEvent,
    /// Something in between answers.
    Page,
}

pub(crate) struct Hub {
    pub(crate) world: Mutex<World>,
    pub(crate) faults: Mutex<VecDeque<Fault>>,
    /// Paths with their queries, in order.
    pub(crate) asked: Mutex<Vec<String>>,
    /// Kinds that the cluster does not have, or that nobody may see, with the status of the answer.
    pub(crate) refused: Mutex<Vec<(&'static str, u16)>>,
    /// How often anything changed, and how often open watches were cut.
    changed: channel::Sender<(u64, u64)>,
    folder: tempfile::TempDir,
    address: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Hub {
    pub(crate) async fn start() -> Arc<Hub> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Arc::new_cyclic(|hub: &std::sync::Weak<Hub>| {
            let hub = hub.clone();
            let server = tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let Some(hub) = hub.upgrade() else { return };
                    tokio::spawn(async move { hub.talk(stream).await });
                }
            });
            Hub {
                world: Mutex::default(),
                faults: Mutex::default(),
                asked: Mutex::default(),
                refused: Mutex::default(),
                changed: channel::Sender::new((0, 0)),
                folder: tempfile::tempdir().unwrap(),
                address,
                server,
            }
        })
    }

    /// Changes the cluster; every watch hears of it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world.lock().unwrap());
        self.changed.send_modify(|(changes, _)| *changes += 1);
        result
    }

    /// Cuts the watches that are open.
    pub(crate) fn cut(&self) {
        self.changed.send_modify(|(_, cuts)| *cuts += 1);
    }

    pub(crate) fn fault(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    /// Requests that hold a word.
    pub(crate) fn asked(&self, word: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.contains(word)).count()
    }

    /// A cluster as the configuration has it, by a kubeconfig.
    pub(crate) fn cluster(&self, name: &str) -> Cluster {
        Cluster {
            name: name.to_owned(),
            source: "kubernetes".to_owned(),
            kubeconfig: Some(self.kubeconfig()),
            kinds: vec!["Deployment".to_owned()],
            ..Cluster::default()
        }
    }

    fn kubeconfig(&self) -> PathBuf {
        let path = self.folder.path().join("kubeconfig");
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "me", "user": {"token": "sesame"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}]});
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// One request after another, until something breaks.
    async fn talk(&self, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        while self.serve(&mut read, &mut write).await.is_ok() {}
    }

    async fn serve(&self, read: &mut BufReader<OwnedReadHalf>, write: &mut OwnedWriteHalf) -> io::Result<()> {
        let (mut path, mut known) = (String::new(), false);
        loop {
            let mut line = String::new();
            if read.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("GET ") {
                path = rest.split(' ').next().unwrap().to_owned();
            }
            known |= line.eq_ignore_ascii_case("authorization: Bearer sesame");
        }
        self.asked.lock().unwrap().push(path.clone());
        if !known {
            return answer(write, 401, &failure(401)).await;
        }
        let asked = Asked::read(&path);
        let fault = self.faults.lock().unwrap().pop_front();
        let refused =
            self.refused.lock().unwrap().iter().find(|(plural, _)| *plural == asked.plural).map(|found| found.1);
        match (fault, refused) {
            (_, Some(code)) | (Some(Fault::Status(code)), _) => answer(write, code, &failure(code)).await,
            (Some(Fault::Cut), _) => Err(io::ErrorKind::ConnectionReset.into()),
            (Some(Fault::Page), _) => answer(write, 200, &json!("<html>Sign in</html>")).await,
            (fault, _) if asked.watch => self.watch(&asked, fault, write).await,
            _ => self.list(&asked, write).await,
        }
    }

    /// Two objects a page, all as they were when the first page was asked for.
    async fn list(&self, asked: &Asked, write: &mut OwnedWriteHalf) -> io::Result<()> {
        let (code, body) = {
            let world = self.world.lock().unwrap();
            let (version, from) = match &asked.next {
                Some(next) => {
                    next.split_once('-').map(|(at, from)| (at.parse().unwrap(), from.parse().unwrap())).unwrap()
                }
                None => (world.version(), 0),
            };
            let all: Vec<Value> =
                world.at(asked.plural, version).into_iter().filter(|object| asked.is_of(object)).collect();
            let items: Vec<&Value> = all.iter().skip(from).take(2).collect();
            let next = if from + 2 < all.len() { format!("{version}-{}", from + 2) } else { String::new() };
            if version < world.oldest {
                (410, failure(410))
            } else {
                (
                    200,
                    json!({"kind": "List", "metadata": {"resourceVersion": version.to_string(), "continue": next}, "items": items}),
                )
            }
        };
        answer(write, code, &body).await
    }

    async fn watch(&self, asked: &Asked, fault: Option<Fault>, write: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut changed = self.changed.subscribe();
        let cuts = changed.borrow_and_update().1;
        let mut seen: u64 = asked.version.parse().unwrap();
        if seen < self.world.lock().unwrap().oldest {
            return answer(write, 410, &failure(410)).await;
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        write.write_all(head.as_bytes()).await?;
        if matches!(fault, Some(Fault::GoneEvent)) {
            chunk(write, &json!({"type": "ERROR", "object": failure(410)}).to_string()).await?;
            return finish(write).await;
        }
        loop {
            let events: Vec<Event> = {
                let world = self.world.lock().unwrap();
                let new = world.log.iter().filter(|event| event.version > seen && event.plural == asked.plural);
                new.filter(|event| asked.is_of(&event.object)).cloned().collect()
            };
            for event in events {
                let line = json!({"type": event.kind, "object": event.object}).to_string();
                if matches!(fault, Some(Fault::CutLine)) {
                    chunk(write, &line[..line.len() / 2]).await?;
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                chunk(write, &line).await?;
                seen = event.version;
            }
            if changed.changed().await.is_err() || changed.borrow_and_update().1 != cuts {
                return finish(write).await;
            }
        }
    }
}

/// A request: what of.
struct Asked {
    plural: &'static str,
    namespace: Option<String>,
    watch: bool,
    version: String,
    next: Option<String>,
}

impl Asked {
    fn read(path: &str) -> Asked {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let value = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        };
        let words: Vec<&str> = path.split('/').collect();
        let namespace = words.iter().position(|word| *word == "namespaces").map(|at| words[at + 1].to_owned());
        let plural = ["deployments", "statefulsets", "daemonsets", "rollouts"];
        Asked {
            plural: plural.into_iter().find(|plural| words.last() == Some(plural)).expect("a kind that is known"),
            namespace,
            watch: value("watch").as_deref() == Some("true"),
            version: value("resourceVersion").unwrap_or_default(),
            next: value("continue"),
        }
    }

    fn is_of(&self, object: &Value) -> bool {
        let namespace = &object["metadata"]["namespace"];
        namespace.is_null() || self.namespace.as_ref().is_none_or(|asked| namespace == asked)
    }
}

fn failure(code: u16) -> Value {
    let reason = if code == 410 { "Expired" } else { "Other" };
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": "it broke", "code": code})
}

async fn answer(write: &mut OwnedWriteHalf, code: u16, body: &Value) -> io::Result<()> {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    write.write_all(head.as_bytes()).await?;
    write.write_all(body.as_bytes()).await
}

/// A chunk of a line; a half line has no end.
async fn chunk(write: &mut OwnedWriteHalf, text: &str) -> io::Result<()> {
    let end = if text.ends_with('}') { "\n" } else { "" };
    write.write_all(format!("{:x}\r\n{text}{end}\r\n", text.len() + end.len()).as_bytes()).await
}

/// The API server ends a watch.
async fn finish(write: &mut OwnedWriteHalf) -> io::Result<()> {
    write.write_all(b"0\r\n\r\n").await
}
