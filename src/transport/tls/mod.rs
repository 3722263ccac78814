//! TLS by rustls: one configuration for all streams of a [`Route`](super::Route). The cryptography is named explicitly,
//! since a default of the process could be the host's.

mod explain;
mod files;
mod roots;
mod verify;

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::explain::Situation;
use self::verify::{Check, OwnCertificate, Verifier};
use super::certificate::Certificate;
use super::{Dialer, Progress, Route};
use crate::diagnostics::log::{self, Level};
use crate::diagnostics::{Code, Problem};
use crate::settings::{Address, CertificateCheck, ConnectionConfig, Resolved, TlsSettings};

/// Sessions that are kept to be resumed: those of one server.
const SESSIONS: usize = 8;
/// A server that hangs up later than this after the handshake does so for another reason than our certificate.
const REFUSAL_LIMIT: Duration = Duration::from_secs(5);
/// Certificates of a chain that are looked at.
const CHAIN_LIMIT: usize = 10;

/// This device's clock. rustls' own one panics if that reads a time before 1970.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

/// What a configuration is made of. Holds a private key: it is not shown.
#[derive(Clone)]
pub struct TlsInput {
    connection: String,
    settings: TlsSettings,
    ca: Option<Arc<[u8]>>,
    client: Option<(File, File)>,
}

type File = Arc<[u8]>;

impl TlsInput {
    /// That of a connection.
    pub fn new(config: &ConnectionConfig, resolved: &Resolved) -> TlsInput {
        let bytes = |bytes: &Vec<u8>| File::from(bytes.as_slice());
        TlsInput {
            connection: config.name.clone(),
            settings: config.tls.clone(),
            ca: resolved.ca.as_ref().map(bytes),
            client: resolved.client.as_ref().map(|(chain, key)| (bytes(chain), bytes(key))),
        }
    }

    /// The name of the connection.
    pub fn connection(&self) -> &str {
        &self.connection
    }
}

/// How the streams of a route are encrypted.
pub struct Tls {
    connection: String,
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    own: Arc<OwnCertificate>,
    server_name: Option<String>,
    check: CertificateCheck,
    has_ca_file: bool,
    /// What the server's certificate is checked against, in words.
    trusted: String,
    /// When the last handshake was done.
    opened: Cell<Option<Instant>>,
}

impl Tls {
    /// Reads certificates, the system's among them: may block.
    pub fn new(input: &TlsInput) -> Result<Tls, Problem> {
        let provider = Arc::new(ring::default_provider());
        let settings = &input.settings;
        let (check, trusted) = check(input, &provider)?;
        let verifier = Arc::new(Verifier::new(check, &provider));
        let own = Arc::new(match &input.client {
            Some((chain, key)) => OwnCertificate::new(files::client(chain, key, &input.connection, &provider)?),
            None => OwnCertificate::default(),
        });
        let mut config = ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(Clock))
            .with_safe_default_protocol_versions()
            .map_err(|error| Problem::new(Code::Internal).with("connection", &input.connection).with("reason", error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier))
            .with_client_cert_resolver(Arc::<OwnCertificate>::clone(&own));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Tls {
            connection: input.connection.clone(),
            config: Arc::new(config),
            verifier,
            own,
            server_name: settings.server_name.clone(),
            check: settings.check,
            has_ca_file: input.ca.is_some(),
            trusted,
            opened: Cell::new(None),
        })
    }

    /// What the server's certificate is checked against.
    pub fn describe(&self) -> &str {
        &self.trusted
    }

    /// Encrypts a stream to a server.
    pub async fn encrypt(
        &self,
        stream: TcpStream,
        address: &Address,
        progress: &Progress,
    ) -> Result<TlsStream<TcpStream>, Problem> {
        if self.check == CertificateCheck::Off && !self.verifier.met_server() {
            log::write(Level::Warning, 0, || {
                let name = &self.connection;
                format!(
                    "Connection {name} does not check who the server is (Certificate Check is Off): anybody between \
here and {address} can read and change everything."
                )
            });
        }
        let host = self.host(address);
        let name = server_name(host).ok_or_else(|| {
            let reason = format!("\"{host}\" can't be the name of a server");
            Problem::new(Code::TlsFailed).with("address", address).with("reason", reason)
        })?;
        if self.server_name.is_some() {
            progress.note(format_args!("asked for {host}"));
        }
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await;
        match connected {
            Ok(stream) => {
                self.opened.set(Some(Instant::now()));
                let (_, session) = stream.get_ref();
                let version = match session.protocol_version() {
                    Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                    _ => "TLS 1.2",
                };
                match session.negotiated_cipher_suite() {
                    Some(suite) => progress.note(format_args!("{version}, {:?}", suite.suite())),
                    None => progress.note(version),
                }
                note_chain(progress, session.peer_certificates().unwrap_or_default().iter().map(AsRef::as_ref));
                Ok(stream)
            }
            Err(error) => {
                if explain::is_about_certificate(&error) {
                    note_chain(progress, self.verifier.seen().iter().map(AsRef::as_ref));
                }
                Err(explain::failed_handshake(&self.situation(address), &error))
            }
        }
    }

    /// See [`Route::explain`].
    pub fn explain_later(&self, address: &Address, error: &io::Error) -> Option<Problem> {
        let is_fresh = self.opened.get().is_some_and(|opened| opened.elapsed() < REFUSAL_LIMIT);
        explain::failed_stream(&self.situation(address), error, is_fresh)
    }

    fn host<'a>(&'a self, address: &'a Address) -> &'a str {
        self.server_name.as_deref().unwrap_or(&address.host)
    }

    fn situation<'a>(&'a self, address: &'a Address) -> Situation<'a> {
        let chain = self.verifier.seen();
        Situation {
            address,
            host: self.host(address),
            is_listed: chain.first().is_some_and(|leaf| self.verifier.lists(leaf)),
            chain: chain.iter().map(|der| Certificate::read(der)).collect(),
            was_asked: self.own.was_asked(),
            has_own: self.own.is_present(),
            has_ca_file: self.has_ca_file && matches!(self.check, CertificateCheck::Roots | CertificateCheck::CaFile),
            now: explain::now(),
        }
    }
}

/// How the settings want the server to be checked, and the same in words.
fn check(input: &TlsInput, provider: &Arc<CryptoProvider>) -> Result<(Check, String), Problem> {
    let invalid = |reason: String| files::invalid("CA File", &input.connection, reason);
    let authorities = match (&input.settings.check, &input.ca) {
        (CertificateCheck::Off, _) => return Ok((Check::Nothing, "certificates are not checked".into())),
        (CertificateCheck::Fingerprint, _) => {
            let fingerprints = input.settings.fingerprints.clone();
            let text = format!("{} fingerprints are trusted", fingerprints.len());
            return Ok((Check::Fingerprints(fingerprints), text));
        }
        (_, Some(bytes)) => files::certificates(bytes).map_err(invalid)?,
        (_, None) => Vec::new(),
    };
    let mut text = String::new();
    let mut store = Arc::new(RootCertStore::empty());
    if input.settings.check == CertificateCheck::Roots {
        let roots = roots::roots();
        text = format!("{} roots of the system and {} of the plugin are trusted", roots.of_system, roots.bundled);
        store = Arc::clone(&roots.store);
    }
    if !authorities.is_empty() {
        let (taken, _) = Arc::make_mut(&mut store).add_parsable_certificates(authorities.iter().cloned());
        if taken == 0 {
            return Err(invalid("its certificates can't be used".into()));
        }
        text.push_str(if text.is_empty() { "" } else { ", and " });
        text.push_str(&format!("{taken} of CA File"));
        let subjects: Vec<String> =
            authorities.iter().take(CHAIN_LIMIT).map(|der| Certificate::read(der).subject).collect();
        text.push_str(&format!(" ({})", subjects.join(", ")));
    }
    let issuers = WebPkiServerVerifier::builder_with_provider(store, Arc::clone(provider))
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    Ok((Check::Issuers { issuers, listed: authorities }, text))
}

/// The name of a server as its certificate has it. The zone of an IPv6 address means something on this device only.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    let host = host.split('%').next().unwrap_or(host);
    ServerName::try_from(host.to_string()).ok()
}

fn note_chain<'a>(progress: &Progress, chain: impl Iterator<Item = &'a [u8]>) {
    for (index, der) in chain.take(CHAIN_LIMIT).enumerate() {
        let what = if index == 0 { "certificate" } else { "sent along" };
        progress.note(format_args!("{what}: {}", Certificate::read(der).summary()));
    }
}

/// How long a server may take to show that it speaks TLS.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// Whether a server expects TLS, found out over a stream of its own: to tell why it does not answer a plain request.
pub async fn speaks_tls(dialer: &Dialer, route: &Route, address: &Address) -> bool {
    tokio::time::timeout(PROBE_LIMIT, probe(dialer, route, address)).await.ok().flatten().unwrap_or(false)
}

async fn probe(dialer: &Dialer, route: &Route, address: &Address) -> Option<bool> {
    let hello = client_hello(address)?;
    let mut stream = route.reach(dialer, address, &Progress::default()).await.ok()?;
    stream.write_all(&hello).await.ok()?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await.ok()?;
    // Content type and major version (RFC 8446, section 5.1): an alert, or a ServerHello.
    Some(matches!(answer, [0x15 | 0x16, 0x03]))
}

fn client_hello(address: &Address) -> Option<Vec<u8>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let mut session = ClientConnection::new(Arc::new(config), server_name(&address.host)?).ok()?;
    let mut hello = Vec::new();
    session.write_tls(&mut hello).ok()?;
    Some(hello)
}

#[cfg(test)]
mod tests;
