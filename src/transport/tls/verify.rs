//! Whether the server is who it should be, and what is shown to it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::certificate::X509Certificate;

use super::CHAIN_LIMIT;
use crate::transport::certificate::{Certificate, fingerprint};

/// What a server's certificate must stand.
#[derive(Debug)]
pub enum Check {
    /// Issued, in the end, by somebody who is trusted, for the server's name.
    Issuers {
        /// Those who are trusted.
        issuers: Arc<WebPkiServerVerifier>,
        /// Certificates that are trusted as they are, whoever issued them: users enter a server's own certificate.
        listed: Vec<CertificateDer<'static>>,
    },
    /// One of these fingerprints.
    Fingerprints(Vec<[u8; 32]>),
    /// None.
    Nothing,
}

/// Checks a server's certificate, and remembers what the server sent, so that a problem can be described.
#[derive(Debug)]
pub struct Verifier {
    check: Check,
    algorithms: WebPkiSupportedAlgorithms,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl Verifier {
    /// A verifier that asks for this.
    pub fn new(check: Check, provider: &CryptoProvider) -> Verifier {
        Verifier { check, algorithms: provider.signature_verification_algorithms, seen: Mutex::default() }
    }

    /// The chain that the server sent last, its own certificate first.
    pub fn seen(&self) -> Vec<CertificateDer<'static>> {
        self.seen.lock().clone()
    }

    /// Whether a certificate is trusted as it is.
    pub fn lists(&self, certificate: &CertificateDer<'_>) -> bool {
        matches!(&self.check, Check::Issuers { listed, .. } if listed.contains(certificate))
    }

    /// Whether a server showed its certificate.
    pub fn met_server(&self) -> bool {
        !self.seen.lock().is_empty()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let sent = std::iter::once(end_entity).chain(intermediates).take(CHAIN_LIMIT);
        *self.seen.lock() = sent.map(|der| der.clone().into_owned()).collect();
        match &self.check {
            Check::Issuers { listed, .. } if listed.contains(end_entity) => {
                in_time(end_entity, now)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            Check::Issuers { issuers, .. } => {
                issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
            }
            Check::Fingerprints(known) if !known.contains(&fingerprint(end_entity)) => {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
            Check::Fingerprints(_) | Check::Nothing => {}
        }
        Ok(ServerCertVerified::assertion())
    }

    // Whoever shows a certificate must prove that it has the key. That makes a fingerprint worth something.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.check {
            Check::Nothing => Ok(HandshakeSignatureValid::assertion()),
            Check::Fingerprints(_) if ParsedCertificate::try_from(certificate).is_err() => {
                let x509 = old_form(certificate)?;
                let key = &x509.public_key().subject_public_key.data;
                let of_scheme = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
                let mut algorithms = of_scheme.flat_map(|(_, algorithms)| algorithms.iter());
                match algorithms.any(|one| one.verify_signature(key, message, signed.signature()).is_ok()) {
                    true => Ok(HandshakeSignatureValid::assertion()),
                    false => Err(CertificateError::BadSignature.into()),
                }
            }
            _ => verify_tls12_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.check {
            Check::Nothing => Ok(HandshakeSignatureValid::assertion()),
            Check::Fingerprints(_) if ParsedCertificate::try_from(certificate).is_err() => {
                let x509 = old_form(certificate)?;
                let key = SubjectPublicKeyInfoDer::from(x509.public_key().raw);
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            _ => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A certificate that rustls does not read: devices make themselves some of version 1. A fingerprint needs only its key.
fn old_form<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateError> {
    let (_, x509) = x509_parser::parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    Ok(x509)
}

fn in_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let Certificate { from, until, .. } = Certificate::read(certificate);
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let unix = |seconds: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.max(0).unsigned_abs()));
    if seconds < from {
        Err(CertificateError::NotValidYetContext { time: now, not_before: unix(from) })
    } else if seconds > until {
        Err(CertificateError::ExpiredContext { time: now, not_after: unix(until) })
    } else {
        Ok(())
    }
}

/// The certificate of this device, and whether a server asked for it: refusals often do not say so.
#[derive(Default)]
pub struct OwnCertificate {
    key: Option<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl OwnCertificate {
    /// This one.
    pub fn new(key: CertifiedKey) -> OwnCertificate {
        OwnCertificate { key: Some(Arc::new(key)), was_asked: AtomicBool::new(false) }
    }

    /// Whether a server asked for it.
    pub fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }

    /// Whether there is one.
    pub fn is_present(&self) -> bool {
        self.key.is_some()
    }
}

impl ResolvesClientCert for OwnCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.is_present()
    }
}

impl fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCertificate").finish_non_exhaustive()
    }
}
