//! What the system's own settings say of proxies, where a system has such settings: Windows, for each user.

/// See the module. The texts are as Windows keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemProxies {
    /// One proxy, or a list by scheme.
    pub servers: String,
    /// What is reached without them.
    pub direct: String,
    /// Whether a script is named that would choose one.
    pub has_script: bool,
}

/// Whether there may be such settings.
pub const HAS_SYSTEM_PROXIES: bool = cfg!(windows);

/// Reads them, None if there are none. The system asks other processes for them: it may take its time.
#[cfg(windows)]
pub fn system_proxies() -> Option<SystemProxies> {
    use windows_sys::Win32::Foundation::GlobalFree;
    use windows_sys::Win32::Networking::WinHttp::{
        WINHTTP_CURRENT_USER_IE_PROXY_CONFIG, WinHttpGetIEProxyConfigForCurrentUser,
    };

    let take = |text: *mut u16| {
        if text.is_null() {
            return String::new();
        }
        // SAFETY: what is not NULL ends with a zero, and is ours to read and to free.
        unsafe {
            let length = (0..).take_while(|&index| *text.add(index) != 0).count();
            let taken = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
            GlobalFree(text.cast());
            taken
        }
    };
    let mut found = WINHTTP_CURRENT_USER_IE_PROXY_CONFIG::default();
    // SAFETY: the pointer is to a local.
    if unsafe { WinHttpGetIEProxyConfigForCurrentUser(&mut found) } == 0 {
        return None;
    }
    // "Detect automatically" is on everywhere, and says nothing.
    let script = take(found.lpszAutoConfigUrl);
    Some(SystemProxies {
        servers: take(found.lpszProxy),
        direct: take(found.lpszProxyBypass),
        has_script: !script.trim().is_empty(),
    })
}

/// There are none.
#[cfg(not(windows))]
pub fn system_proxies() -> Option<SystemProxies> {
    None
}
