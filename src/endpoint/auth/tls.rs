//! [`Connector`]: HTTP clients that trust our authorities and show our certificate (mutual TLS).
//!
//! A client is built from files and built anew when they change; connections of the old one end with its requests. What
//! this is not: who a server may be is decided by the TLS library (name, chain, dates), never switched off here.
//! Invariant: no redirect is followed and no proxy of the environment is used. Next: [`super::token_client`].

use std::path::PathBuf;

use jiff::Timestamp;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::zeroize::Zeroizing;

use super::watched::{Privacy, Watched};
use super::{AuthError, expiry};

/// The files of TLS; without any, the machine's authorities are trusted and no certificate is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Authorities in PEM form; when given, only these are trusted.
    pub authorities: Option<PathBuf>,
    /// Our certificate in PEM form, followed by those between it and its authority.
    pub certificate: Option<PathBuf>,
    /// Its private key in PEM form, readable by us alone.
    pub key: Option<PathBuf>,
}

/// A client, rebuilt when its files change.
#[derive(Debug)]
pub struct Connector {
    built: Watched<Built>,
}

/// A client and the ends of the certificates that it was built from.
struct Built {
    client: Client,
    own: Vec<Timestamp>,
    authorities: Vec<Timestamp>,
}

impl Connector {
    /// Reads the files. `configure` sets timeouts and the like; it is called again for each new client.
    ///
    /// # Errors
    ///
    /// Where a file is missing, damaged or readable by others, or certificate and key do not belong together.
    pub fn open(
        files: TlsFiles,
        configure: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, AuthError> {
        let mut paths = Vec::new();
        let has_authorities = files.authorities.is_some();
        paths.extend(files.authorities.map(|path| (path, Privacy::Public)));
        match (files.certificate, files.key) {
            (Some(certificate), Some(key)) => {
                paths.push((certificate, Privacy::Public));
                paths.push((key, Privacy::Secret));
            }
            (None, None) => {}
            _ => return Err(AuthError::Setting("mutual TLS needs both a certificate and its key")),
        }
        let built = Watched::open(paths, move |contents| {
            let (authorities, own) =
                contents.split_at_checked(usize::from(has_authorities)).unwrap_or_default();
            build(authorities.first().copied(), own, &configure)
        })?;
        Ok(Self { built })
    }

    /// The client of the files as they are now. Cheap; ask for it before each request.
    #[must_use]
    pub fn client(&self) -> Client {
        self.built.current().client.clone()
    }

    /// When the first of our own certificate and those that come with it ends; none without one. This is what alarms
    /// are for.
    #[must_use]
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        self.built.current().own.iter().min().copied()
    }

    /// When each of the authorities ends, for `check`: a bundle may well hold old ones.
    #[must_use]
    pub fn authorities_end(&self) -> Vec<Timestamp> {
        self.built.current().authorities.clone()
    }

    /// Whether the files as they are now could be used, for `check`.
    ///
    /// # Errors
    ///
    /// As [`Connector::open`].
    pub fn check(&self) -> Result<(), AuthError> {
        self.built.check().map(drop)
    }
}

fn build(
    authorities: Option<&[u8]>,
    own: &[&[u8]],
    configure: &dyn Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Built, String> {
    let mut builder =
        configure(Client::builder()).redirect(reqwest::redirect::Policy::none()).referer(false).no_proxy();
    let mut ends_of_authorities = Vec::new();
    if let Some(pem) = authorities {
        ends_of_authorities = expiry::ends(pem)?;
        let trusted = CertificateDer::pem_slice_iter(pem)
            .map(|found| found.ok().and_then(|found| Certificate::from_der(&found).ok()))
            .collect::<Option<Vec<_>>>()
            .ok_or("holds a certificate that cannot be read")?;
        builder = builder.tls_certs_only(trusted);
    }
    let mut ends_of_own = Vec::new();
    if let [certificate, key] = own {
        ends_of_own = expiry::ends(certificate)?;
        let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + key.len() + 1));
        both.extend_from_slice(certificate);
        both.push(b'\n');
        both.extend_from_slice(key);
        let identity = Identity::from_pem(&both).map_err(|_| {
            "certificate and private key in PEM form are expected, the key unencrypted".to_owned()
        })?;
        builder = builder.identity(identity);
    }
    // The library's own words are kept out: they may quote.
    let client = builder
        .build()
        .map_err(|_| "cannot be used for TLS: damaged, of a kind unknown, or key and certificate do not belong together")?;
    Ok(Built { client, own: ends_of_own, authorities: ends_of_authorities })
}
