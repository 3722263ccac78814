//! Waits between attempts, as the reference client has them: doubling, with jitter, up to a maximum.

use std::time::Duration;

use crate::settings::Reconnect;

/// Factor between two waits.
const FACTOR: f64 = 2.0;

/// Attempts since the last success.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Failed attempts since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Begins anew.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and tells how long to wait. `random` is between 0 and 1.
    pub fn next(&mut self, settings: &Reconnect, random: f64) -> Duration {
        let exponent = f64::from(self.failures.min(64));
        self.failures = self.failures.saturating_add(1);
        let wait = settings.delay.as_secs_f64() * FACTOR.powf(exponent);
        let wait = wait * (1.0 + settings.jitter * (2.0 * random - 1.0));
        Duration::from_secs_f64(wait.min(settings.delay_max.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_for_ever() {
        let settings = Reconnect {
            automatic: true,
            attempts: 0,
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(5),
            jitter: 0.5,
            after_server_disconnect: false,
        };
        let mut backoff = Backoff::default();
        let waits: Vec<f64> = (0..5).map(|_| backoff.next(&settings, 0.5).as_secs_f64()).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 5.0, 5.0]);
        for _ in 0..100_000 {
            assert_eq!(backoff.next(&settings, 0.5), Duration::from_secs(5));
        }
        backoff.reset();
        assert_eq!(backoff.next(&settings, 0.0), Duration::from_millis(500));
        backoff.reset();
        assert_eq!(backoff.next(&settings, 1.0), Duration::from_millis(1500));
    }
}
