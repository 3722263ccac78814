//! Handshakes with real servers on loopback, each with another thing wrong.

use std::sync::Arc;

use futures_util::FutureExt;
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::runtime::Threads;
use crate::transport::certificate::{fingerprint, hex};
use crate::transport::{Layer, Stream};

type Der = CertificateDer<'static>;

/// A certificate with its key.
struct Made {
    der: Der,
    key: KeyPair,
    params: CertificateParams,
}

impl Made {
    fn new(name: &str, issuer: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let made = match issuer {
            Some(issuer) => params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key)).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Made { der: made.der().clone(), key, params }
    }

    fn authority(name: &str, issuer: Option<&Made>) -> Made {
        Made::new(name, issuer, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    fn pem(&self) -> Vec<u8> {
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &self.der);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n").into_bytes()
    }
}

/// What a server does besides showing its certificate.
#[derive(Default)]
struct Behaviour {
    /// It asks for a certificate of this issuer.
    asks: Option<Der>,
    /// It speaks only this version.
    only: Option<&'static SupportedProtocolVersion>,
}

/// Starts a server that answers `hello` to the first bytes of each connection, and tells its port.
async fn serve(leaf: &Made, sent_along: &[&Made], behaviour: Behaviour) -> u16 {
    let provider = Arc::new(ring::default_provider());
    let versions = behaviour.only.map_or(rustls::DEFAULT_VERSIONS.to_vec(), |only| vec![only]);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions).unwrap();
    let builder = match behaviour.asks {
        None => builder.with_no_client_auth(),
        Some(issuer) => {
            let mut roots = RootCertStore::empty();
            roots.add(issuer).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = std::iter::once(leaf).chain(sent_along.iter().copied()).map(|made| made.der.clone()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, leaf.key()).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await
                && stream.read(&mut [0; 16]).await.is_ok_and(|count| count > 0)
            {
                let _ = stream.write_all(b"hello").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    port
}

/// A server that answers the first bytes with these and closes.
async fn serve_plain(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    port
}

fn dialer() -> Dialer {
    let threads = Arc::new(Threads::default());
    Dialer::new(threads)
}

fn config(url: &str, fields: &str) -> ConnectionConfig {
    let text = format!("{{\"connections\":[{{\"name\":\"main\",\"url\":\"{url}\",\"proxy\":\"None\"{fields}}}]}}");
    let parsed = crate::settings::parse(text.as_bytes());
    assert!(parsed.is_usable(), "{}", parsed.report());
    parsed.connections.into_iter().next().unwrap()
}

/// What the other files of a connection hold.
#[derive(Default)]
struct Files {
    ca: Option<Vec<u8>>,
    client: Option<(Vec<u8>, Vec<u8>)>,
}

struct Attempt {
    config: ConnectionConfig,
    route: Route,
    dialer: Dialer,
    progress: Progress,
}

impl Attempt {
    fn new(url: &str, fields: &str, files: Files) -> Attempt {
        let config = config(url, fields);
        let resolved = Resolved { ca: files.ca, client: files.client, ..Resolved::default() };
        let dialer = dialer();
        let route = Route::new(&config, &resolved, &dialer).now_or_never().unwrap().unwrap();
        Attempt { config, route, dialer, progress: Progress::default() }
    }

    async fn open(&self) -> Result<Stream, Problem> {
        self.route.connect(&self.dialer, &self.config.address, &self.progress).await
    }

    /// Opens a stream and exchanges a word.
    async fn talk(&self) -> Result<HandshakeKind, Problem> {
        let mut stream = self.open().await?;
        let explained = |error: io::Error| {
            self.route.explain(&self.config.address, &error).unwrap_or_else(|| panic!("nobody explains: {error}"))
        };
        stream.write_all(b"GET").await.map_err(explained)?;
        stream.flush().await.map_err(explained)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(explained)?;
        assert_eq!(answer, b"hello");
        let Layer::Tls(stream) = stream.into_layer() else { panic!("not encrypted") };
        Ok(stream.get_ref().1.handshake_kind().unwrap())
    }
}

async fn outcome(port: u16, fields: &str, ca: Option<&Made>) -> (&'static str, String) {
    let ca = ca.map(Made::pem);
    match Attempt::new(&format!("https://localhost:{port}"), fields, Files { ca, client: None }).talk().await {
        Ok(_) => ("", String::new()),
        Err(problem) => (problem.name(), problem.message()),
    }
}

#[tokio::test]
async fn a_chain_is_told_by_what_is_missing() {
    let root = Made::authority("Acme Root", None);
    let issuing = Made::authority("Acme Issuing", Some(&root));
    let other = Made::authority("Other Root", None);
    let same_name = Made::authority("Acme Root", None);
    let leaf = Made::new("leaf", Some(&issuing), |_| {});
    // id-ad-caIssuers with an address (RFC 5280, section 4.2.2.1).
    let address = b"\x30\x1c\x30\x1a\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02\x86\x0ehttp://a.local".to_vec();
    let with_address = Made::new("leaf", Some(&issuing), |params| {
        let access = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], address);
        params.custom_extensions.push(access);
    });
    let of_root = Made::new("leaf", Some(&root), |_| {});
    let only = ",\"certificate_check\":\"CA File Only\",\"ca_file\":\"x\"";
    for (leaf, sent_along, fields, ca, name, says) in [
        (&leaf, vec![&issuing], "", Some(&root), "", ""),
        (&leaf, vec![&issuing], only, Some(&root), "", ""),
        (&leaf, vec![], only, Some(&issuing), "", ""),
        (&leaf, vec![], only, Some(&leaf), "", ""),
        (&leaf, vec![], "", Some(&root), "tls_chain_incomplete", "does not send the certificate of Acme Issuing"),
        (&with_address, vec![], "", None, "tls_chain_incomplete", "certificate of Acme Issuing"),
        (&leaf, vec![], "", None, "tls_unknown_issuer", "issued by Acme Issuing, which"),
        (&leaf, vec![&issuing], "", None, "tls_unknown_issuer", "issued by Acme Issuing under Acme Root, which"),
        (&leaf, vec![&issuing, &root], only, Some(&other), "tls_unknown_issuer", "under Acme Root"),
        (
            &of_root,
            vec![],
            only,
            Some(&same_name),
            "tls_unknown_issuer",
            "Acme Root (a trusted certificate of this name has",
        ),
    ] {
        let port = serve(leaf, &sent_along, Behaviour::default()).await;
        let (told, message) = outcome(port, fields, ca).await;
        assert_eq!(told, name, "{message}");
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_where_it_is_entered() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let own = Made::new("device", None, |params| params.is_ca = is_ca);
        let port = serve(&own, &[], Behaviour::default()).await;
        let printed = hex(&fingerprint(&own.der));
        let (name, message) = outcome(port, "", None).await;
        assert_eq!(name, "tls_self_signed");
        assert!(message.contains("(device)") && message.contains(&printed), "{message}");
        assert_eq!(outcome(port, "", Some(&own)).await.0, "");
        let fields = format!(",\"certificate_check\":\"Fingerprint\",\"fingerprint\":\"{printed}\"");
        assert_eq!(outcome(port, &fields, None).await.0, "");
        assert_eq!(outcome(port, ",\"certificate_check\":\"Off\"", None).await.0, "");
        // Trusted as it is means: for its names, in its time.
        let (name, message) = outcome(port, ",\"server_name\":\"x.example\"", Some(&own)).await;
        assert_eq!(name, "tls_name_mismatch");
        assert!(message.contains("is for localhost, not for x.example"), "{message}");
    }
}

#[tokio::test]
async fn dates_and_names_are_checked() {
    let root = Made::authority("Acme Root", None);
    let year = |from, until| {
        move |params: &mut CertificateParams| {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(until, 1, 1);
        }
    };
    let expired = Made::new("leaf", Some(&root), year(2020, 2021));
    let future = Made::new("leaf", Some(&root), year(2090, 2091));
    let own_expired = Made::new("leaf", None, year(2020, 2021));
    let many = Made::new("leaf", Some(&root), |params| {
        params.subject_alt_names =
            (0..7).map(|i| rcgen::SanType::DnsName(format!("n{i}.example").try_into().unwrap())).collect();
    });
    let none = Made::new("leaf", Some(&root), |params| params.subject_alt_names.clear());
    for (leaf, ca, name, says) in [
        (&expired, &root, "tls_expired", "expired on 2021-01-01; this device's clock reads 20"),
        (&own_expired, &own_expired, "tls_expired", "2021-01-01"),
        (&future, &root, "tls_not_yet_valid", "only from 2090-01-01"),
        (
            &many,
            &root,
            "tls_name_mismatch",
            "for n0.example, n1.example, n2.example, n3.example, n4.example and 2 more, not for localhost",
        ),
        (&none, &root, "tls_name_mismatch", "for no host (its Common Name leaf does not count)"),
    ] {
        let port = serve(leaf, &[], Behaviour::default()).await;
        let (told, message) = outcome(port, "", Some(ca)).await;
        assert_eq!(told, name, "{message}");
        assert!(message.contains(says), "{message}");
    }
    let port = serve(&many, &[], Behaviour::default()).await;
    assert_eq!(outcome(port, ",\"server_name\":\"n6.example\"", Some(&root)).await.0, "");
    let wrong = format!(",\"certificate_check\":\"Fingerprint\",\"fingerprint\":\"{}\"", hex(&[7; 32]));
    let (name, message) = outcome(port, &wrong, None).await;
    assert_eq!(name, "tls_fingerprint");
    assert!(message.contains(&hex(&fingerprint(&many.der))), "{message}");
}

#[test]
fn a_clock_before_the_build_is_the_cause() {
    let leaf = Made::new("leaf", None, |params| params.not_before = rcgen::date_time_ymd(2020, 1, 1));
    let address = config("https://localhost:1", "").address;
    let situation = |now| Situation {
        address: &address,
        host: "localhost",
        chain: vec![Certificate::read(&leaf.der)],
        is_listed: false,
        was_asked: false,
        has_own: false,
        has_ca_file: false,
        now,
    };
    let error = || io::Error::other(rustls::Error::InvalidCertificate(rustls::CertificateError::NotValidYet));
    let problem = explain::failed_handshake(&situation(60), &error());
    assert_eq!(problem.name(), "clock_wrong");
    assert!(problem.message().contains("1970-01-01 00:01 UTC"), "{}", problem.message());
    assert_eq!(explain::failed_handshake(&situation(i64::MAX / 1_000), &error()).name(), "tls_not_yet_valid");
    // hyper and others wrap errors in errors.
    let wrapped = io::Error::other(io::Error::other(error()));
    assert_eq!(explain::failed_stream(&situation(60), &wrapped, false).unwrap().name(), "clock_wrong");
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
    assert!(explain::failed_stream(&situation(60), &reset(), true).is_none());
    let asked = Situation { was_asked: true, ..situation(60) };
    assert!(explain::failed_stream(&asked, &reset(), false).is_none());
    assert_eq!(explain::failed_stream(&asked, &reset(), true).unwrap().name(), "tls_client_cert_required");
}

#[tokio::test]
async fn a_server_may_want_a_certificate_of_this_device() {
    let root = Made::authority("Acme Root", None);
    let leaf = Made::new("leaf", Some(&root), |_| {});
    let device = Made::new("device 7", Some(&root), |_| {});
    let stranger = Made::new("device 8", None, |_| {});
    for only in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let port = serve(&leaf, &[], Behaviour { asks: Some(root.der.clone()), only: Some(only) }).await;
        for (client, name) in
            [(None, "tls_client_cert_required"), (Some(&stranger), "tls_client_cert_refused"), (Some(&device), "")]
        {
            let client = client.map(|made: &Made| (made.der.to_vec(), made.key.serialize_pem().into_bytes()));
            let files = Files { ca: Some(root.pem()), client };
            let attempt = Attempt::new(&format!("https://localhost:{port}"), "", files);
            let told = attempt.talk().await.map_or_else(|problem| problem.name(), |_| "");
            assert_eq!(told, name, "{only:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_used_says_why() {
    let (one, other) = (Made::new("one", None, |_| {}), Made::new("other", None, |_| {}));
    let key = |made: &Made| made.key.serialize_pem().into_bytes();
    let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec();
    let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let ca = |bytes: &[u8]| Files { ca: Some(bytes.to_vec()), client: None };
    let client = |chain: Vec<u8>, key: Vec<u8>| Files { ca: None, client: Some((chain, key)) };
    for (files, says) in [
        (ca(b""), "CA File of connection main can't be used: it is empty"),
        (ca(b"hello"), "no certificate in PEM or DER form"),
        (ca(&key(&one)), "a private key, but no certificate"),
        (ca(&damaged), "holds as a certificate is none"),
        (client(one.pem(), key(&other)), "Client Key of connection main can't be used: it does not belong"),
        (client(one.pem(), encrypted), "protected by a password"),
        (client(one.pem(), one.pem()), "no private key in it"),
        (client(one.pem(), b"\x30\x03\x02\x01\x00".to_vec()), "this kind of key can't be used"),
        // The form of an encrypted key (RFC 5958, section 3).
        (client(one.pem(), b"\x30\x04\x30\x00\x04\x00".to_vec()), "or the key is protected by a password"),
        (client(b"-----BEGIN X-----".to_vec(), key(&one)), "Client Certificate of connection main can't be used"),
    ] {
        let problem = Attempt::new("https://localhost:1", "", files).open().await.err().unwrap();
        assert_eq!(problem.name(), "tls_file_invalid");
        assert!(problem.message().contains(says), "{}", problem.message());
    }
}

#[tokio::test]
async fn what_is_no_tls_is_recognised() {
    let leaf = Made::new("leaf", None, |_| {});
    let http: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    // An alert: protocol_version (RFC 8446, section 6).
    let old: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46";
    for (answer, name, speaks) in [
        (http, "tls_plain_server", false),
        (b"SSH-2.0-x\r\n", "tls_plain_server", false),
        (b"", "tls_failed", false),
        (old, "tls_version", true),
    ] {
        let port = serve_plain(answer).await;
        let (told, message) = outcome(port, "", None).await;
        assert_eq!(told, name, "{message}");
        let plain = Attempt::new(&format!("http://localhost:{port}"), "", Files::default());
        assert_eq!(speaks_tls(&plain.dialer, &plain.route, &plain.config.address).await, speaks, "{message}");
    }
    let port = serve(&leaf, &[], Behaviour::default()).await;
    let plain = Attempt::new(&format!("http://localhost:{port}"), "", Files::default());
    assert!(speaks_tls(&plain.dialer, &plain.route, &plain.config.address).await);
}

#[tokio::test]
async fn the_streams_of_a_route_share_one_session_and_tell_what_they_saw() {
    let root = Made::authority("Acme Root", None);
    let leaf = Made::new("leaf", Some(&root), |_| {});
    let port = serve(&leaf, &[], Behaviour::default()).await;
    let files = Files { ca: Some(root.pem()), client: None };
    let attempt = Attempt::new(&format!("https://localhost:{port}"), "", files);
    assert_eq!(attempt.talk().await.unwrap(), HandshakeKind::Full);
    assert_eq!(attempt.talk().await.unwrap(), HandshakeKind::Resumed);
    let notes: Vec<String> = attempt.progress.steps().into_iter().flat_map(|step| step.notes).collect();
    let printed = hex(&fingerprint(&leaf.der));
    for says in ["(Acme Root)", "without a proxy", "127.0.0.1", "TLS 1.3, TLS13_", "issued by Acme Root", &printed] {
        assert!(notes.iter().any(|note| note.contains(says)), "{says}: {notes:?}");
    }
    // The roots and files are read once.
    assert_eq!(notes.iter().filter(|note| note.contains("roots of the system")).count(), 1);
}
