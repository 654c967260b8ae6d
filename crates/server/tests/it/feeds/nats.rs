//! A real server of NATS with JetStream, spoken to in its own words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub(super) const STREAM: &str = "DELIVERY";

/// One server with one stream; it ends with this.
pub(super) struct Nats {
    _folder: TempDir,
    port: u16,
    server: Child,
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Nats {
    pub(super) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let folder = tempfile::tempdir().expect("a folder");
        // Debian puts it where only root looks.
        let program = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"];
        let program = program.into_iter().find(|program| Path::new(program).exists()).unwrap_or("nats-server");
        let server = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server, which `make setup` installs, or `apt-get install nats-server`");
        let nats = Nats { _folder: folder, port, server };
        let stream = format!(r#"{{"name":"{STREAM}","subjects":["leadline.>"]}}"#);
        nats.ask(&format!("$JS.API.STREAM.CREATE.{STREAM}"), &stream, "\"config\"");
        nats
    }

    pub(super) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Publishes a message; it is in the stream when this returns.
    pub(super) fn publish(&self, subject: &str, body: &str) {
        self.ask(subject, body, "\"seq\"");
    }

    /// Sends until it is answered with what is wanted.
    fn ask(&self, subject: &str, body: &str, wanted: &str) {
        for _ in 0..600 {
            if self.once(subject, body).is_ok_and(|answer| answer.contains(wanted)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("NATS does not answer {subject} with {wanted}");
    }

    fn once(&self, subject: &str, body: &str) -> std::io::Result<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let length = body.len();
        write!(
            socket,
            "CONNECT {{\"verbose\":false}}\r\nSUB _INBOX.test 1\r\nPUB {subject} _INBOX.test {length}\r\n{body}\r\n"
        )?;
        let mut lines = BufReader::new(socket);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(message) = line.strip_prefix("MSG ") {
                let bytes = message.trim().rsplit(' ').next().and_then(|size| size.parse().ok()).unwrap_or(0);
                let mut answer = vec![0; bytes];
                lines.read_exact(&mut answer)?;
                return Ok(String::from_utf8_lossy(&answer).into_owned());
            }
        }
    }
}
