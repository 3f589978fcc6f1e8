// SPDX-License-Identifier: GPL-2.0-only
//! Until when to wait: [`Deadline`]. Not a timer; nothing happens when it
//! passes except that a caller stops waiting.

use std::time::{Duration, Instant};

/// Until when to wait. A [`Duration`] (from now on) or an [`Instant`] may stand
/// where a deadline is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Wait as long as it takes.
    pub const NEVER: Deadline = Deadline(None);

    /// Returns how much time is left; `None` when there is no end of it.
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Returns whether it has passed.
    pub fn has_passed(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }
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
        assert!(!Deadline::from(Duration::from_secs(60)).has_passed());
        assert!(!Deadline::NEVER.has_passed());
        assert_eq!(Deadline::from(Duration::MAX), Deadline::NEVER);
    }
}
