//! What others say over HTTP and TLS: answers, redirects, cookies, a proxy's answer, certificates.

#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_plugin::fuzzing::{Address, answer, certificate, cookies, is_requestable, proxy_answer, redirect};

fuzz_target!(|data: &[u8]| {
    let Some((&kind, rest)) = data.split_first() else { return };
    match kind {
        b'p' => proxy(rest),
        b'c' => cookie(rest),
        b'd' => der(rest),
        _ => http(kind, rest),
    }
});

/// Status, headers, an empty line, body: as HTTP writes it, so that seeds can be read.
fn http(kind: u8, message: &[u8]) {
    let end = message.windows(2).position(|pair| pair == b"\n\n").unwrap_or(message.len());
    let (head, body) = (&message[..end], message.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|&byte| byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok()).unwrap_or(302);
    let headers: Vec<(&str, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()))
        })
        .collect();
    let secure = kind == b's';
    let address = Address { host: "a.example".into(), port: 3000, path: "/socket.io/".into(), secure };
    if let Some((code, sentence)) = answer(&address, status, &headers, body) {
        assert!(!code.is_empty() && !sentence.is_empty());
        assert!(sentence.len() < 6_000, "{} bytes", sentence.len());
    }
    match redirect(&address, status, &headers) {
        Some(Ok(next)) => {
            assert_eq!(next.host, address.host);
            assert!(next.secure || !address.secure);
            assert!(next.path.starts_with('/') && next.path.ends_with('/'), "{next:?}");
            assert!(is_requestable(&next), "{next:?}");
        }
        Some(Err(sentence)) => assert!(!sentence.is_empty()),
        None => {}
    }
}

fn cookie(data: &[u8]) {
    let answers: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let [plain, encrypted] = cookies(&answers);
    for header in [&plain, &encrypted].into_iter().flatten() {
        assert!(!header.contains(['\r', '\n', '\0']), "{header:?}");
        assert!(header.len() <= data.len() + 2 * answers.len());
    }
    assert!(encrypted.is_some() || plain.is_none());
}

/// The head is found at the same place, however much of it has come.
fn proxy(data: &[u8]) {
    let whole = proxy_answer(data);
    if let Ok(Some((length, status))) = whole {
        assert!(length <= data.len() && length > 0);
        assert!((100..=999).contains(&status) || status < 100);
        assert_eq!(proxy_answer(&data[..length]), whole);
        assert_eq!(proxy_answer(&data[..length - 1]), Ok(None));
    }
}

fn der(data: &[u8]) {
    let (summary, names) = certificate(data);
    assert!(summary.len() < 1_500 && !summary.contains(['\r', '\n']), "{summary}");
    assert!(names.len() <= 100);
    assert!(names.iter().all(|name| name.chars().count() <= 101 && !name.contains(['\r', '\n'])));
}
