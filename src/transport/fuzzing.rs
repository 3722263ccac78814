//! What others say over HTTP and TLS, handed to those who read it: for the fuzz targets in `fuzz/`.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

use super::certificate::Certificate;
use super::cookies::Cookies;
use super::{proxy, recognise};
use crate::settings::Address;

/// The headers that an HTTP/1.1 parser would let through.
fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
    let readable = lines
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(*name).ok()?, HeaderValue::from_bytes(value).ok()?)));
    readable.collect()
}

/// What an answer means that is not that of a Socket.IO server: code and sentence.
pub fn answer(address: &Address, status: u16, lines: &[(&str, &[u8])], body: &[u8]) -> Option<(&'static str, String)> {
    let status = StatusCode::from_u16(status).ok()?;
    let problem = recognise::http_answer(address, status, &headers(lines), body);
    Some((problem.name(), problem.message()))
}

/// Where an answer redirects to, if it may be followed.
pub fn redirect(address: &Address, status: u16, lines: &[(&str, &[u8])]) -> Option<Result<Address, String>> {
    let headers = headers(lines);
    let location = recognise::location(StatusCode::from_u16(status).ok()?, &headers)?;
    Some(recognise::redirected(address, location).map_err(|problem| problem.message()))
}

/// Whether a request to this address can be made.
pub fn is_requestable(address: &Address) -> bool {
    Request::builder().method(Method::GET).uri(address.url()).body(()).is_ok()
}

/// The Cookie headers that follow from answers: for plain requests and for encrypted ones.
pub fn cookies(answers: &[&[u8]]) -> [Option<String>; 2] {
    let mut cookies = Cookies::default();
    for answer in answers {
        cookies.take_from(&headers(&[("set-cookie", *answer)]));
    }
    [false, true].map(|encrypted| cookies.header(None, encrypted))
}

/// The head of a proxy's answer: its length and status. None: it is not complete yet.
pub fn proxy_answer(bytes: &[u8]) -> Result<Option<(usize, u16)>, &'static str> {
    Ok(proxy::read_head(bytes)?.map(|answer| (answer.length, answer.status)))
}

/// A certificate in one line, and the hosts that it is for.
pub fn certificate(der: &[u8]) -> (String, Vec<String>) {
    let certificate = Certificate::read(der);
    (certificate.summary(), certificate.names)
}
