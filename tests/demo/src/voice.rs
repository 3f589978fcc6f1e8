// SPDX-License-Identifier: GPL-2.0-only
//! How somebody on the stage is heard, and hears the cues. The other end is
//! `stage`.
//!
//! A cue is a line on standard input. What is said is a line on standard
//! output, a datagram socket that all share: so the lines of different
//! processes keep the order in which they were said. An empty line says that
//! the cue has been followed.

use std::io::{self, BufRead, Write};

use crate::Result;

/// Between who speaks and what is said.
pub(crate) const SEPARATOR: char = '\t';

pub(crate) struct Voice<'a> {
    name: &'a str,
}

impl<'a> Voice<'a> {
    pub(crate) fn new(name: &'a str) -> Voice<'a> {
        Voice { name }
    }

    pub(crate) fn say(&self, words: impl AsRef<str>) -> Result<()> {
        let line = format!("{}{SEPARATOR}{}", self.name, words.as_ref());
        let mut out = io::stdout().lock();
        // One write, one datagram.
        out.write_all(format!("{line}\n").as_bytes())?;
        Ok(out.flush()?)
    }

    /// Follows the cues, until there are no more.
    pub(crate) fn follow(&self, mut act: impl FnMut(&str) -> Result<()>) -> Result<()> {
        for cue in io::stdin().lock().lines() {
            act(&cue?)?;
            self.say("")?;
        }
        Ok(())
    }
}
