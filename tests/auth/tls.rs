//! Mutual TLS: who is let in, who is not, and certificates that change while we run.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sp_fhir::endpoint::auth::expiry;
use sp_fhir::endpoint::auth::tls::{Connector, TlsFiles};

use crate::world::secret_file;

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key in PEM form.
fn issue(by: &Authority, name: &str, last_year: i32) -> (String, String) {
    issue_until(by, name, (last_year, 6, 1))
}

/// Certificate and key in PEM form; the certificate ends at the beginning of a day.
pub(crate) fn issue_until(by: &Authority, name: &str, (year, month, day): (i32, u8, u8)) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, month, day);
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

/// A server that shows a certificate, wants one from `trusted`, and answers with the SHA-256 of what it was shown.
/// Its own certificate can be exchanged.
pub(crate) struct Server {
    pub(crate) url: String,
    config: Arc<Mutex<Arc<ServerConfig>>>,
}

pub(crate) fn config(trusted: &Authority, shown: &(String, String)) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let chain = CertificateDer::pem_slice_iter(shown.0.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(shown.1.as_bytes()).unwrap();
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
}

impl Server {
    pub(crate) fn start(first: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let config = Arc::new(Mutex::new(first));
        let shared = Arc::clone(&config);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let session = ServerConnection::new(shared.lock().unwrap().clone()).unwrap();
                std::thread::spawn(move || serve(StreamOwned::new(session, stream.unwrap())));
            }
        });
        Self { url, config }
    }
}

fn serve(mut stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> Option<()> {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        seen.push(byte[0]);
    }
    let shown = stream.conn.peer_certificates()?.first()?.clone();
    let body = fingerprint(&shown);
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

fn fingerprint(certificate: &[u8]) -> String {
    digest::digest(&digest::SHA256, certificate).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fingerprint_of_pem(pem: &str) -> String {
    fingerprint(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
}

fn files(folder: &Path, authority: &Authority, own: &(String, String)) -> TlsFiles {
    TlsFiles {
        authorities: Some(secret_file(folder, "ca.pem", &authority.pem())),
        certificate: Some(secret_file(folder, "client.pem", &own.0)),
        key: Some(secret_file(folder, "client.key", &own.1)),
    }
}

async fn get(connector: &Connector, url: &str) -> Result<String, reqwest::Error> {
    connector.client().get(url).send().await?.text().await
}

fn open(files: TlsFiles) -> Connector {
    Connector::open(files, |builder| builder.timeout(std::time::Duration::from_secs(10))).unwrap()
}

#[tokio::test]
async fn the_right_certificates_are_accepted_and_all_others_refused() {
    let (ours, stranger) = (authority("ours"), authority("stranger"));
    let right = issue(&ours, "client.example.org", 2090);
    let here = issue(&ours, "localhost", 2090);
    let cases = [
        ("right", &here, &right, true),
        ("the server's name is another", &issue(&ours, "other.example.org", 2090), &right, false),
        ("the server's name only begins alike", &issue(&ours, "localhost.example.org", 2090), &right, false),
        ("the server's certificate has ended", &issue(&ours, "localhost", 2021), &right, false),
        ("the server's authority is unknown", &issue(&stranger, "localhost", 2090), &right, false),
        ("our certificate has ended", &here, &issue(&ours, "client.example.org", 2021), false),
        ("our authority is unknown", &here, &issue(&stranger, "client.example.org", 2090), false),
    ];
    for (what, shown, own, accepted) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(config(&ours, shown));
        let answer = get(&open(files(folder.path(), &ours, own)), &server.url).await;
        assert_eq!(answer.is_ok(), accepted, "{what}: {answer:?}");
        if accepted {
            assert_eq!(answer.unwrap(), fingerprint_of_pem(&own.0));
        }
    }
    // Without a certificate of ours; and without the bundle, where only the machine's authorities count.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(&ours, &here));
    let all = files(folder.path(), &ours, &right);
    let anonymous = TlsFiles { certificate: None, key: None, ..all.clone() };
    assert!(get(&open(anonymous), &server.url).await.is_err());
    assert!(get(&open(TlsFiles { authorities: None, ..all }), &server.url).await.is_err());
}

#[tokio::test]
async fn certificates_are_exchanged_without_a_restart() {
    let (old, new) = (authority("old"), authority("new"));
    let (first, second) = (issue(&old, "client.example.org", 2090), issue(&new, "client.example.org", 2089));
    let server = Server::start(config(&old, &issue(&old, "localhost", 2090)));
    let folder = tempfile::tempdir().unwrap();
    let connector = open(files(folder.path(), &old, &first));
    assert_eq!(get(&connector, &server.url).await.unwrap(), fingerprint_of_pem(&first.0));
    assert_eq!(connector.certificate_ends().unwrap(), "2090-06-01T00:00:00Z".parse().unwrap());

    // The other side moves to the new authority: it refuses us, and we it.
    *server.config.lock().unwrap() = config(&new, &issue(&new, "localhost", 2090));
    assert!(get(&connector, &server.url).await.is_err());

    // One file after the other; in between, certificate and key do not belong together and the old ones stay.
    secret_file(folder.path(), "client.pem", &second.0);
    assert!(connector.check().unwrap_err().to_string().contains("belong together"));
    assert!(get(&connector, &server.url).await.is_err());
    assert_eq!(connector.certificate_ends().unwrap(), "2090-06-01T00:00:00Z".parse().unwrap());
    secret_file(folder.path(), "client.key", &second.1);
    secret_file(folder.path(), "ca.pem", &new.pem());
    assert_eq!(get(&connector, &server.url).await.unwrap(), fingerprint_of_pem(&second.0));
    assert_eq!(connector.certificate_ends().unwrap(), "2089-06-01T00:00:00Z".parse().unwrap());
    connector.check().unwrap();
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start() {
    let ours = authority("ours");
    let (one, other) = (issue(&ours, "a.example.org", 2090), issue(&ours, "b.example.org", 2090));
    let folder = tempfile::tempdir().unwrap();
    let right = files(folder.path(), &ours, &one);
    let refused =
        |files: TlsFiles| Connector::open(files, |builder| builder).map(drop).unwrap_err().to_string();
    let place = |name: &str, content: &str| Some(secret_file(folder.path(), name, content));
    for (what, files) in [
        ("another key", TlsFiles { key: place("x1", &other.1), ..right.clone() }),
        ("no certificate", TlsFiles { certificate: place("x2", &one.1), ..right.clone() }),
        ("no key", TlsFiles { key: place("x3", &one.0), ..right.clone() }),
        ("an empty bundle", TlsFiles { authorities: place("x4", ""), ..right.clone() }),
        ("half a bundle", TlsFiles { authorities: place("x5", &ours.pem()[..200]), ..right.clone() }),
        ("an absent key", TlsFiles { key: Some(folder.path().join("absent")), ..right.clone() }),
        ("only a certificate", TlsFiles { key: None, ..right.clone() }),
    ] {
        let said = refused(files);
        assert!(!said.contains("BEGIN"), "{what}: {said}");
    }
    crate::world::set_mode(&folder.path().join("client.key"), 0o644);
    assert!(refused(right).contains("0600"));
}

#[test]
fn the_end_of_a_certificate_is_read() {
    let ours = authority("ours");
    let (early, late) = (issue(&ours, "a.example.org", 2049), issue(&ours, "a.example.org", 2051));
    // 2049 is written with two digits of a year, 2051 with four (RFC 5280, 4.1.2.5).
    let ends = expiry::ends(format!("{}{}", early.0, late.0).as_bytes()).unwrap();
    let expected = ["2049-06-01T00:00:00Z", "2051-06-01T00:00:00Z"].map(|text| text.parse().unwrap());
    assert_eq!(ends, expected);
    assert_eq!(expiry::step(ends[0], "2049-05-20T00:00:00Z".parse().unwrap()), Some(14));
}
