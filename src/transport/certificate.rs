//! What a sentence needs of an X.509 certificate (RFC 5280). Certificates come from whoever is at the other end: none of
//! their texts is taken to be short, printable or well formed.

use std::fmt::Write;
use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS;
use x509_parser::x509::X509Name;

use crate::diagnostics::one_line;

/// Characters of one name, at most.
const NAME_LIMIT: usize = 100;
/// Names that the certificate is for, at most.
const NAMES_LIMIT: usize = 100;

/// See the module.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The first second of its life, since 1970.
    pub from: i64,
    /// The last one.
    pub until: i64,
    /// Hosts that it is for.
    pub names: Vec<String>,
    /// SHA-256 of all of it.
    pub fingerprint: [u8; 32],
    /// Whether it is its own issuer.
    pub is_self_signed: bool,
    /// Whether it says where its issuer's certificate can be fetched.
    pub names_issuers_address: bool,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
}

impl Certificate {
    /// Reads one. What can't be read is described as that.
    pub fn read(der: &[u8]) -> Certificate {
        let unreadable = || String::from("a certificate that can't be read");
        let mut out = Certificate {
            subject: unreadable(),
            issuer: unreadable(),
            from: 0,
            until: 0,
            names: Vec::new(),
            fingerprint: fingerprint(der),
            is_self_signed: false,
            names_issuers_address: false,
            subject_der: Vec::new(),
            issuer_der: Vec::new(),
        };
        let Ok((_, x509)) = x509_parser::parse_x509_certificate(der) else { return out };
        out.subject = in_short(x509.subject());
        out.issuer = in_short(x509.issuer());
        out.from = x509.validity().not_before.timestamp();
        out.until = x509.validity().not_after.timestamp();
        out.subject_der = x509.subject().as_raw().to_vec();
        out.issuer_der = x509.issuer().as_raw().to_vec();
        let (mut own_key, mut issuers_key) = (None, None);
        for extension in x509.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    out.names.extend(names.general_names.iter().filter_map(host).take(NAMES_LIMIT));
                }
                ParsedExtension::AuthorityInfoAccess(access) => {
                    out.names_issuers_address =
                        access.iter().any(|entry| entry.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS);
                }
                ParsedExtension::SubjectKeyIdentifier(key) => own_key = Some(key.0),
                ParsedExtension::AuthorityKeyIdentifier(key) => {
                    issuers_key = key.key_identifier.as_ref().map(|key| key.0)
                }
                _ => {}
            }
        }
        out.names.truncate(NAMES_LIMIT);
        // Home-made authorities often have the very name of the server; their keys tell them apart.
        let other_key = own_key.zip(issuers_key).is_some_and(|(own, issuers)| own != issuers);
        out.is_self_signed = out.subject_der == out.issuer_der && !other_key;
        out
    }

    /// Whether it carries the name of the issuer of `other`.
    pub fn may_have_issued(&self, other: &Certificate) -> bool {
        !self.subject_der.is_empty() && self.subject_der == other.issuer_der
    }

    /// All of it in one line.
    pub fn summary(&self) -> String {
        let by = if self.is_self_signed { "itself" } else { &self.issuer };
        format!(
            "{}, issued by {by}, valid from {} to {}, SHA-256 {}",
            self.subject,
            day(self.from),
            day(self.until),
            hex(&self.fingerprint)
        )
    }
}

/// SHA-256 of a certificate.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

/// A fingerprint as other tools print it.
pub fn hex(fingerprint: &[u8; 32]) -> String {
    let mut out = String::with_capacity(95);
    for (index, byte) in fingerprint.iter().enumerate() {
        let colon = if index == 0 { "" } else { ":" };
        let _ = write!(out, "{colon}{byte:02X}");
    }
    out
}

fn shown(text: &str) -> String {
    one_line(text.trim(), NAME_LIMIT)
}

/// Common Name, else Organization, else all of a name.
fn in_short(name: &X509Name<'_>) -> String {
    let text = match name.iter_common_name().chain(name.iter_organization()).next() {
        Some(value) => match value.as_str() {
            Ok(text) => shown(text),
            Err(_) => shown(&String::from_utf8_lossy(value.as_slice())),
        },
        None => shown(&name.to_string()),
    };
    if text.is_empty() { "without a name".into() } else { text }
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(shown(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The day of a second since 1970, such as 2026-11-22.
pub fn day(seconds: i64) -> String {
    // Days to a date: years begin in March, so that the leap day is their last (proleptic Gregorian calendar).
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Day and minute, such as 2026-11-22 09:30 UTC.
pub fn moment(seconds: i64) -> String {
    let of_day = seconds.rem_euclid(86_400);
    format!("{} {:02}:{:02} UTC", day(seconds), of_day / 3_600, of_day / 60 % 60)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn made(params: &CertificateParams) -> Vec<u8> {
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_795_339_800, "2026-11-22 09:30 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
        ] {
            assert_eq!(moment(seconds), text);
        }
    }

    #[test]
    fn a_certificate_is_told_in_short() {
        let mut params = CertificateParams::new(vec!["a.example".into(), "*.b.example".into()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress("10.0.0.5".parse().unwrap()));
        params.distinguished_name.push(DnType::CommonName, "a.example");
        params.distinguished_name.push(DnType::OrganizationName, "Example");
        params.not_before = rcgen::date_time_ymd(2020, 2, 29);
        params.not_after = rcgen::date_time_ymd(2030, 12, 31);
        let der = made(&params);
        let read = Certificate::read(&der);
        assert_eq!(read.names, ["a.example", "*.b.example", "10.0.0.5"]);
        assert!(read.is_self_signed && !read.names_issuers_address);
        let told = read.summary();
        assert!(
            told.starts_with("a.example, issued by itself, valid from 2020-02-29 to 2030-12-31, SHA-256 "),
            "{told}"
        );
        let digits = told.rsplit(' ').next().unwrap();
        assert_eq!((digits.len(), digits.matches(':').count()), (95, 31));

        params.distinguished_name.remove(DnType::CommonName);
        assert_eq!(Certificate::read(&made(&params)).subject, "Example");
    }

    #[test]
    fn hostile_certificates_are_short_and_do_no_harm() {
        let mut params = CertificateParams::new((0..500).map(|i| format!("n{i}.example")).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("a\r\n\u{202E}{}", "x".repeat(5_000)));
        let der = made(&params);
        let read = Certificate::read(&der);
        assert_eq!(read.names.len(), NAMES_LIMIT);
        assert_eq!(read.subject.chars().count(), NAME_LIMIT + 1);
        assert!(!read.subject.contains(['\r', '\n', '\u{202E}']));
        // Every length of a cut, and every byte turned over.
        for index in 0..der.len().min(1_500) {
            Certificate::read(&der[..index]);
            let mut broken = der.clone();
            broken[index] ^= 0xFF;
            assert!(Certificate::read(&broken).summary().len() < 1_000);
        }
        assert_eq!(Certificate::read(b"no certificate").subject, "a certificate that can't be read");
    }
}
