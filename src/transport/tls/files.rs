//! Certificates and keys from files: PEM (RFC 7468), one or a bundle, or DER.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use crate::diagnostics::{Code, Problem};

/// The problem of a file.
pub fn invalid(field: &'static str, connection: &str, reason: impl std::fmt::Display) -> Problem {
    Problem::new(Code::TlsFileInvalid).with("field", field).with("connection", connection).with("reason", reason)
}

/// The certificates of a file, or why it has none.
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if contains(bytes, "-----BEGIN ") {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        let found = found.map_err(|error| format!("a certificate in it is damaged ({error})"))?;
        return match found.is_empty() {
            false if found.iter().all(|der| x509_parser::parse_x509_certificate(der).is_err()) => {
                Err("what it holds as a certificate is none".into())
            }
            false => Ok(found),
            true if contains(bytes, "PRIVATE KEY-----") => Err("it holds a private key, but no certificate".into()),
            true if contains(bytes, "-----BEGIN PKCS7") => Err("it is a PKCS #7 file; convert it to PEM".into()),
            true if contains(bytes, "-----BEGIN CERTIFICATE REQUEST") => {
                Err("it holds a request for a certificate, but no certificate".into())
            }
            true => Err("there is no certificate in it".into()),
        };
    }
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match x509_parser::parse_x509_certificate(rest) {
            Ok((after, _)) => {
                found.push(CertificateDer::from(rest[..rest.len() - after.len()].to_vec()));
                rest = after;
            }
            Err(_) if bytes.iter().all(u8::is_ascii_whitespace) => return Err("it is empty".into()),
            Err(_) => return Err("it is no certificate in PEM or DER form".into()),
        }
    }
    if found.is_empty() { Err("it is empty".into()) } else { Ok(found) }
}

/// The certificate of this device with its key.
pub fn client(
    chain: &[u8],
    key: &[u8],
    connection: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<CertifiedKey, Problem> {
    let chain = certificates(chain).map_err(|reason| invalid("Client Certificate", connection, reason))?;
    let wrong_key = |reason: String| invalid("Client Key", connection, reason);
    let key = private_key(key).map_err(|reason| wrong_key(reason.into()))?;
    // The reason is rustls' own and has nothing of the key in it.
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| wrong_key(format!("this kind of key can't be used ({error})")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(wrong_key(
            "it does not belong to Client Certificate, whose first certificate must be this device's".into(),
        )),
        // A key that can't tell is found out by the server.
        Ok(()) | Err(Error::InconsistentKeys(_)) => Ok(certified),
        Err(error) => Err(invalid("Client Certificate", connection, format!("it can't be used ({error})"))),
    }
}

fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, &'static str> {
    const ENCRYPTED: &str = "the key in it is protected by a password";
    if contains(bytes, "-----BEGIN ENCRYPTED PRIVATE KEY") || contains(bytes, "Proc-Type: 4,ENCRYPTED") {
        return Err(ENCRYPTED);
    }
    if contains(bytes, "-----BEGIN ") {
        return PrivateKeyDer::from_pem_slice(bytes).map_err(|_| match contains(bytes, "PRIVATE KEY-----") {
            true => "the private key in it is damaged",
            false => "there is no private key in it",
        });
    }
    PrivateKeyDer::try_from(bytes).map(|key| key.clone_key()).map_err(|_| {
        match bytes.iter().all(u8::is_ascii_whitespace) {
            true => "it is empty",
            false => "it is no private key in PEM or DER form, or the key is protected by a password",
        }
    })
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}
