//! What this process has used, as the system counts it.

use std::fs;
use std::mem::MaybeUninit;

use anyhow::{Context, Result};

/// CPU time of all threads, in seconds.
pub fn cpu_seconds() -> f64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: all zero is a valid rusage, and the call fills it.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    [usage.ru_utime, usage.ru_stime].iter().map(|time| time.tv_sec as f64 + time.tv_usec as f64 / 1e6).sum()
}

/// Allows as many open files as the system lets this process have.
pub fn allow_many_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct lives through both calls. If they fail, the limit is as it was.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// Memory and threads at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub rss_kib: u64,
    pub anon_kib: u64,
    /// Of this program alone: what getrusage says may be that of the process that started it.
    pub peak_rss_kib: u64,
    pub threads: u64,
}

pub fn memory() -> Result<Memory> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let field = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).with_context(|| name.to_owned())?;
        Ok(number.parse()?)
    };
    Ok(Memory {
        rss_kib: field("VmRSS")?,
        anon_kib: field("RssAnon")?,
        peak_rss_kib: field("VmHWM")?,
        threads: field("Threads")?,
    })
}
