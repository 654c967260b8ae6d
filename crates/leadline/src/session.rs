//! Who answers a command: a running server, or one started here for as long as the command lasts.

use std::net::SocketAddr;
use std::path::Path;

use server::{Config, DataConfig, IngestConfig, Server, ServerConfig};
use store::{Location, Scope, Store};
use tokio::runtime::Runtime;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::clock;
use crate::failure::{Failure, with_causes};

/// Name of the token of this process, and so the source of events that name none. It lives as long as the command.
pub(crate) const COMMAND: &str = "command-line";

/// A server to talk to.
pub(crate) struct Session {
    client: Client,
    local: Option<Local>,
}

/// A server in this process.
pub(crate) struct Local {
    runtime: Runtime,
    server: Option<Server>,
    store: Store,
}

impl Session {
    /// Of the server or the folder that was named.
    pub(crate) fn open(target: &TargetArgs) -> Result<Self, Failure> {
        match &target.url {
            Some(url) => Ok(Session::at(remote(url, target.token.clone())?)),
            None => {
                let store = open_store(&target.data)?;
                let config = Config {
                    server: ServerConfig { listen: "127.0.0.1:0".to_owned() },
                    data: DataConfig { dir: target.data.clone() },
                    ingest: IngestConfig::default(),
                    ..Config::default()
                };
                Session::here(config, store)
            }
        }
    }

    /// Of a running server.
    pub(crate) fn at(client: Client) -> Self {
        Session { client, local: None }
    }

    /// Of a server in this process.
    pub(crate) fn here(config: Config, store: Store) -> Result<Self, Failure> {
        let (local, client) = Local::start(config, store)?;
        Ok(Session { client, local: Some(local) })
    }

    /// To ask through.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until everything sent is applied, as far as that can be known, and stops a server of our own.
    pub(crate) fn close(self) -> Result<(), Failure> {
        self.local.map_or(Ok(()), Local::stop)
    }
}

/// A client of a running server, when the address is one.
pub(crate) fn remote(url: &str, token: Option<String>) -> Result<Client, Failure> {
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(Failure::Use(format!("`{url}` is not an address; write http://HOST:PORT or https://HOST")));
    }
    Ok(Client::new(url, token))
}

/// The store of a folder.
pub(crate) fn open_store(folder: &Path) -> Result<Store, Failure> {
    Store::open(Location::Folder(folder.to_owned()), server::interpreter()).map_err(|error| match error {
        store::StoreError::InUse { .. } => Failure::could_not(error.to_string()),
        other => Failure::could_not(format!(
            "the data folder {} cannot be opened: {}",
            folder.display(),
            with_causes(&other)
        )),
    })
}

/// Lets a store read the bodies that moved out of its journal, where no server does.
pub(crate) fn open_archive(store: &Store) -> Result<(), Failure> {
    let Some(folder) = store.folder() else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::could_not(format!("no threads can be started: {error}")))?;
    let opened = runtime.block_on(server::open_archive(store, &server::lake(folder)));
    opened.map(|_| ()).map_err(|problem| Failure::could_not(problem.to_string()))
}

impl Local {
    /// Starts a server, and makes a token that only this process knows.
    pub(crate) fn start(config: Config, store: Store) -> Result<(Self, Client), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::could_not(format!("no threads can be started: {error}")))?;
        // The folder is ours alone: a token of this name was left by a command that was killed.
        store.revoke_token(COMMAND, clock::now())?;
        let token = store.create_token(COMMAND, &[Scope::Admin], clock::now())?;
        let server = runtime.block_on(Server::start(config, store.clone()));
        let server = server.map_err(|error| Failure::could_not(with_causes(&error)))?;
        runtime.block_on(server.ready());
        let client = Client::new(&format!("http://{}", server.address()), Some(token));
        Ok((Local { runtime, server: Some(server), store }, client))
    }

    /// Where SQL is asked, when it is, and a password for it that is good for as long as the data is.
    pub(crate) fn sql(&self, reader: &str) -> Result<Option<(SocketAddr, String)>, Failure> {
        let Some(address) = self.server.as_ref().and_then(Server::sql_address) else { return Ok(None) };
        Ok(Some((address, self.store.create_token(reader, &[Scope::Read], clock::now())?)))
    }

    /// Waits until everything sent is applied.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        Ok(self.store.settle()?)
    }

    /// Serves until the process is told to stop; the token of this process is gone by then.
    pub(crate) fn wait(mut self) -> Result<(), Failure> {
        self.forget_token()?;
        self.wait_with_token()
    }

    /// As [`Local::wait`], for a process that goes on sending.
    pub(crate) fn wait_with_token(&mut self) -> Result<(), Failure> {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.wait());
        }
        self.forget_token()
    }

    /// Stops.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let settled = self.settle();
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
        self.forget_token()?;
        settled
    }

    fn forget_token(&self) -> Result<(), Failure> {
        self.store.revoke_token(COMMAND, clock::now())?;
        Ok(())
    }
}
