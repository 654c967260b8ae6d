//! Starting and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::ServiceExt;
use axum::extract::Request;
use domain::catalogue::Tree;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tower::Layer;
use tower::util::MapRequestLayer;
use warehouse::Warehouse;
use warehouse::wire::{Port, PortError};

use crate::archive::open_archive;
use crate::auth::take_token_from_address;
use crate::backfills::{self, Backfills};
use crate::clock;
use crate::config::Config;
use crate::feeds::{FeedStates, Feeds};
use crate::routes;
use crate::seal::Keeping;
use crate::senders::Senders;
use crate::sql::Door;
use crate::state::{App, Shown, Synced};
use crate::sync::{self, Calls};
use crate::tools;

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
    following: JoinHandle<()>,
    sealing: JoinHandle<()>,
    synced: watch::Receiver<Synced>,
    backfills: Arc<Backfills>,
    polling: JoinHandle<()>,
    learning: JoinHandle<()>,
    rebuilding: JoinHandle<()>,
    feeds: Feeds,
    sql: Option<Port>,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The warehouse cannot be set up.
    #[error("the warehouse cannot be set up: {0}")]
    Warehouse(domain::Problem),
    /// The SQL port cannot be set up.
    #[error("the SQL port cannot be set up: {0}")]
    Sql(String),
    /// A configured source cannot be used.
    #[error("the configuration cannot be used: {0}")]
    Sources(String),
}

/// Requests under way get this long to finish when the server stops.
const GRACE: Duration = Duration::from_secs(10);

impl Server {
    /// Listens and answers; the warehouse is filled from the store in the background, and readers wait for it.
    ///
    /// # Errors
    /// The address cannot be listened on, the warehouse cannot be set up, or a secret cannot be read.
    pub async fn start(config: Config, store: Store) -> Result<Server, StartError> {
        let senders = Arc::new(Senders::new(&config.sources).map_err(StartError::Sources)?);
        let listen = config.server.listen.clone();
        let failed = |source| StartError::Listen { address: listen.clone(), source };
        let listener = TcpListener::bind(&listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (warehouse, archive) = match sync::lake(&store) {
            Some(folder) => {
                let archive = open_archive(&store, &folder).await.map_err(StartError::Warehouse)?;
                (Warehouse::open(&folder).await, Some(archive))
            }
            None => (Warehouse::new(), None),
        };
        let warehouse = Arc::new(warehouse.map_err(StartError::Warehouse)?);
        let shown = Arc::new(Shown {
            warehouse: ArcSwap::new(warehouse),
            tree: ArcSwap::from_pointee(Tree::default()),
            definitions: ArcSwap::from_pointee(domain::definition::shipped()),
        });
        let (sender, synced) = watch::channel(Synced { change: 0, at: clock::now(), ready: false });
        let calls = Arc::new(Calls::default());
        let on_change = Arc::clone(&calls);
        store.on_change(Box::new(move |_| on_change.applied.notify_one()));
        let (stopping, told) = watch::channel(false);
        let keeping = Keeping {
            store: store.clone(),
            shown: Arc::clone(&shown),
            archive,
            warehouse: config.warehouse.clone(),
            retention: config.retention.clone(),
            stopping: told.clone(),
        };
        let following = tokio::spawn(sync::follow(
            store.clone(),
            Arc::clone(&shown),
            Arc::clone(&calls),
            sender,
            config.warehouse.clone(),
            config.retention.clone(),
        ));
        let sealing = tokio::spawn(keeping.run());
        let config = Arc::new(config);
        let backfills = Arc::new(Backfills::new(store.clone(), &config.sources));
        let going_on = Arc::clone(&backfills);
        // It asks the store, which blocks.
        let resumed = tokio::task::spawn_blocking(move || going_on.resume()).await;
        if let Err(error) = resumed {
            tracing::error!(error = %error, "unfinished backfills could not be gone on with");
        }
        let learning = tokio::spawn(tools::follow(Arc::clone(&config), told.clone()));
        let polling = tokio::spawn(backfills::poll(Arc::clone(&backfills)));
        let synced_too = synced.clone();
        let feed_states = FeedStates::default();
        let feeds = Feeds::start(&config, &store, &feed_states, &told).map_err(StartError::Sources)?;
        let app = App {
            config,
            store,
            shown,
            synced: synced_too,
            calls,
            stopping: told,
            senders,
            backfills: Arc::clone(&backfills),
            rebuilding: Arc::default(),
            feeds: feed_states,
        };
        let sql = match app.config.sql.settings() {
            Some(settings) => Some(open(settings, app.clone()).await?),
            None => None,
        };
        let going_on = app.clone();
        let rebuilding = tokio::task::spawn_blocking(move || resume_rebuild(&going_on));
        let service = MapRequestLayer::new(take_token_from_address).layer(routes::router(app));
        let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stop = async {
                // A dropped handle stops the server too.
                let _ = stopped.await;
            };
            axum::serve(listener, service).with_graceful_shutdown(stop).await
        });
        Ok(Server {
            address,
            stop: Some(stop),
            stopping,
            serving,
            following,
            sealing,
            synced,
            backfills,
            polling,
            learning,
            rebuilding,
            feeds,
            sql,
        })
    }

    /// Waits until what was in the store at the start can be asked for; events are taken before.
    pub async fn ready(&self) {
        // It fails only when the server has stopped, and then there is nothing to wait for.
        let _ = self.synced.clone().wait_for(|synced| synced.ready).await;
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where SQL is asked, when it is.
    #[must_use]
    pub fn sql_address(&self) -> Option<SocketAddr> {
        self.sql.as_ref().map(Port::address)
    }

    /// Answers what is under way, for ten seconds at most, and stops.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if let Some(stop) = self.stop.take() {
            // It may have stopped by itself already.
            let _ = stop.send(());
        }
        self.polling.abort();
        self.learning.abort();
        // What has come is kept and answered for; what has not is sent again.
        let _ = tokio::time::timeout(GRACE, self.feeds.join()).await;
        self.backfills.halt();
        let closing = self.sql.take().map(|port| tokio::spawn(port.stop(GRACE)));
        if tokio::time::timeout(GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        if let Some(closing) = closing {
            // It ends within the same grace.
            let _ = closing.await;
        }
        self.following.abort();
        self.sealing.abort();
        // One that waits for an answer of its vendor is left alone: what it has kept is durable.
        let backfills = Arc::clone(&self.backfills);
        let _ = tokio::time::timeout(GRACE, tokio::task::spawn_blocking(move || backfills.join())).await;
        // It ends with the step it is at.
        let _ = tokio::time::timeout(GRACE, &mut self.rebuilding).await;
        // Without this a query cut off here would be told as a failure.
        let _ = self.following.await;
        let _ = self.sealing.await;
    }

    /// Serves until the process is told to stop (SIGINT or SIGTERM), then stops as [`Server::stop`] does.
    pub async fn wait(self) {
        told_to_stop().await;
        tracing::info!("stopping");
        self.stop().await;
    }
}

/// Goes on with a rebuild that an earlier process could not finish.
fn resume_rebuild(app: &App) {
    match app.store.unfinished_rebuild() {
        Ok(None) => return,
        Ok(Some(_)) => tracing::info!("a rebuild that was cut off is gone on with"),
        Err(error) => return tracing::error!(error = %error, "whether a rebuild was cut off cannot be told"),
    }
    match app.rebuilding.run(&app.store, None, &app.stopping) {
        Ok(_) => tracing::info!("the rebuild is done"),
        Err(error) => tracing::warn!(error = %error.into_problem(), "the rebuild is not done"),
    }
}

async fn open(settings: warehouse::wire::Settings, app: App) -> Result<Port, StartError> {
    let listen = settings.listen.clone();
    let port = Port::start(settings, Arc::new(Door(app))).await.map_err(|error| match error {
        PortError::Listen(source) => {
            StartError::Sql(format!("cannot listen on {listen}: {source}; choose another address in `sql.listen`"))
        }
        PortError::Tls(why) | PortError::Engine(why) => StartError::Sql(why),
        PortError::Open(address) => StartError::Sql(format!(
            "{address} can be reached by others, and tokens would go over the network as they are; set \
             sql.tls_certificate_file and sql.tls_key_file, or listen on 127.0.0.1"
        )),
    })?;
    tracing::info!(address = %port.address(), "SQL is asked here");
    Ok(port)
}

async fn told_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
