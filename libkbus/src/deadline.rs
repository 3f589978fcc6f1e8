// SPDX-License-Identifier: GPL-2.0-only
//! Until when to wait: [`Deadline`]. Not a timer; nothing happens when it
//! passes except that somebody stops waiting.

use std::time::{Duration, Instant};

/// Until when to wait. A [`Duration`] (from now on) or an [`Instant`] may stand
/// where a deadline is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Wait as long as it takes.
    pub const NEVER: Deadline = Deadline(None);

    /// How much time is left; `None`: no end of it.
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Has it passed?
    pub fn has_passed(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// How long that is for poll, in milliseconds; -1: for ever.
    pub(crate) fn milliseconds(self) -> i32 {
        self.left().map_or(-1, milliseconds)
    }
}

/// Rounded up, so that nobody wakes early and spins; at most what fits (24
/// days), for callers who look again.
fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

impl From<Duration> for Deadline {
    /// From now on. Longer than the clock goes is for ever.
    fn from(duration: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(duration))
    }
}

impl From<Instant> for Deadline {
    fn from(end: Instant) -> Deadline {
        Deadline(Some(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_out() {
        assert!(Deadline::from(Duration::ZERO).has_passed());
        assert_eq!(Deadline::from(Duration::ZERO).milliseconds(), 0);
        assert!(!Deadline::from(Duration::from_secs(60)).has_passed());
        assert!(!Deadline::NEVER.has_passed());
        assert_eq!(Deadline::NEVER.milliseconds(), -1);
        assert_eq!(Deadline::from(Duration::MAX), Deadline::NEVER);
    }

    #[test]
    fn milliseconds_round_up() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(7)), 7);
        assert_eq!(milliseconds(Duration::from_micros(7001)), 8);
        assert_eq!(milliseconds(Duration::MAX), i32::MAX);
    }
}
