//! What can go wrong in the store.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use correlate::LedgerError;
use rusqlite::ErrorCode;

/// Why the store could not do what was asked. Cheap to clone: one failed commit answers many clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder open.
    #[error("{} is in use by another leadline process (pid {pid}); stop it or use its --url", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// That process, as far as it is known.
        pid: String,
    },
    /// A newer leadline has written the database.
    #[error(
        "the database has version {found} and this leadline knows versions up to {known}; install a newer leadline"
    )]
    Newer {
        /// Version of the database.
        found: u32,
        /// Newest version known here.
        known: u32,
    },
    /// The folder or a file in it cannot be made or opened.
    #[error("{} cannot be used", path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// The database failed.
    #[error("the database could not be read or written")]
    Database(#[source] Arc<rusqlite::Error>),
    /// The correlation rules failed on the ledger.
    #[error("the rules could not be applied")]
    Ledger(#[source] Arc<LedgerError>),
    /// Something stored is not what was written.
    #[error("{what} in the database cannot be read")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A parser or rule panicked on a row.
    #[error("applying panicked: {0}")]
    Panicked(String),
    /// A live token has this name.
    #[error("there is a token named `{0}` already; revoke it first or take another name")]
    TokenExists(String),
    /// A token cannot be made so.
    #[error("{0}")]
    TokenInvalid(String),
    /// Somebody the data is written to does not take it.
    #[error("the output could not be written")]
    Output(#[source] Arc<std::io::Error>),
    /// Bodies have moved to an archive that nobody has given.
    #[error(
        "the bodies of journal rows that came on {0} are in the archive, the table `journal` of the data folder, which is not open here"
    )]
    NoArchive(domain::time::Day),
    /// The archive does not give a body.
    #[error("{0}")]
    Archive(domain::Problem),
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
    /// Facts are being made anew already.
    #[error("a rebuild is under way; wait until it is done")]
    Rebuilding,
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        StoreError::File { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn unreadable(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        StoreError::Unreadable { what, source: Arc::from(source.into()) }
    }

    /// Whether the machine and not the data is to blame: trying again later may work, and no row is at fault.
    pub(crate) fn is_environment(&self) -> bool {
        match self {
            StoreError::Database(error) => error.sqlite_error_code().is_some_and(is_environment),
            StoreError::Ledger(error) => error.0.downcast_ref::<StoreError>().is_some_and(StoreError::is_environment),
            // A body that cannot be read now is no fault of its row.
            StoreError::File { .. } | StoreError::Closed | StoreError::NoArchive(_) | StoreError::Archive(_) => true,
            _ => false,
        }
    }

    /// The message with all its causes, for the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text
    }
}

fn is_environment(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
    )
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Database(Arc::new(error))
    }
}

impl From<LedgerError> for StoreError {
    fn from(error: LedgerError) -> Self {
        StoreError::Ledger(Arc::new(error))
    }
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        LedgerError(Box::new(error))
    }
}
