//! Why a command could not do what it was asked: one or two sentences, what happened, to what, what to do.

use crate::client::ClientError;

/// Why a command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was asked for something that cannot be asked for.
    #[error("{0}")]
    Use(String),
    /// Something stood in the way.
    #[error("{0}")]
    CouldNot(String),
    /// The server refused or did not answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The output was closed, as by `| head`: nothing to say to anybody.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// 2 for wrong use, 3 for what could not be done.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Use(_) => 2,
            Failure::Client(error) if error.is_wrong_use() => 2,
            Failure::OutputClosed => 0,
            Failure::CouldNot(_) | Failure::Client(_) => 3,
        }
    }

    /// Something stood in the way of `what`.
    pub(crate) fn could_not(what: impl Into<String>) -> Self {
        Failure::CouldNot(what.into())
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        match error {
            store::StoreError::TokenExists(_) | store::StoreError::TokenInvalid(_) => Failure::Use(error.to_string()),
            other => Failure::CouldNot(with_causes(&other)),
        }
    }
}

/// The message with what caused it.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
