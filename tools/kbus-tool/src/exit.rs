// SPDX-License-Identifier: GPL-2.0-only
//! How the program ends: its exit status, and the failure that made it end.

use std::io;
use std::path::PathBuf;

/// Done.
pub(crate) const OK: u8 = 0;
/// A call of the bus or the system failed.
const FAILED: u8 = 1;
/// What clap ends with, too, when the command line is wrong.
const USAGE: u8 = 2;
/// The bus answered a request, since the replier will not.
const UNANSWERED: u8 = 3;
/// What was waited for did not happen in time.
const TIMED_OUT: u8 = 4;

/// The numbers above, as the help of the program says them.
pub(crate) const EXIT_STATUS: &str = "\
Exit status:
  0  done; for request: answered
  1  the bus or the system refused (the errno is named), or doctor found a fault
  2  the command line is wrong, or the payload is not what it is said to be
  3  request: there is no reply, and the bus said why
  4  request, send, who: it did not happen in time
Ctrl-C ends it by that signal (130 in a shell), with all output written.";

/// What made the program end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Bus(#[from] kbus::Error),
    /// Doing something (in words, after "cannot") with a file.
    #[error("cannot {} {}: {}", .0, .1.display(), with_errno(.2))]
    File(&'static str, PathBuf, io::Error),
    /// Writing our own output.
    #[error("cannot write: {}", with_errno(.0))]
    Output(io::Error),
    /// The payload is not what it was said to be.
    #[error("{0}")]
    Payload(String),
    /// Something that there is no errno for.
    #[error("{0}")]
    Other(String),
    /// What we waited for did not happen in time.
    #[error("{0}")]
    TimedOut(String),
    /// This signal came.
    #[error("ended by signal {0}")]
    Signal(i32),
}

impl Failure {
    /// Returns the exit status.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Bus(kbus::Error::Unanswered { .. }) => UNANSWERED,
            Failure::Bus(kbus::Error::TimedOut { .. }) | Failure::TimedOut(_) => TIMED_OUT,
            Failure::Output(_) if self.is_quiet() => OK,
            Failure::Payload(_) => USAGE,
            // What a shell would say, if the signal does not end us.
            Failure::Signal(signal) => u8::try_from(128 + signal).unwrap_or(FAILED),
            _ => FAILED,
        }
    }

    /// Returns whether there is nothing to say about it: it was a signal, or
    /// the reader of our output has seen enough, as head has after ten lines.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Failure::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Failure::Signal(_) => true,
            _ => false,
        }
    }
}

/// Returns the system's words and the name of the errno, where it has one that
/// the library knows.
fn with_errno(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{} [{}]", error.kind(), kbus::Errno(number)),
        None => error.to_string(),
    }
}
