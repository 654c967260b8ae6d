//! A real server of NATS with JetStream, on a free port, its files in a folder of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::jetstream::{self, Context, consumer::pull, stream::Config};
use async_nats::{ConnectOptions, HeaderMap};
use stream::Settings;
use tempfile::TempDir;

pub(crate) const STREAM: &str = "DELIVERY";

/// One server; it ends with this.
pub(crate) struct Nats {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    server: Option<Child>,
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Nats {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut nats = Nats { folder: tempfile::tempdir().unwrap(), port, options, server: None };
        nats.again();
        nats
    }

    /// Starts it on the port and the files it had.
    pub(crate) fn again(&mut self) {
        // Debian puts it where only root looks.
        let program = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"];
        let program = program.into_iter().find(|program| Path::new(program).exists()).unwrap_or("nats-server");
        let server = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.folder.path())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server, which `make setup` installs, or `apt-get install nats-server`");
        self.server = Some(server);
    }

    /// As `kill -9` does: it says goodbye to nobody.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Settings that try again soon.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            servers: vec![self.address()],
            stream: STREAM.to_owned(),
            ack_wait_s: 2,
            retry_ms: 20,
            ..Settings::default()
        }
    }

    /// A client that publishes and looks.
    pub(crate) async fn context(&self) -> Context {
        self.context_by(ConnectOptions::new()).await
    }

    pub(crate) async fn context_by(&self, options: ConnectOptions) -> Context {
        let options = options.retry_on_initial_connect().reconnect_delay_callback(|_| Duration::from_millis(50));
        jetstream::new(options.connect(self.address()).await.unwrap())
    }
}

/// Makes the stream, once the server is there.
pub(crate) async fn make(context: &Context) {
    let wanted = || Config {
        name: STREAM.to_owned(),
        subjects: vec!["leadline.>".to_owned(), "ci.>".to_owned()],
        ..Config::default()
    };
    crate::eventually("the stream is made", async || context.get_or_create_stream(wanted()).await.is_ok()).await;
}

/// Publishes until the server has it, as a sender does that must not lose anything.
pub(crate) async fn publish(context: &Context, subject: &str, headers: &[(&str, &str)], body: &str) {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.insert(*name, *value);
    }
    crate::eventually("the message is in the stream", async || {
        let sent = context.publish_with_headers(subject.to_owned(), all.clone(), body.to_owned().into()).await;
        let Ok(sent) = sent else { return false };
        matches!(tokio::time::timeout(Duration::from_secs(2), sent).await, Ok(Ok(_)))
    })
    .await;
}

/// `(messages the consumer has not had, messages it has not answered for)`.
pub(crate) async fn left(context: &Context) -> Option<(u64, usize)> {
    let stream = context.get_stream(STREAM).await.ok()?;
    let mut consumer: async_nats::jetstream::consumer::Consumer<pull::Config> =
        stream.get_consumer("leadline").await.ok()?;
    let info = consumer.info().await.ok()?;
    Some((info.num_pending, info.num_ack_pending))
}
