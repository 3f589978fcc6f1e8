// SPDX-License-Identifier: GPL-2.0-only
//! What a message is to carry, as it is given on the command line.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;

use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct Payload {
    /// What the message carries, as text; nothing if it is left out
    data: Option<String>,

    /// Carry the contents of a file instead (-: of standard input)
    #[arg(long, short, conflicts_with = "data")]
    file: Option<PathBuf>,
}

impl Payload {
    pub(crate) fn read(self) -> Result<Vec<u8>, Failure> {
        let Some(path) = self.file else {
            return Ok(self.data.unwrap_or_default().into_bytes());
        };
        let read = if path.as_os_str() == "-" {
            let mut data = Vec::new();
            io::stdin().lock().read_to_end(&mut data).map(|_| data)
        } else {
            fs::read(&path)
        };
        read.map_err(|error| Failure::File(path, error))
    }
}
