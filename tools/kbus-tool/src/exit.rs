// SPDX-License-Identifier: GPL-2.0-only
//! How the program ends: its exit status, and what made it end.

use std::io;
use std::path::PathBuf;

use kbus::Error;

/// Done.
pub(crate) const OK: u8 = 0;
/// The bus or the system refused.
const REFUSED: u8 = 1;
/// What clap ends with, too, when the command line is wrong.
const USAGE: u8 = 2;
/// The bus answered a request, since the replier will not.
const UNANSWERED: u8 = 3;
/// What was waited for did not happen in time.
const TIMED_OUT: u8 = 4;

/// For the help of the program: the numbers above.
pub(crate) const EXIT_STATUS: &str = "\
Exit status:
  0  done; for request: answered
  1  the bus or the system refused (the errno is named), or doctor found a fault
  2  the command line is wrong, or the payload is not what it is said to be
  3  request: there is no reply, and the bus said why
  4  request, send, who: it did not happen in time
Ctrl-C ends it by that signal (130 in a shell), with all output written.";

/// What made it end.
#[derive(Debug)]
pub(crate) enum Failure {
    Bus(Error),
    /// Doing something (in words, after "cannot") with a file.
    File(&'static str, PathBuf, io::Error),
    /// Writing our own output.
    Output(io::Error),
    /// The payload is not what it was said to be.
    Payload(String),
    /// Something that there is no errno for.
    Refused(String),
    /// What we waited for did not happen in time.
    TimedOut(String),
    /// This signal. Nobody has to be told.
    Signal(i32),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Bus(Error::Unanswered { .. }) => UNANSWERED,
            Failure::Bus(Error::TimedOut { .. }) | Failure::TimedOut(_) => TIMED_OUT,
            Failure::Output(error) if is_quiet(error) => OK,
            Failure::Payload(_) => USAGE,
            // What a shell would say, if the signal does not end us.
            Failure::Signal(signal) => u8::try_from(128 + signal).unwrap_or(REFUSED),
            _ => REFUSED,
        }
    }

    /// What to say about it; nothing when nobody wants to hear.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Failure::Bus(error) => Some(error.to_string()),
            Failure::File(what, path, error) => Some(format!(
                "cannot {what} {}: {}",
                path.display(),
                with_errno(error)
            )),
            Failure::Output(error) if is_quiet(error) => None,
            Failure::Output(error) => Some(format!("cannot write: {}", with_errno(error))),
            Failure::Payload(words) | Failure::Refused(words) | Failure::TimedOut(words) => {
                Some(words.clone())
            }
            Failure::Signal(_) => None,
        }
    }
}

/// The system's words and the name of the errno, where it has one that the
/// library knows.
fn with_errno(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{} [{}]", error.kind(), kbus::Errno(number)),
        None => error.to_string(),
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
