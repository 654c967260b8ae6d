//! Listening, and stopping.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_postgres::pgwire::api::RandomPidSecretKeyGenerator;
use datafusion_postgres::pgwire::tokio::TlsAcceptor;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::engine::Engine;
use super::handlers::Shared;
use super::login::Attempts;
use super::{Gate, Settings, connection, tls};

/// Connections nobody has logged in on yet; more are not taken.
const WAITING: usize = 64;
/// Threads that plan and run statements, apart from those that take events and answer.
const THREADS: usize = 2;

/// Why the port does not start.
#[derive(Debug)]
pub enum PortError {
    /// The address cannot be listened on.
    Listen(std::io::Error),
    /// Certificate or key cannot be used; the message names the file.
    Tls(String),
    /// Off loopback without TLS.
    Open(SocketAddr),
    /// The engine cannot be set up.
    Engine(String),
}

/// A running port.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    stopping: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Port {
    /// Listens, and lets in whom the gate lets in.
    ///
    /// # Errors
    /// The address cannot be listened on, certificate or key cannot be used, or an open network would be listened on
    /// without them.
    pub async fn start(settings: Settings, gate: Arc<dyn Gate>) -> Result<Port, PortError> {
        let tls = match &settings.tls {
            Some((certificate, key)) => Some(tls::acceptor(certificate, key).map_err(PortError::Tls)?),
            None => None,
        };
        let listener = TcpListener::bind(&settings.listen).await.map_err(PortError::Listen)?;
        let address = listener.local_addr().map_err(PortError::Listen)?;
        if tls.is_none() && !super::is_local(address) {
            return Err(PortError::Open(address));
        }
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("sql").enable_all().build();
        let runtime = runtime.map_err(PortError::Listen)?;
        let engine = Engine::new(&gate.warehouse(), settings.max_memory_bytes).await;
        let engine = engine.map_err(|error| PortError::Engine(error.to_string()))?;
        let shared = Arc::new(Shared {
            places: Arc::new(Semaphore::new(settings.max_connections)),
            settings,
            gate,
            engine: Arc::new(engine),
            parser: PostgresCompatibilityParser::new(),
            attempts: Attempts::default(),
            keys: RandomPidSecretKeyGenerator::default(),
            cancels: Mutex::default(),
            runtime: runtime.handle().clone(),
        });
        let (stopping, told) = watch::channel(false);
        let serving = Some(tokio::spawn(accept(listener, tls, shared, told)));
        Ok(Port { address, stopping, serving, runtime: Some(runtime) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes nobody in any more, lets statements under way finish for so long, and ends.
    pub async fn stop(mut self, grace: Duration) {
        self.stopping.send_replace(true);
        if let Some(mut serving) = self.serving.take()
            && tokio::time::timeout(grace, &mut serving).await.is_err()
        {
            serving.abort();
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) {
    let waiting = Arc::new(Semaphore::new(WAITING));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = connection::stopped(&mut stopping) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Too many that do not log in: this one is let go.
                let Ok(permit) = waiting.clone().try_acquire_owned() else { continue };
                let (tls, shared) = (tls.clone(), shared.clone());
                connections.spawn(connection::serve(stream, peer, tls, shared, permit, stopping.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: it passes, and trying at once would only spin.
                tracing::warn!(%error, "a connection to the SQL port could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
