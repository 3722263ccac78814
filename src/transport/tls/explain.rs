//! What a failure of the encryption means. The innermost reason is the one to tell.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::diagnostics::{Code, Problem};
use crate::settings::Address;
use crate::transport::certificate::{Certificate, day, hex, moment};

/// When the library was built: no clock can be right that is before it.
const BUILT: i64 = match i64::from_str_radix(env!("SOCKETIO_BUILT"), 10) {
    Ok(seconds) => seconds,
    Err(_) => 0,
};

/// Names of a certificate in a sentence, at most.
const NAMES: usize = 5;

/// What is known when the encryption fails.
pub struct Situation<'a> {
    /// The server.
    pub address: &'a Address,
    /// The name that its certificate must have.
    pub host: &'a str,
    /// The chain that it sent, its own certificate first.
    pub chain: Vec<Certificate>,
    /// Whether its own certificate is one that is trusted as it is.
    pub is_listed: bool,
    /// Whether it asked for a certificate of this device.
    pub was_asked: bool,
    /// Whether this device has one.
    pub has_own: bool,
    /// Whether the certificates of a CA file were tried.
    pub has_ca_file: bool,
    /// This device's clock, in seconds since 1970.
    pub now: i64,
}

/// This device's clock, in seconds since 1970.
pub fn now() -> i64 {
    // A clock before 1970 is as wrong as one that reads 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs().try_into().unwrap_or(i64::MAX))
}

/// Whether the server's certificate is what is wrong.
pub fn is_about_certificate(error: &io::Error) -> bool {
    matches!(of_rustls(error), Some(Error::InvalidCertificate(_)))
}

/// What a failed handshake means.
pub fn failed_handshake(situation: &Situation<'_>, error: &io::Error) -> Problem {
    if let Some(error) = of_rustls(error) {
        return situation.meaning(error);
    }
    if let Some(problem) = situation.silent_refusal(error) {
        return problem;
    }
    situation.failed(match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection during the handshake".into(),
        _ => format!("the connection broke during the handshake ({error})"),
    })
}

/// What an error of a stream means that was open already: under TLS 1.3 a server refuses the certificate of this device
/// only with its first answer, while the stream is fresh.
pub fn failed_stream(situation: &Situation<'_>, error: &io::Error, is_fresh: bool) -> Option<Problem> {
    match of_rustls(error) {
        Some(error) => Some(situation.meaning(error)),
        None if is_fresh => situation.silent_refusal(error),
        None => None,
    }
}

/// The error of rustls that another one wraps.
fn of_rustls(error: &io::Error) -> Option<&Error> {
    let mut inner: &(dyn std::error::Error + 'static) = error.get_ref()?;
    loop {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        // The source of an io::Error is not what it wraps, but the source of that.
        inner = match inner.downcast_ref::<io::Error>() {
            Some(wrapper) => wrapper.get_ref()?,
            None => inner.source()?,
        };
    }
}

impl Situation<'_> {
    fn problem(&self, code: Code) -> Problem {
        Problem::new(code).with("address", self.address)
    }

    fn failed(&self, reason: String) -> Problem {
        self.problem(Code::TlsFailed).with("reason", reason)
    }

    fn meaning(&self, error: &Error) -> Problem {
        match error {
            Error::InvalidCertificate(error) => self.certificate(error),
            Error::AlertReceived(alert) => self.alert(*alert),
            Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
                self.problem(Code::TlsPlainServer)
            }
            Error::PeerIncompatible(
                PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            ) => self.problem(Code::TlsVersion).with("reason", "it answers with TLS 1.1 or an older one"),
            Error::FailedToGetCurrentTime => self.clock_wrong(),
            other => self.failed(other.to_string()),
        }
    }

    fn alert(&self, alert: AlertDescription) -> Problem {
        use AlertDescription as Alert;
        let reason = format!("it sent the alert {}", alert_name(alert));
        let about_own = matches!(
            alert,
            Alert::CertificateRequired
                | Alert::HandshakeFailure
                | Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError
        );
        match alert {
            _ if self.was_asked && about_own => self.own_certificate(reason),
            Alert::CertificateRequired => self.own_certificate(reason),
            Alert::ProtocolVersion => self.problem(Code::TlsVersion).with("reason", reason),
            Alert::HandshakeFailure => {
                self.failed(format!("{reason}; it may offer only ciphers that are no longer safe"))
            }
            Alert::UnrecognisedName => self.failed(format!("{reason}; it does not know the name {}", self.host)),
            _ => self.failed(reason),
        }
    }

    /// A server that asks for a certificate and then hangs up did not like what it got.
    fn silent_refusal(&self, error: &io::Error) -> Option<Problem> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let hung_up = matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe);
        (self.was_asked && hung_up)
            .then(|| self.own_certificate("it asked for one and then closed the connection".into()))
    }

    fn own_certificate(&self, reason: String) -> Problem {
        let code = match self.has_own {
            true => Code::TlsClientCertificateRefused,
            false => Code::TlsClientCertificateRequired,
        };
        self.problem(code).with("reason", reason)
    }

    fn certificate(&self, error: &CertificateError) -> Problem {
        let Some(leaf) = self.chain.first() else { return self.failed(error.to_string()) };
        match error {
            CertificateError::ExpiredContext { not_after, .. } => self.expired(seconds(*not_after)),
            CertificateError::Expired => self.expired(leaf.until),
            CertificateError::NotValidYetContext { not_before, .. } => self.not_yet_valid(seconds(*not_before)),
            CertificateError::NotValidYet => self.not_yet_valid(leaf.from),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => self
                .problem(Code::TlsNameMismatch)
                .with("names", names(leaf))
                .with("host", self.host),
            CertificateError::ApplicationVerificationFailure => {
                self.problem(Code::TlsFingerprint).with("fingerprint", hex(&leaf.fingerprint))
            }
            // rustls has several reasons not to like these, but who signed it is what matters.
            _ if leaf.is_self_signed && !self.is_listed => self
                .problem(Code::TlsSelfSigned)
                .with("subject", &leaf.subject)
                .with("fingerprint", hex(&leaf.fingerprint)),
            CertificateError::UnknownIssuer => self.unknown_issuer(leaf, ""),
            CertificateError::BadSignature => {
                self.unknown_issuer(leaf, " (a trusted certificate of this name has another key)")
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                self.failed(format!("its certificate ({}) is not meant for servers", leaf.subject))
            }
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => self.failed(format!(
                "its certificate ({}), or one sent along, is signed in a way that is no longer safe, such as SHA-1 or a short key",
                leaf.subject
            )),
            CertificateError::BadEncoding => self.failed("its certificate can't be read".into()),
            CertificateError::Other(reason) => self.failed(match reason.to_string().as_str() {
                "CaUsedAsEndEntity" => {
                    format!("its certificate ({}) is one of an authority, not of a server", leaf.subject)
                }
                "UnsupportedCertVersion" => format!(
                    "its certificate ({}), or one sent along, has an old form (X.509 version 1) that only Fingerprint can check; or make it anew, with a Subject Alternative Name",
                    leaf.subject
                ),
                reason => format!("its certificate ({}) is not valid ({reason})", leaf.subject),
            }),
            other => self.failed(format!("its certificate ({}) is not valid ({other})", leaf.subject)),
        }
    }

    fn expired(&self, until: i64) -> Problem {
        if self.now < BUILT {
            return self.clock_wrong();
        }
        self.problem(Code::TlsExpired).with("until", day(until)).with("now", moment(self.now))
    }

    fn not_yet_valid(&self, from: i64) -> Problem {
        if self.now < BUILT {
            return self.clock_wrong();
        }
        self.problem(Code::TlsNotYetValid).with("from", moment(from)).with("now", moment(self.now))
    }

    fn clock_wrong(&self) -> Problem {
        self.problem(Code::ClockWrong).with("now", moment(self.now)).with("built", day(BUILT))
    }

    /// Follows the chain upwards, as far as the server sent it, to the issuer that is missing.
    fn unknown_issuer(&self, leaf: &Certificate, note: &str) -> Problem {
        let mut top = leaf;
        let mut links = 0;
        while !top.is_self_signed
            && links < self.chain.len()
            && let Some(issuer) = self.chain.iter().find(|other| other.may_have_issued(top))
        {
            top = issuer;
            links += 1;
        }
        // A server without an intermediate sends its own certificate alone. One that does send a chain is set up well:
        // who is missing then is the root, which no server needs to send. Alone, an address of the issuer or a CA file
        // tell that there is more to the chain; without them, the issuer is most likely a root itself.
        if links == 0 && note.is_empty() && (leaf.names_issuers_address || self.has_ca_file) {
            return self.problem(Code::TlsChainIncomplete).with("issuer", &leaf.issuer).with("subject", &leaf.subject);
        }
        let issuer = match leaf.issuer == top.issuer {
            true => format!("{}{note}", leaf.issuer),
            false => format!("{} under {}{note}", leaf.issuer, top.issuer),
        };
        self.problem(Code::TlsUnknownIssuer)
            .with("subject", &leaf.subject)
            .with("issuer", issuer)
            .with("fingerprint", hex(&leaf.fingerprint))
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// The hosts that a certificate is for.
fn names(leaf: &Certificate) -> String {
    if leaf.names.is_empty() {
        return format!("no host (its Common Name {} does not count)", leaf.subject);
    }
    let more = leaf.names.len().saturating_sub(NAMES);
    let mut text = leaf.names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// The name of an alert as RFC 8446 writes it, such as handshake_failure.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && after_small {
            name.push('_');
        }
        after_small = c.is_ascii_lowercase();
        name.push(c.to_ascii_lowercase());
    }
    name
}
