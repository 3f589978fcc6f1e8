// SPDX-License-Identifier: GPL-2.0-only
//! The tool's parsers, for a fuzzer: each takes a text, and returns what it
//! has understood as this program would write it, or in words why it has not.

use clap::{Parser, ValueEnum};

use crate::cli::Cli;
use crate::payload::Format;
use crate::procfs;
use crate::recording::{Header, Line};

/// Returns how payloads can be written.
pub fn formats() -> impl Iterator<Item = String> {
    let names = Format::value_variants().iter();
    names.filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
}

/// Returns the bytes of a payload in one of the [`formats`].
pub fn payload(format: &str, written: &[u8]) -> Result<Vec<u8>, String> {
    let decoded = Format::from_str(format, false)?.decode(written.to_vec());
    decoded.map_err(|failure| failure.to_string())
}

/// Parses the first line of a recording.
pub fn head(line: &str) -> Result<String, String> {
    let head = Header::parse(line)?;
    serde_json::to_string(&head).map_err(|error| error.to_string())
}

/// Parses another line of a recording, and the name and the data in it. None:
/// it says that something is missing there.
pub fn line(line: &str) -> Result<Option<(String, kbus::Name, Vec<u8>)>, String> {
    match Line::parse(line)? {
        Line::Gap => Ok(None),
        Line::Message(record) => {
            let text = serde_json::to_string(&record).map_err(|error| error.to_string())?;
            Ok(Some((text, record.name()?, record.data()?)))
        }
    }
}

/// Parses `/proc/kbus/stats`. Returns how many buses and Ksocks are in it.
pub fn stats(text: &str) -> (usize, usize) {
    let buses = procfs::parse_stats(text);
    (buses.len(), buses.iter().map(|bus| bus.ksocks.len()).sum())
}

/// Parses `/proc/kbus/bindings`. Returns the names in it.
pub fn bindings(text: &str) -> Vec<kbus::Pattern> {
    let bindings = procfs::parse_bindings(text).into_iter();
    bindings.map(|binding| binding.name).collect()
}

/// Parses the words of a command line, the program's name first.
pub fn command_line(words: &[&str]) -> Result<(), String> {
    Cli::try_parse_from(words)
        .map(drop)
        .map_err(|error| error.to_string())
}
