//! The roots that everybody trusts: those of the system, and those that Mozilla keeps, for systems that have none.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use crate::diagnostics::log::{self, Level};
use crate::runtime::environment;

/// See the module.
pub struct Roots {
    /// All of them.
    pub store: Arc<RootCertStore>,
    /// How many the system has.
    pub of_system: usize,
    /// How many the plugin brings.
    pub bundled: usize,
}

/// The roots. The first call of the process reads some hundred kilobytes of files: it may block.
pub fn roots() -> &'static Roots {
    static ROOTS: OnceLock<Roots> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let [file, dir] = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(environment::kept);
        let is_named = file.is_some() || dir.is_some();
        let found = if is_named { named(file, dir) } else { load_native_certs() };
        let mut store = RootCertStore::empty();
        let (of_system, unusable) = store.add_parsable_certificates(found.certs);
        let bundled = webpki_roots::TLS_SERVER_ROOTS.len();
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        // The bundled ones remain, so that this is no failure; but who names a file wants it to be read.
        if let Some(error) = found.errors.first() {
            let level = if is_named || of_system == 0 { Level::Warning } else { Level::Debug };
            let more = found.errors.len() - 1;
            log::write(level, 0, || {
                format!("Root certificates of the system can't be read: {error} ({more} more of these).")
            });
        } else if of_system == 0 {
            log::write(Level::Debug, 0, || "The system has no root certificates.".into());
        }
        log::write(Level::Debug, 0, || {
            format!("{of_system} root certificates of the system ({unusable} unusable), {bundled} of the plugin.")
        });
        Roots { store: Arc::new(store), of_system, bundled }
    })
}

/// The certificates of the file and the directories that the environment names.
fn named(file: Option<OsString>, dirs: Option<OsString>) -> CertificateResult {
    let mut found = load_certs_from_paths(file.as_deref().map(Path::new), None);
    for dir in dirs.iter().flat_map(std::env::split_paths).filter(|dir| !dir.as_os_str().is_empty()) {
        let mut more = load_certs_from_paths(None, Some(&dir));
        found.certs.append(&mut more.certs);
        found.errors.append(&mut more.errors);
    }
    // A directory has each certificate under several names.
    found.certs.sort_unstable_by(|a, b| a.cmp(b));
    found.certs.dedup();
    found
}
