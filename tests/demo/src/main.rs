// SPDX-License-Identifier: GPL-2.0-only
//! The play of `make demo`: what KBUS does, shown by processes that talk
//! through it. Everybody on the stage is this program once more, started with
//! a role. It is not a test, but it fails when something does not happen as
//! told.
//!
//! Run as root, in a directory with kbus.ko in it (or with the module loaded).

#![deny(unsafe_code)]

mod module;
mod play;
mod role;
mod stage;
mod voice;

use std::error::Error;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [] => play::perform(),
        ["--as", name] => role::perform(name),
        _ => Err("usage: kbus-demo".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kbus-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
