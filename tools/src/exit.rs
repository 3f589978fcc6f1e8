// SPDX-License-Identifier: GPL-2.0-only
//! How the program ends: its exit status, and what made it end.

use std::io;
use std::path::PathBuf;

use kbus::Error;

/// Done.
pub(crate) const OK: u8 = 0;
/// The bus or the system refused.
const REFUSED: u8 = 1;
// 2 is what clap ends with when the command line is wrong.
/// The bus answered a request, since the replier will not.
const UNANSWERED: u8 = 3;
/// Nobody answered in time.
const TIMED_OUT: u8 = 4;

/// What made it end.
#[derive(Debug)]
pub(crate) enum Failure {
    Bus(Error),
    /// Reading a file, with its path.
    File(PathBuf, io::Error),
    /// Writing our own output.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Bus(Error::Unanswered { .. }) => UNANSWERED,
            Failure::Bus(Error::TimedOut { .. }) => TIMED_OUT,
            Failure::Output(error) if is_quiet(error) => OK,
            _ => REFUSED,
        }
    }

    /// What to say about it; nothing when nobody wants to hear.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Failure::Bus(error) => Some(error.to_string()),
            Failure::File(path, error) => Some(format!("cannot read {}: {error}", path.display())),
            Failure::Output(error) if is_quiet(error) => None,
            Failure::Output(error) => Some(format!("cannot write: {error}")),
        }
    }
}

/// The reader of our output has seen enough, as head has after ten lines.
fn is_quiet(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Bus(error)
    }
}
