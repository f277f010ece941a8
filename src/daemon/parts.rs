//! [`Parts`]: what a configuration describes, made and ready to be joined.
//!
//! A command that only sends or decides needs the store and the planner; the daemon needs the endpoints too. Next:
//! [`super::endpoints`].

use std::sync::Arc;

use crate::codeset::Codeset;
use crate::config::{Config, Mapping};
use crate::event::finish::Identities;
use crate::map::mapper::Settings;
use crate::map::refs::Form;
use crate::plan::Planner;
use crate::store::{self, SqliteStore, StoreError};

use super::error::DaemonError;
use super::lock::Lock;

/// What every command that touches the outbox needs.
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// Makes plans.
    pub planner: Arc<Planner>,
}

impl Parts {
    /// Loads the codeset and the keys that a configuration names.
    ///
    /// # Errors
    /// The codeset or a key cannot be used.
    pub fn of(config: Config) -> Result<Self, DaemonError> {
        let planner = Arc::new(planner(&config)?);
        Ok(Self { config, planner })
    }

    /// Opens the store for who holds the data folder's lock: an older store is brought to the form of this program.
    ///
    /// # Errors
    /// The store cannot be used, or others may read it.
    pub fn store(&self) -> Result<SqliteStore, DaemonError> {
        Ok(SqliteStore::open(&self.config.store)?)
    }

    /// Opens the store for a command that writes and may run beside a daemon. An older store is brought to the form of this
    /// program only where no daemon works with it; nor is a store made beside one.
    ///
    /// # Errors
    /// As [`Parts::store`]; the store is older, or absent, and a daemon runs.
    pub fn store_beside(&self) -> Result<SqliteStore, DaemonError> {
        if !self.has_store() {
            return match Lock::take(&self.config.data_folder) {
                Ok(_lock) => self.store(),
                Err(DaemonError::Running(_)) => Err(self.has_gone().into()),
                Err(error) => Err(error),
            };
        }
        match SqliteStore::open_as_it_is(&self.config.store) {
            Err(older @ StoreError::Older { .. }) => match Lock::take(&self.config.data_folder) {
                Ok(_lock) => self.store(),
                Err(DaemonError::Running(_)) => Err(older.into()),
                Err(error) => Err(error),
            },
            opened => Ok(opened?),
        }
    }

    fn has_store(&self) -> bool {
        self.config.store.join(store::FILE).exists()
    }

    /// What a daemon works with is not where it was.
    fn has_gone(&self) -> StoreError {
        let problem = "there is no store here, though a daemon works on the data folder: its store was deleted or moved, or is \
                       only being made. Nothing was done. If it is so in a minute, see \"the store was deleted or replaced\" \
                       in docs/OPERATIONS.md";
        let path = self.config.store.join(store::FILE).display().to_string();
        StoreError::Place { path, problem: problem.to_owned() }
    }

    /// Opens the store for a command that only looks: it makes nothing and changes no store's form.
    ///
    /// # Errors
    /// As [`Parts::store`]; the store is older, or absent though a daemon runs.
    pub fn store_to_read(&self) -> Result<SqliteStore, DaemonError> {
        if !self.has_store() && Lock::is_held(&self.config.data_folder) {
            return Err(self.has_gone().into());
        }
        Ok(SqliteStore::read(&self.config.store)?)
    }
}

/// The codeset that a configuration names, or the one that ships.
///
/// # Errors
/// It cannot be loaded.
pub fn codeset(config: &Config) -> Result<Arc<Codeset>, DaemonError> {
    Ok(match &config.mapping.codeset {
        Some(folder) => Arc::new(Codeset::from_dir(folder)?),
        None => Codeset::embedded()?,
    })
}

fn planner(config: &Config) -> Result<Planner, DaemonError> {
    let codeset = codeset(config)?;
    let agent = format!("sp-fhir {}, codeset {}", env!("CARGO_PKG_VERSION"), codeset.name_and_version());
    let settings = Settings {
        form: Form::Transaction,
        code_in_every_bundle: true,
        // Each plan is recorded when it is made.
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        agent,
        repair_codes: config.mapping.repair_codes,
        create_patient: false,
    };
    Ok(Planner { codeset, settings, routes: config.routes(), identities: identities(config)? })
}

/// What the deployer gave for identity. The source comes with each intake.
///
/// # Errors
/// The key cannot be had.
pub fn identities(config: &Config) -> Result<Identities, DaemonError> {
    use secrecy::ExposeSecret as _;
    let key = config.mapping.opaque_key.as_ref();
    let key = key.map(|key| key.read(Mapping::MIN_KEY)).transpose()?;
    Ok(Identities { source: None, opaque_key: key.map(|key| key.expose_secret().to_vec()) })
}
