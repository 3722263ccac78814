//! The settings text: whatever it is, it is either usable or refused with sentences.

#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_plugin::fuzzing::parse_settings;

fuzz_target!(|data: &[u8]| {
    let parsed = parse_settings(data);
    let report = parsed.report();
    assert_eq!(report.is_empty(), parsed.findings.is_empty());
    assert!(parsed.is_usable() || !report.is_empty());
    for finding in &parsed.findings {
        assert!(!finding.what.is_empty() && !finding.remedy.is_empty(), "{finding:?}");
        assert!(finding.to_string().starts_with(if finding.is_error { "error: " } else { "warning: " }));
    }
    if !parsed.is_usable() {
        return;
    }
    for connection in &parsed.connections {
        assert!(!connection.name.trim().is_empty() && !connection.name.contains('\n'), "{connection:?}");
        assert!(!connection.address.host.is_empty() && connection.address.port != 0, "{connection:?}");
        assert!(connection.reconnect.delay <= connection.reconnect.delay_max, "{connection:?}");
        assert!((0.0..=1.0).contains(&connection.reconnect.jitter), "{connection:?}");
        // Neither the log nor a report may make it fall.
        assert!(!connection.references().iter().any(String::is_empty));
    }
    // The same text says the same.
    let again = parse_settings(data);
    assert_eq!(again.connections, parsed.connections);
    assert_eq!(again.findings, parsed.findings);
});
