//! From a configured endpoint to one that delivers: its credentials, its certificates, its client.
//!
//! Next: [`super::run`].

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::endpoint::{Auth, Kind, Receiver, Server, Tls};
use crate::config::raw::SmartAlgorithm as Named;
use crate::config::{EndpointConfig, HttpAuth, Secret, SecretRef};
use crate::endpoint::Endpoint;
use crate::endpoint::auth::bearer::BearerFile;
use crate::endpoint::auth::client_credentials::{ClientCredentials, ClientCredentialsSettings, SecretIn};
use crate::endpoint::auth::nhs_jwt::{NhsJwt, NhsJwtSettings};
use crate::endpoint::auth::none::NoAuth;
use crate::endpoint::auth::skew::Skew;
use crate::endpoint::auth::smart::{Smart, SmartAlgorithm, SmartSettings};
use crate::endpoint::auth::tls::TlsFiles;
use crate::endpoint::auth::token_client::TokenClient;
use crate::endpoint::auth::{AuthError, Authorise};
use crate::endpoint::fhir_rest::base::Base;
use crate::endpoint::fhir_rest::client::{self, Client, Limits};
use crate::endpoint::fhir_rest::{self, FhirRest};
use crate::endpoint::file::Folder;
use crate::endpoint::webhook::{self, Webhook};

use super::error::DaemonError;

/// Makes a configured endpoint. Reads its keys and certificates; sends and changes nothing.
///
/// # Errors
/// A key or certificate cannot be used.
pub fn make(config: &EndpointConfig, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Endpoint>, DaemonError> {
    match &config.kind {
        Kind::File { path } => Ok(Arc::new(Folder::new(config.name.clone(), path.clone()))),
        Kind::Fhir(server) => Ok(Arc::new(rest(config, server, clock)?)),
        Kind::Webhook(receiver) => Ok(Arc::new(webhook(config, receiver, clock)?)),
    }
}

fn webhook(
    config: &EndpointConfig,
    receiver: &Receiver,
    clock: &Arc<dyn Clock>,
) -> Result<Webhook, DaemonError> {
    let wrong = |problem: String| DaemonError::Endpoint { name: config.name.clone(), problem };
    Webhook::open(webhook::Settings {
        name: config.name.clone(),
        url: receiver.url.to_string(),
        key: Secret::open(receiver.key.clone(), HttpAuth::MIN_KEY)
            .map_err(|error| wrong(error.to_string()))?,
        tls: tls_files(&receiver.tls).map_err(wrong)?,
        limits: webhook::limits(),
        clock: Arc::clone(clock),
    })
    .map_err(|error| wrong(error.to_string()))
}

/// Removes what was left half written in the folder of a file endpoint; before anything is sent there.
///
/// # Errors
/// The folder cannot be used.
pub fn tidy(config: &EndpointConfig) -> Result<(), DaemonError> {
    let Kind::File { path } = &config.kind else { return Ok(()) };
    Folder::new(config.name.clone(), path.clone()).tidy().map_err(|error| DaemonError::io(path, error))
}

/// Makes a configured FHIR server's endpoint.
///
/// # Errors
/// A key or certificate cannot be used.
pub fn rest(
    config: &EndpointConfig,
    server: &Server,
    clock: &Arc<dyn Clock>,
) -> Result<FhirRest, DaemonError> {
    let wrong = |problem: String| DaemonError::Endpoint { name: config.name.clone(), problem };
    let files = tls_files(&server.tls).map_err(wrong)?;
    let skew = Arc::new(Skew::default());
    let auth = authorise(server, &files, clock, &skew).map_err(wrong)?;
    let base = Base::parse(server.url.as_str()).map_err(|error| wrong(error.to_string()))?;
    let settings = client::Settings {
        base,
        auth,
        limits: Limits::default(),
        tls: files,
        clock: Arc::clone(clock),
        skew,
    };
    let client = Client::open(settings).map_err(|error| wrong(error.to_string()))?;
    Ok(FhirRest::new(fhir_rest::Settings {
        name: config.name.clone(),
        practices: config.practices.clone(),
        owner: config.pull.as_ref().and_then(|pull| pull.owner.clone()),
        provenance: None,
        client,
        clock: Arc::clone(clock),
    }))
}

fn authorise(
    server: &Server,
    files: &TlsFiles,
    clock: &Arc<dyn Clock>,
    skew: &Arc<Skew>,
) -> Result<Arc<dyn Authorise>, String> {
    let base = server.url.as_str();
    let said = |error: AuthError| error.to_string();
    let tokens = || TokenClient::open(files.clone(), Arc::clone(clock), Arc::clone(skew)).map_err(said);
    Ok(match &server.auth {
        // A certificate is a credential too, wherever the server is.
        Auth::None if files.certificate.is_some() => Arc::new(NoAuth::with_certificate()),
        Auth::None => Arc::new(NoAuth::at(base).map_err(said)?),
        Auth::Bearer { token } => Arc::new(BearerFile::open(base, file(token)?).map_err(said)?),
        Auth::ClientCredentials { token_url, client_id, secret, scope } => {
            let settings = ClientCredentialsSettings {
                token_url: token_url.to_string(),
                client_id: client_id.clone(),
                secret_file: file(secret)?,
                secret_in: SecretIn::Header,
                scope: scope.clone(),
            };
            Arc::new(ClientCredentials::open(settings, tokens()?).map_err(said)?)
        }
        Auth::NhsJwt { token_url, client_id, key, key_id } => {
            let settings = NhsJwtSettings {
                token_url: token_url.to_string(),
                api_key: client_id.clone(),
                key_file: file(key)?,
                kid: Some(key_id.clone()),
            };
            Arc::new(NhsJwt::open(settings, tokens()?).map_err(said)?)
        }
        Auth::Smart { token_url, client_id, key, key_id, algorithm, scope } => {
            let settings = SmartSettings {
                base: base.to_owned(),
                token_url: Some(token_url.to_string()),
                client_id: client_id.clone(),
                scope: scope.clone(),
                algorithm: match algorithm {
                    Named::Rs384 => SmartAlgorithm::Rs384,
                    Named::Es384 => SmartAlgorithm::Es384,
                },
                key_file: file(key)?,
                kid: Some(key_id.clone()),
            };
            Arc::new(Smart::open(settings, tokens()?).map_err(said)?)
        }
    })
}

fn tls_files(tls: &Tls) -> Result<TlsFiles, String> {
    let (certificate, key) = match &tls.identity {
        Some((certificate, key)) => (Some(certificate.clone()), Some(file(key)?)),
        None => (None, None),
    };
    Ok(TlsFiles { authorities: tls.ca.clone(), certificate, key })
}

/// Keys of endpoints are files, because a key is renewed by replacing its file while the daemon runs.
fn file(secret: &SecretRef) -> Result<PathBuf, String> {
    match secret {
        SecretRef::File(path) => Ok(path.clone()),
        SecretRef::Environment(name) => Err(format!(
            "the key of an endpoint is given by file, not by the environment variable {name}, so that it can be \
             renewed while the daemon runs"
        )),
    }
}
