//! The certificates of the tests, made anew by each run: an authority of our own, and what it signed or did not.
//!
//! For each NAME: `NAME.pem` (with what a server sends along), `NAME.der` (the certificate alone), `NAME.sha256`, its
//! fingerprint in hex, and but for authorities `NAME.key.pem` and `NAME.key.der`.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use ring::digest;

use crate::report::Outcome;
use crate::repository;

/// The names of the servers of the tests.
const NAMES: &[&str] = &["localhost", "server.test", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_secs(86_400);

type Issuer = CertifiedIssuer<'static, KeyPair>;

pub fn folder() -> PathBuf {
    repository::target().join("certificates")
}

/// Makes them all.
pub fn step() -> Result<Outcome> {
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let ca = Issuer::self_signed(authority("Socket.IO tests root"), KeyPair::generate()?)?;
    let other_ca = Issuer::self_signed(authority("Socket.IO tests other root"), KeyPair::generate()?)?;
    let intermediate = Issuer::signed_by(authority("Socket.IO tests intermediate"), KeyPair::generate()?, &ca)?;
    for (name, issuer) in [("ca", &ca), ("other_ca", &other_ca), ("intermediate", &intermediate)] {
        write(name, issuer.as_ref(), "", None)?;
    }
    fs::write(folder.join("bundle.pem"), other_ca.pem() + &ca.pem())?;

    let now = SystemTime::now();
    let along = &intermediate.pem();
    let issue = |name: &str, params: &CertificateParams, issuer: &Issuer, along: &str| -> Result<()> {
        let key = KeyPair::generate()?;
        write(name, &params.signed_by(&key, issuer)?, along, Some(&key))
    };
    issue("good", &server(NAMES)?, &intermediate, along)?;
    issue("direct", &server(NAMES)?, &ca, "")?;
    issue("no_intermediate", &server(NAMES)?, &intermediate, "")?;
    issue("wrong_name", &server(&["other.test"])?, &intermediate, along)?;
    issue("other", &server(NAMES)?, &other_ca, "")?;
    issue("expired", &valid(server(NAMES)?, now - 40 * DAY, now - 10 * DAY), &intermediate, along)?;
    issue("not_yet_valid", &valid(server(NAMES)?, now + 10 * DAY, now + 40 * DAY), &intermediate, along)?;
    issue("client", &client()?, &intermediate, along)?;
    issue("other_client", &client()?, &other_ca, "")?;

    for (name, is_ca) in [("self_signed", IsCa::NoCa), ("self_signed_ca", IsCa::Ca(BasicConstraints::Unconstrained))] {
        let mut params = server(NAMES)?;
        params.is_ca = is_ca;
        let key = KeyPair::generate()?;
        write(name, &params.self_signed(&key)?, "", Some(&key))?;
    }
    let count = repository::files(&folder, "sha256")?.len();
    Ok(Outcome::done(format!("{count}, in {}", repository::shown(&folder))))
}

/// `along` is what a server sends with it.
fn write(name: &str, certificate: &Certificate, along: &str, key: Option<&KeyPair>) -> Result<()> {
    let path = |extension: &str| folder().join(format!("{name}.{extension}"));
    let mut fingerprint = String::new();
    for byte in digest::digest(&digest::SHA256, certificate.der()).as_ref() {
        write!(fingerprint, "{byte:02x}")?;
    }
    fs::write(path("sha256"), fingerprint)?;
    fs::write(path("pem"), certificate.pem() + along)?;
    fs::write(path("der"), certificate.der())?;
    if let Some(key) = key {
        fs::write(path("key.pem"), key.serialize_pem())?;
        fs::write(path("key.der"), key.serialized_der())?;
    }
    Ok(())
}

fn named(name: &str, mut params: CertificateParams) -> CertificateParams {
    params.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now();
    valid(params, now - 300 * DAY, now + 300 * DAY)
}

fn valid(mut params: CertificateParams, from: SystemTime, to: SystemTime) -> CertificateParams {
    params.not_before = from.into();
    params.not_after = to.into();
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name, CertificateParams::default());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server(names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let mut params = named("a server of the tests", CertificateParams::new(names)?);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn client() -> Result<CertificateParams> {
    let mut params = named("a client of the tests", CertificateParams::default());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
