// SPDX-License-Identifier: GPL-2.0-only
//! The tool's parsers, for those who feed them nonsense: each takes what was
//! written, and gives what it has understood as this program would write it,
//! or in words why it has not.

use clap::{Parser, ValueEnum};

use crate::census;
use crate::cli::Cli;
use crate::payload::Format;
use crate::recording::{Head, Line};

/// How payloads can be written.
pub fn formats() -> impl Iterator<Item = String> {
    let names = Format::value_variants().iter();
    names.filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
}

/// A payload in one of the [`formats`]: its bytes.
pub fn payload(format: &str, written: &[u8]) -> Result<Vec<u8>, String> {
    let decoded = Format::from_str(format, false)?.decode(written.to_vec());
    decoded.map_err(|failure| failure.words().unwrap_or_default())
}

/// The first line of a recording.
pub fn head(line: &str) -> Result<String, String> {
    let head = Head::parse(line)?;
    serde_json::to_string(&head).map_err(|error| error.to_string())
}

/// Another line of a recording, and the name and the data in it. None: it says
/// that something is missing there.
pub fn line(line: &str) -> Result<Option<(String, kbus::Name, Vec<u8>)>, String> {
    match Line::parse(line)? {
        Line::Missed => Ok(None),
        Line::Message(spoken) => {
            let text = serde_json::to_string(&spoken).map_err(|error| error.to_string())?;
            Ok(Some((text, spoken.name()?, spoken.data()?)))
        }
    }
}

/// `/proc/kbus/stats`, and how many buses and Ksocks are in it.
pub fn stats(text: &str) -> (usize, usize) {
    let buses = census::parse_stats(text);
    (buses.len(), buses.iter().map(|bus| bus.ksocks.len()).sum())
}

/// `/proc/kbus/bindings`, and the names in it.
pub fn bindings(text: &str) -> Vec<kbus::Pattern> {
    let bindings = census::parse_bindings(text).into_iter();
    bindings.map(|binding| binding.name).collect()
}

/// The words of a command line, the program's name first.
pub fn command_line(words: &[&str]) -> Result<(), String> {
    Cli::try_parse_from(words)
        .map(drop)
        .map_err(|error| error.to_string())
}
