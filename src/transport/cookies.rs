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
    kept: Vec<Cookie>,
}

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    /// Only for encrypted requests.
    secure: bool,
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
        self.kept.retain(|known| known.name != name);
        let (mut max_age, mut expires, mut secure) = (None, None, false);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            if key.eq_ignore_ascii_case("secure") {
                secure = true;
            } else if key.eq_ignore_ascii_case("max-age") {
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
        if !is_over && self.kept.len() < COUNT_LIMIT {
            self.kept.push(Cookie { name: name.into(), value: value.into(), secure });
        }
    }

    /// The value of a request's Cookie header, with what the settings add; None: there are none.
    pub fn header(&self, own: Option<&str>, encrypted: bool) -> Option<String> {
        let fitting = self.kept.iter().filter(|cookie| encrypted || !cookie.secure);
        let pairs = fitting.map(|Cookie { name, value, .. }| format!("{name}={value}"));
        let all: Vec<String> = own.map(str::to_string).into_iter().chain(pairs).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.kept.clear();
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
        assert_eq!(cookies.header(None, false).unwrap(), "io=abc; node=2");
        assert_eq!(cookies.header(Some("mine=1"), false).unwrap(), "mine=1; io=abc; node=2");
        cookies.set("io=; Max-Age=0");
        cookies.set("node=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(cookies.header(None, false), None);
        cookies.set("safe=1; Secure");
        assert_eq!((cookies.header(None, false), cookies.header(None, true)), (None, Some("safe=1".into())));
        cookies.set("=x");
        cookies.set(&format!("big={}", "x".repeat(BYTES_LIMIT)));
        (0..100).for_each(|i| cookies.set(&format!("c{i}=1")));
        assert_eq!(cookies.kept.len(), COUNT_LIMIT);
    }
}
