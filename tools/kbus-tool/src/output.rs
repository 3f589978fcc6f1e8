// SPDX-License-Identifier: GPL-2.0-only
//! What is printed: lines, or with --json objects, one a line. How a message
//! looks is in `render`.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Standard output. Nothing goes out before `flush`, or before there is much
/// of it: flush before waiting for something.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    pub(crate) json: bool,
    /// A person is looking.
    pub(crate) terminal: bool,
    colour: bool,
}

/// What a piece of a line is, for the eye.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    /// Where the eye goes first.
    Name,
    /// There if one looks for it.
    Quiet,
    Good,
    Bad,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        // As no-color.org asks.
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Output {
            out: BufWriter::with_capacity(64 * 1024, stdout.lock()),
            json,
            terminal,
            colour: terminal && !unwanted && !dumb,
        }
    }

    /// Prints a line, of whatever bytes.
    pub(crate) fn line(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        self.out
            .write_all(bytes.as_ref())
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(Failure::Output)
    }

    /// Prints an object on a line.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.out, object)
            .map_err(|error| Failure::Output(error.into()))?;
        self.line("")
    }

    /// Prints the object with --json, the line without.
    pub(crate) fn either(
        &mut self,
        object: &impl Serialize,
        line: impl FnOnce(&Self) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.object(object)
        } else {
            let line = line(self);
            self.line(line)
        }
    }

    /// Bytes that are no line: what moves the cursor.
    pub(crate) fn raw(&mut self, bytes: &str) -> Result<(), Failure> {
        self.out
            .write_all(bytes.as_bytes())
            .map_err(Failure::Output)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::Output)
    }

    /// Returns the text in its colour, if there are colours.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Name => "1",
            Paint::Quiet => "2",
            Paint::Good => "32",
            Paint::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Prints a line on standard error.
pub(crate) fn note(words: &str) {
    // A user who has closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "{words}");
}

/// Prints what went wrong on standard error.
pub(crate) fn warn(words: impl Display) {
    note(&format!("kbus-tool: {words}"));
}

/// Returns a number of things, as in "1 message", "2 messages".
pub(crate) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
