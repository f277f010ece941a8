//! [`Failure`]: why a command could not do its work, with the exit code that says so. Next: [`super`].

use thiserror::Error;

use crate::config::Problems;
use crate::convert::{ConvertError, Exit};
use crate::daemon::DaemonError;
use crate::store::StoreError;

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// A conversion, or a command line that does not go together.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// Something of the daemon's.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
}

impl Failure {
    /// A command line that asks for something that does not go together.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::Convert(ConvertError::Usage(text.into()))
    }

    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Convert(error) => error.exit(),
            Self::Daemon(error) if error.is_configuration() => Exit::Configuration,
            Self::Daemon(_) => Exit::Io,
        }
    }

    /// Whether the reader of our output went away (`| head`): no error to a person.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Convert(error) if error.is_broken_pipe())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Daemon(error.into())
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Daemon(problems.into())
    }
}
