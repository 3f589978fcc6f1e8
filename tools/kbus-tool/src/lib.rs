// SPDX-License-Identifier: GPL-2.0-only
//! kbus-tool: the bus for people. This file only starts the verb of the
//! command line and says how it ended; each verb is a file in `verb`. It is a
//! library so that `tests/fuzz` can reach the [`parsers`]; there is nothing
//! else in it for others.
//!
//! The modules are layers, of which each knows only those below it:
//!
//! ```text
//! parsers
//! cli                              the command line
//! verb::*                          what a verb takes and does
//! subscription, context, payload   what verbs share
//! recording, render, args          messages in files and on lines
//! procfs, gap, shutdown, output
//! exit                             how all of them fail
//! ```

#![deny(unsafe_code)]

mod args;
mod cli;
mod context;
mod exit;
mod gap;
mod output;
pub mod parsers;
mod payload;
mod procfs;
mod recording;
mod render;
mod shutdown;
mod subscription;
mod verb;

use std::process::ExitCode;

use clap::Parser;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(()) => exit::OK.into(),
        Err(failure) => {
            if !failure.is_quiet() {
                output::warn(&failure);
            }
            if let exit::Failure::Signal(signal) = failure {
                shutdown::reraise(signal);
            }
            failure.code().into()
        }
    }
}
