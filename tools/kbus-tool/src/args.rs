// SPDX-License-Identifier: GPL-2.0-only
//! Arguments that several verbs take, and what their values are parsed with.

use std::time::Duration;

use clap::Args;
use kbus::{Deadline, KsockId};

/// When to stop.
#[derive(Debug, Args)]
pub(crate) struct Until {
    /// Stop after so many messages
    #[arg(long, short, value_name = "N")]
    count: Option<usize>,

    /// Stop after this time
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,
}

impl Until {
    pub(crate) fn deadline(&self) -> Deadline {
        deadline(self.duration)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.unwrap_or(usize::MAX)
    }
}

/// Returns the deadline of an optional timeout: without one, never.
pub(crate) fn deadline(timeout: Option<Duration>) -> Deadline {
    timeout.map_or(Deadline::NEVER, Deadline::from)
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) fn ksock_id(text: &str) -> Result<KsockId, String> {
    let id = text.parse().ok().and_then(KsockId::new);
    id.ok_or_else(|| "a Ksock is a number from 1 up".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_seconds() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        assert!(seconds("-1").is_err());
        assert!(seconds("soon").is_err());
        assert!(seconds("NaN").is_err());
    }
}
