//! An API server of Kubernetes with one workload: it lists it, and a watch of it stays open and tells nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) struct Cluster {
    folder: TempDir,
}

impl Cluster {
    pub(super) fn start(workload: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut workload = workload.clone();
        workload["metadata"]["resourceVersion"] = json!("5");
        let list = json!({"apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": {"resourceVersion": "5"},
            "items": [workload]});
        let list = list.to_string();
        // It ends with the process: it is asked by this test alone.
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let list = list.clone();
                std::thread::spawn(move || answer(socket, &list));
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
        );
        std::fs::write(folder.path().join("config"), config).expect("a kubeconfig");
        Cluster { folder }
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }
}

/// Answers requests on a connection until it is closed.
fn answer(mut socket: TcpStream, list: &str) {
    let Ok(reading) = socket.try_clone() else { return };
    let mut lines = BufReader::new(reading).lines();
    while let Some(Ok(first)) = lines.next() {
        for line in lines.by_ref() {
            match line {
                Ok(line) if !line.is_empty() => {}
                Ok(_) => break,
                Err(_) => return,
            }
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        if first.contains("watch=") {
            let _ = write!(socket, "{head}transfer-encoding: chunked\r\n\r\n");
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        if write!(socket, "{head}content-length: {}\r\n\r\n{list}", list.len()).is_err() {
            return;
        }
    }
}
