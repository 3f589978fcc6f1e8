// SPDX-License-Identifier: GPL-2.0-only
//! `record`: writes messages to a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use kbus::Pattern;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::recording::{Header, RecordedGap, RecordedMessage, FORMAT};
use crate::subscription::{Event, Options, Subscription};

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
    options: Options,
}

fn after_help() -> String {
    format!("Example:\n  kbus-tool record --for 1 /tmp/everything.kbus\n\n{FORMAT}")
}

impl Record {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        // First the bus: without one there is nothing to record.
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
        writer.line(&Header::new(context.bus(), &self.names))?;
        writer.flush()?;
        for event in Subscription::new(&self.options, context, &self.names, false)? {
            let at = writer.at();
            match event? {
                Event::Message(message) => writer.line(&RecordedMessage::new(&message, at))?,
                Event::Gap(missed) => writer.line(&RecordedGap { at, missed })?,
                Event::Idle => writer.flush()?,
            }
        }
        Ok(())
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

    fn flush(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| self.failure(error))
    }

    fn failure(&self, error: io::Error) -> Failure {
        if self.path.as_os_str() == "-" {
            Failure::Output(error)
        } else {
            Failure::File("write", self.path.clone(), error)
        }
    }

    /// Returns the seconds since the beginning, in microseconds, so that the
    /// numbers stay short.
    fn at(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e6
    }
}
