//! What the tests share: a clock, keys, files, and a client at the server.

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize};
use secrecy::{ExposeSecret, SecretString};
use sp_fhir::clock::ManualClock;
use sp_fhir::endpoint::auth::Authorise;
use sp_fhir::endpoint::auth::nhs_jwt::{NhsJwt, NhsJwtSettings};
use sp_fhir::endpoint::auth::skew::Skew;
use sp_fhir::endpoint::auth::tls::TlsFiles;
use sp_fhir::endpoint::auth::token_client::TokenClient;
use sp_fhir::outbox::Reason;

use crate::server::Server;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) skew: Arc<Skew>,
    pub(crate) server: Server,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = clock(7);
        let server = Server::start(clock.clone()).await;
        Self { clock, skew: Arc::default(), server, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn client(&self) -> TokenClient {
        self.client_at(self.clock.clone())
    }

    pub(crate) fn client_at(&self, clock: Arc<ManualClock>) -> TokenClient {
        TokenClient::open(TlsFiles::default(), clock, self.skew.clone()).unwrap()
    }

    /// A file that only we may read.
    pub(crate) fn secret_file(&self, name: &str, content: &str) -> PathBuf {
        secret_file(self.folder.path(), name, content)
    }

    /// A key whose public half the server knows by a name.
    pub(crate) fn register(&self, kid: &str, algorithm: Algorithm) -> KeyPair {
        let key = key(algorithm);
        self.server.lock().keys.insert(kid.to_owned(), (algorithm, public(&key, algorithm)));
        key
    }

    /// An NHS client with a registered key in `key.pem`.
    pub(crate) fn nhs(&self) -> NhsJwt {
        let key = self.register("test-1", Algorithm::RS512);
        let file = self.secret_file("key.pem", &format!("kid: test-1\n{}", key.serialize_pem()));
        self.server.lock().issuer = "canary-api-key".to_owned();
        NhsJwt::open(self.nhs_settings(file, None), self.client()).unwrap()
    }

    pub(crate) fn nhs_settings(&self, key_file: PathBuf, kid: Option<&str>) -> NhsJwtSettings {
        let token_url = self.server.token_url();
        NhsJwtSettings {
            token_url,
            api_key: "canary-api-key".to_owned(),
            key_file,
            kid: kid.map(str::to_owned),
        }
    }

    /// What the API says to a header.
    pub(crate) async fn call(&self, header: &Option<SecretString>) -> u16 {
        let mut request = reqwest::Client::new().get(format!("{}/Task", self.server.base()));
        if let Some(value) = header {
            request = request.header("Authorization", value.expose_secret());
        }
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) fn asked(&self) -> usize {
        self.server.lock().asked
    }
}

pub(crate) fn clock(seed: u64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap(), seed))
}

/// The header as text.
pub(crate) async fn header(kind: &dyn Authorise) -> Result<String, Reason> {
    kind.header().await.map(|value| value.map(|value| value.expose_secret().to_owned()).unwrap_or_default())
}

pub(crate) fn key(algorithm: Algorithm) -> KeyPair {
    match algorithm {
        Algorithm::ES384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        Algorithm::ES256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        _ => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
    }
    .unwrap()
}

pub(crate) fn public(key: &KeyPair, algorithm: Algorithm) -> DecodingKey {
    match algorithm {
        Algorithm::ES384 => DecodingKey::from_ec_der(key.public_key_raw()),
        _ => DecodingKey::from_rsa_der(key.public_key_raw()),
    }
}

/// Written whole and put in place by a rename, as a rotation should be.
pub(crate) fn secret_file(folder: &std::path::Path, name: &str, content: &str) -> PathBuf {
    let (draft, path) = (folder.join(format!(".{name}")), folder.join(name));
    std::fs::write(&draft, content).unwrap();
    set_mode(&draft, 0o600);
    std::fs::rename(&draft, &path).unwrap();
    path
}

pub(crate) fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
