// SPDX-License-Identifier: GPL-2.0-only
//! `record`: keeps what is said in a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use kbus::{Message, Pattern};
use serde::Serialize;

use crate::cli::Context;
use crate::exit::Failure;
use crate::hearing::{Ears, Hearing};
use crate::missed::Missed;
use crate::recording::{Gap, Head, Spoken, FORMAT};

/// Record messages in a file, until Ctrl-C
///
/// The file is complete whenever there is nothing to record for a moment, and
/// at the end. Replay it with kbus-tool replay.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = after_help())]
pub(crate) struct Record {
    /// The file (-: standard output); must not exist, unless --force
    file: PathBuf,

    /// What to record: names, or patterns
    #[arg(value_name = "NAME", default_value = "$.*")]
    names: Vec<Pattern>,

    /// Write over a file that exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    hearing: Hearing,
}

fn after_help() -> String {
    format!("Example:\n  kbus-tool record --for 1 /tmp/everything.kbus\n\n{FORMAT}")
}

impl Record {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        // First the bus: without one there is nothing to keep.
        drop(context.open()?);
        let file: Box<dyn Write> = if self.file.as_os_str() == "-" {
            Box::new(io::stdout().lock())
        } else {
            let file = if self.force {
                File::create(&self.file)
            } else {
                File::create_new(&self.file)
            };
            Box::new(file.map_err(|error| Failure::File("make", self.file.clone(), error))?)
        };
        let mut writer = Writer {
            path: self.file,
            file: BufWriter::with_capacity(64 * 1024, file),
            began: Instant::now(),
        };
        writer.line(&Head::new(context.number(), &self.names))?;
        writer.rest()?;
        self.hearing.run(context, &self.names, false, &mut writer)
    }
}

struct Writer {
    path: PathBuf,
    file: BufWriter<Box<dyn Write>>,
    began: Instant,
}

impl Writer {
    fn line(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let written = serde_json::to_writer(&mut self.file, object)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|error| self.failure(error))
    }

    fn failure(&self, error: io::Error) -> Failure {
        if self.path.as_os_str() == "-" {
            Failure::Output(error)
        } else {
            Failure::File("write", self.path.clone(), error)
        }
    }

    /// In microseconds, so that the numbers stay short.
    fn at(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e6
    }
}

impl Ears for Writer {
    fn hear(&mut self, message: &Message) -> Result<bool, Failure> {
        let at = self.at();
        self.line(&Spoken::new(message, at))?;
        Ok(true)
    }

    fn miss(&mut self, missed: &Missed) -> Result<(), Failure> {
        let at = self.at();
        self.line(&Gap { at, missed })
    }

    fn rest(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| self.failure(error))
    }
}
