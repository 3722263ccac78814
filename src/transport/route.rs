//! The way to a server: name look-up, TCP, proxy, TLS. Made anew for each attempt to connect, and the same for every
//! transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::proxy::{self, Proxy};
use super::tls::{Tls, TlsInput};
use super::{Layer, Progress, Resolver, Stage, Stream, dial};
use crate::diagnostics::log::{self, Level};
use crate::diagnostics::{Code, Problem};
use crate::runtime::environment::{self, SystemProxies};
use crate::runtime::{Blocking, Threads};
use crate::settings::{Address, ConnectionConfig, Resolved};

/// How long the system may take to tell its settings.
const SYSTEM_LIMIT: Duration = Duration::from_secs(2);

/// What the connections of one activation share.
pub struct Dialer {
    /// Looks up names.
    pub resolver: Resolver,
    /// Reads files.
    files: Blocking,
    /// Asks the system.
    system: Blocking,
    /// Whether it was told that a script would choose the proxy.
    told_of_script: AtomicBool,
}

impl Dialer {
    /// One whose calls run on `threads`.
    pub fn new(threads: Arc<Threads>) -> Dialer {
        Dialer {
            files: Blocking::new(Arc::clone(&threads), "socketio-file"),
            system: Blocking::new(Arc::clone(&threads), "socketio-proxy"),
            resolver: Resolver::new(threads),
            told_of_script: AtomicBool::new(false),
        }
    }

    /// Reads what the settings of a connection refer to, off this thread if that may take time.
    pub async fn resolve(&self, config: &Arc<ConnectionConfig>) -> Result<Resolved, Problem> {
        if !config.has_references() {
            return config.resolve();
        }
        let owned = Arc::clone(config);
        self.files.run(&config.name, move || owned.resolve()).await.unwrap_or_else(|error| {
            Err(Problem::new(Code::SecretUnavailable)
                .with("field", config.references().join(", "))
                .with("connection", &config.name)
                .with("reference", "a variable or a file")
                .with("reason", format!("the system gave no thread for it ({error})")))
        })
    }

    /// What the system's settings say of proxies, asked anew for each attempt to connect. Without a thread, nothing; nor if
    /// the system takes long.
    async fn system_proxies(&self) -> Option<SystemProxies> {
        let asked = self.system.run("", environment::system_proxies);
        let Ok(answer) = tokio::time::timeout(SYSTEM_LIMIT, asked).await else {
            log::write(Level::Warning, 0, || {
                format!("The system did not say within {} s which proxy to use; none is used.", SYSTEM_LIMIT.as_secs())
            });
            return None;
        };
        let system = answer.ok()??;
        if system.has_script && !self.told_of_script.swap(true, Ordering::Relaxed) {
            log::write(Level::Warning, 0, || {
                "The system's settings name a script that chooses proxies (PAC). Such scripts are not run: where one is \
                 needed, enter the address of the proxy as Proxy in Project Settings."
                    .into()
            });
        }
        Some(system)
    }
}

/// A variable of the environment; one that is no text says nothing.
fn variable(name: &str) -> Option<String> {
    environment::kept(name)?.into_string().ok()
}

/// See the module.
pub struct Route {
    proxy: Option<Proxy>,
    /// The system names a script that would choose a proxy.
    has_script: bool,
    input: TlsInput,
    /// Made with the first encrypted stream; all others share it.
    tls: OnceCell<Tls>,
}

impl Route {
    /// The way that the settings ask for.
    pub async fn new(config: &ConnectionConfig, resolved: &Resolved, dialer: &Dialer) -> Result<Route, Problem> {
        let system = match environment::HAS_SYSTEM_PROXIES && proxy::asks_system(config, variable) {
            true => Box::pin(dialer.system_proxies()).await,
            false => None,
        };
        let proxy = Proxy::choose(config, resolved, variable, system.as_ref())?;
        let has_script = proxy.is_none() && system.is_some_and(|system| system.has_script);
        Ok(Route { proxy, has_script, input: TlsInput::new(config, resolved), tls: OnceCell::new() })
    }

    /// Opens a stream to a server.
    pub async fn connect(&self, dialer: &Dialer, address: &Address, progress: &Progress) -> Result<Stream, Problem> {
        if progress.is_given_up() {
            let reason = "nobody wants it any more";
            return Err(Problem::new(Code::ConnectionLost).with("address", address).with("reason", reason));
        }
        // What only some connections need is in boxes of its own: a thousand may be opened at once.
        let tls = if address.secure { Some(Box::pin(self.tls(dialer, address, progress)).await?) } else { None };
        let stream = self.reach(dialer, address, progress).await?;
        match tls {
            Some(tls) => {
                progress.begin(Stage::Tls);
                let stream = Box::pin(tls.encrypt(stream, address, progress)).await?;
                Ok(Stream::new(Layer::Tls(Box::new(stream))))
            }
            None => Ok(Stream::new(Layer::Tcp(stream))),
        }
    }

    /// What an error of a stream means, if it is one of the encryption: some refusals come only with the first answer.
    pub fn explain(&self, address: &Address, error: &std::io::Error) -> Option<Problem> {
        self.tls.get()?.explain_later(address, error)
    }

    /// Opens a stream to a server as it is, without encryption.
    pub(super) async fn reach(
        &self,
        dialer: &Dialer,
        address: &Address,
        progress: &Progress,
    ) -> Result<TcpStream, Problem> {
        progress.begin(Stage::Lookup);
        let Some(proxy) = &self.proxy else {
            progress.note(match self.has_script {
                false => "without a proxy",
                true => {
                    "without a proxy: the script that chooses one (PAC), which the system's settings name, is not run"
                }
            });
            let addresses = dialer.resolver.resolve(address).await?;
            note_addresses(progress, &addresses);
            progress.begin(Stage::Tcp);
            let stream = dial::connect(addresses).await.map_err(|failed| failed.problem(address))?;
            note_peer(progress, &stream);
            return Ok(stream);
        };
        progress.note(format_args!("through the proxy {}", proxy.address));
        progress.through(&proxy.address);
        let found = dialer.resolver.look_up(&proxy.address.host, proxy.address.port).await;
        let addresses = found.map_err(|reason| proxy.unreachable(format!("its name was not found ({reason})")))?;
        note_addresses(progress, &addresses);
        progress.begin(Stage::Tcp);
        let stream = dial::connect(addresses).await.map_err(|failed| proxy.unreachable(failed))?;
        note_peer(progress, &stream);
        progress.begin(Stage::Proxy);
        let stream = Box::pin(proxy.open(stream, address)).await?;
        progress.note(format_args!("it opened the way to {address}"));
        Ok(stream)
    }

    async fn tls(&self, dialer: &Dialer, address: &Address, progress: &Progress) -> Result<&Tls, Problem> {
        self.tls
            .get_or_try_init(async || {
                progress.begin(Stage::Secrets);
                let input = &self.input;
                let owned = input.clone();
                let tls =
                    dialer.files.run(input.connection(), move || Tls::new(&owned)).await.unwrap_or_else(|error| {
                        let reason = format!("the certificates of this device can't be read, {error}");
                        Err(Problem::new(Code::TlsFailed).with("address", address).with("reason", reason))
                    })?;
                progress.note(tls.describe());
                Ok(tls)
            })
            .await
    }
}

/// Addresses in a note, at most.
const NOTED: usize = 8;

fn note_addresses(progress: &Progress, addresses: &[std::net::SocketAddr]) {
    let mut texts: Vec<String> = addresses.iter().take(NOTED).map(|address| address.ip().to_string()).collect();
    if addresses.len() > NOTED {
        texts.push(format!("and {} more", addresses.len() - NOTED));
    }
    progress.note(texts.join(", "));
}

fn note_peer(progress: &Progress, stream: &TcpStream) {
    if let Ok(peer) = stream.peer_addr() {
        progress.note(format_args!("{peer} answered"));
    }
}
