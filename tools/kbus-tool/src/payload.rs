// SPDX-License-Identifier: GPL-2.0-only
//! The payload of a message, as it is given on the command line.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use base64::prelude::{Engine as _, BASE64_STANDARD};
use clap::{Args, ValueEnum};
use serde::de::IgnoredAny;

use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct Payload {
    /// What the message carries; nothing if it is left out
    data: Option<String>,

    /// Carry the contents of a file instead (-: of standard input)
    #[arg(long, short, conflicts_with = "data")]
    file: Option<PathBuf>,

    /// How that is written
    #[arg(long = "as", value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// As it is, byte for byte
    Text,
    /// In hexadecimal; blanks do not count
    Hex,
    /// In base64; blanks do not count
    Base64,
    /// As JSON: checked, and sent as it is, without the blanks around it
    Json,
}

impl Payload {
    pub(crate) fn read(self) -> Result<Vec<u8>, Failure> {
        let written = match self.file {
            None => self.data.unwrap_or_default().into_bytes(),
            Some(path) => {
                let read = if path.as_os_str() == "-" {
                    let mut data = Vec::new();
                    io::stdin().lock().read_to_end(&mut data).map(|_| data)
                } else {
                    fs::read(&path)
                };
                read.map_err(|error| Failure::File("read", path, error))?
            }
        };
        self.format.decode(written)
    }

    /// Returns how payloads are written that come from elsewhere.
    pub(crate) fn format(&self) -> Format {
        self.format
    }
}

impl Format {
    pub(crate) fn decode(self, written: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let dense = |written: &[u8]| -> Vec<u8> {
            let blank = |byte: &u8| !byte.is_ascii_whitespace();
            written.iter().copied().filter(blank).collect()
        };
        match self {
            Format::Text => Ok(written),
            Format::Hex => hex::decode(dense(&written)).map_err(|error| {
                Failure::Payload(format!("the data are not hexadecimal: {error}"))
            }),
            Format::Base64 => BASE64_STANDARD
                .decode(dense(&written))
                .map_err(|error| Failure::Payload(format!("the data are not base64: {error}"))),
            Format::Json => serde_json::from_slice::<IgnoredAny>(&written)
                .map(|_| written.trim_ascii().to_owned())
                .map_err(|error| Failure::Payload(format!("the data are not JSON: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_written_in_many_ways() {
        let decode = |format: Format, text: &str| format.decode(text.into()).map_err(|_| ());
        assert_eq!(decode(Format::Text, "a\n"), Ok(b"a\n".to_vec()));
        assert_eq!(decode(Format::Hex, "fF 00\n"), Ok(vec![255, 0]));
        assert_eq!(decode(Format::Hex, "f"), Err(()));
        assert_eq!(decode(Format::Base64, "/w==\n"), Ok(vec![255]));
        assert_eq!(decode(Format::Base64, "/w"), Err(()));
        assert_eq!(
            decode(Format::Json, "{\"a\": 1}\n"),
            Ok(b"{\"a\": 1}".to_vec())
        );
        assert_eq!(decode(Format::Json, "{"), Err(()));
    }
}
