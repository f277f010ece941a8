//! When certificates end, and when to say so.
//!
//! What this is not: no verification; the TLS library does that. Invariant: each step before the end is said once.
//! Next: [`super::tls`].

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use simple_asn1::ASN1Block;

/// The days before the end of a certificate on which it is said, and its end.
pub const STEPS: [i64; 5] = [30, 14, 7, 1, 0];

/// The smallest of [`STEPS`] that is reached: 30 from thirty days before the end on, …, 0 when the certificate has
/// ended; none before.
#[must_use]
pub fn step(ends: Timestamp, now: Timestamp) -> Option<i64> {
    let left = ends.as_second().saturating_sub(now.as_second());
    STEPS.into_iter().rev().find(|days| left <= days * 86_400)
}

/// Remembers which step was said last, so that each is said once, and again for a new certificate.
#[derive(Debug)]
pub struct ExpiryWatch {
    /// Its place in [`STEPS`], with their number for none.
    said: AtomicUsize,
}

impl Default for ExpiryWatch {
    fn default() -> Self {
        Self { said: AtomicUsize::new(STEPS.len()) }
    }
}

impl ExpiryWatch {
    /// The step to say now, if it was not said yet.
    pub fn news(&self, ends: Timestamp, now: Timestamp) -> Option<i64> {
        let step = step(ends, now);
        let place = STEPS.iter().position(|days| Some(*days) == step).unwrap_or(STEPS.len());
        let before = self.said.swap(place, Ordering::Relaxed);
        if place == before { None } else { step }
    }
}

/// The ends of the certificates in a PEM file, in the order of the file.
///
/// # Errors
///
/// Where the text holds no certificate, or one that cannot be read.
pub fn ends(pem: &[u8]) -> Result<Vec<Timestamp>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| "holds a damaged PEM section".to_owned())?;
    if certificates.is_empty() {
        return Err("holds no certificate in PEM form".to_owned());
    }
    certificates
        .iter()
        .map(|found| {
            not_after(found).ok_or_else(|| "holds a certificate whose end cannot be read".to_owned())
        })
        .collect()
}

/// The end of a certificate in DER form: `Certificate.tbsCertificate.validity.notAfter` (RFC 5280, 4.1).
#[must_use]
pub fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let blocks = simple_asn1::from_der(certificate).ok()?;
    let to_be_signed = inside(inside(blocks.first()?)?.first()?)?;
    // The version is left out in version 1; the serial number is the first integer.
    let serial = to_be_signed.iter().position(|block| matches!(block, ASN1Block::Integer(..)))?;
    let validity = inside(to_be_signed.get(serial + 3)?)?;
    match validity {
        [_, ASN1Block::UTCTime(_, end) | ASN1Block::GeneralizedTime(_, end)] => {
            Timestamp::from_second(end.assume_utc().unix_timestamp()).ok()
        }
        _ => None,
    }
}

fn inside(block: &ASN1Block) -> Option<&[ASN1Block]> {
    match block {
        ASN1Block::Sequence(_, blocks) => Some(blocks),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn steps_are_reached_thirty_fourteen_seven_one_and_no_days_before_the_end() {
        let ends = at("2026-12-31T12:00:00Z");
        for (now, expected) in [
            ("2026-12-01T11:59:59Z", None),
            ("2026-12-01T12:00:00Z", Some(30)),
            ("2026-12-17T11:59:59Z", Some(30)),
            ("2026-12-17T12:00:00Z", Some(14)),
            ("2026-12-24T12:00:00Z", Some(7)),
            ("2026-12-30T11:59:59Z", Some(7)),
            ("2026-12-30T12:00:00Z", Some(1)),
            ("2026-12-31T11:59:59Z", Some(1)),
            ("2026-12-31T12:00:00Z", Some(0)),
            ("2027-06-01T00:00:00Z", Some(0)),
        ] {
            assert_eq!(step(ends, at(now)), expected, "{now}");
        }
    }

    #[test]
    fn each_step_is_said_once_and_again_for_a_new_certificate() {
        let (watch, ends) = (ExpiryWatch::default(), at("2026-12-31T12:00:00Z"));
        assert_eq!(watch.news(ends, at("2026-11-01T00:00:00Z")), None);
        assert_eq!(watch.news(ends, at("2026-12-05T00:00:00Z")), Some(30));
        assert_eq!(watch.news(ends, at("2026-12-06T00:00:00Z")), None);
        assert_eq!(watch.news(ends, at("2026-12-30T18:00:00Z")), Some(1));
        assert_eq!(watch.news(ends, at("2027-01-01T00:00:00Z")), Some(0));
        assert_eq!(watch.news(ends, at("2027-01-02T00:00:00Z")), None);
        let renewed = at("2027-12-31T12:00:00Z");
        assert_eq!(watch.news(renewed, at("2027-01-02T00:00:00Z")), None);
        assert_eq!(watch.news(renewed, at("2027-12-05T00:00:00Z")), Some(30));
    }

    #[test]
    fn what_holds_no_certificate_says_so() {
        for text in [&b""[..], b"nothing", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(ends(text).is_err());
        }
        let empty_sequence = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(ends(empty_sequence), Err("holds a certificate whose end cannot be read".to_owned()));
    }
}
