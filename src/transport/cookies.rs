//! Cookies of a server (RFC 6265), as far as a client needs them that asks one path of one server: a load balancer
//! recognises by them which server a session belongs to.

use std::time::SystemTime;

use http::header::{HeaderMap, SET_COOKIE};

/// Cookies of one server at most, and bytes of each.
const COUNT_LIMIT: usize = 50;
const BYTES_LIMIT: usize = 4096;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Cookies {
    pairs: Vec<(String, String)>,
}

impl Cookies {
    /// Takes what an answer sets.
    pub fn take_from(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            self.set(cookie);
        }
    }

    fn set(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || cookie.len() > BYTES_LIMIT {
            return;
        }
        self.pairs.retain(|(known, _)| known != name);
        let (mut max_age, mut expires) = (None, None);
        for (key, value) in parts.filter_map(|attribute| attribute.split_once('=')) {
            if key.eq_ignore_ascii_case("max-age") {
                max_age = value.trim().parse::<i64>().ok();
            } else if key.eq_ignore_ascii_case("expires") {
                expires = httpdate::parse_http_date(value.trim()).ok();
            }
        }
        // Section 5.3: Max-Age has precedence. One that expires later is kept as long as the session.
        let is_over = match (max_age, expires) {
            (Some(seconds), _) => seconds <= 0,
            (None, Some(when)) => when <= SystemTime::now(),
            (None, None) => false,
        };
        if !is_over && self.pairs.len() < COUNT_LIMIT {
            self.pairs.push((name.into(), value.into()));
        }
    }

    /// The value of a request's Cookie header, with what the settings add; None: there are none.
    pub fn header(&self, own: Option<&str>) -> Option<String> {
        let pairs = self.pairs.iter().map(|(name, value)| format!("{name}={value}"));
        let all: Vec<String> = own.map(str::to_string).into_iter().chain(pairs).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.pairs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_kept_replaced_and_dropped() {
        let mut cookies = Cookies::default();
        cookies.set("io=abc; Path=/; HttpOnly; SameSite=Strict");
        cookies.set("node=1");
        cookies.set("node=2; Expires=Fri, 01 Jan 2100 00:00:00 GMT");
        assert_eq!(cookies.header(None).unwrap(), "io=abc; node=2");
        assert_eq!(cookies.header(Some("mine=1")).unwrap(), "mine=1; io=abc; node=2");
        cookies.set("io=; Max-Age=0");
        cookies.set("node=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(cookies.header(None), None);
        cookies.set("=x");
        cookies.set(&format!("big={}", "x".repeat(BYTES_LIMIT)));
        (0..100).for_each(|i| cookies.set(&format!("c{i}=1")));
        assert_eq!(cookies.pairs.len(), COUNT_LIMIT);
    }
}
