// SPDX-License-Identifier: GPL-2.0-only
//! kbus-tool: the bus for people. This file only starts the verb that was
//! asked for and says how it ended; each verb is a file in `verb`. It is a
//! library so that `tests/fuzz` can reach the [`parsers`]; there is nothing
//! else in it for others.

#![deny(unsafe_code)]

mod census;
mod cli;
mod exit;
mod hearing;
mod missed;
mod output;
pub mod parsers;
mod payload;
mod recording;
mod shown;
mod stop;
mod verb;

use std::process::ExitCode;

use clap::Parser;

/// What the program does.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(()) => exit::OK.into(),
        Err(failure) => {
            if let Some(words) = failure.words() {
                output::complain(&words);
            }
            if let exit::Failure::Signal(signal) = failure {
                stop::die_of(signal);
            }
            failure.code().into()
        }
    }
}
