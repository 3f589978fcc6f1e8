// SPDX-License-Identifier: GPL-2.0-only
//! `replay`: says again what was recorded.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use kbus::{Deadline, Flags, Ksock, KsockId, Message};
use serde::Serialize;

use crate::cli::{seconds, Context};
use crate::exit::Failure;
use crate::output::{self, count};
use crate::recording::{Head, Line, Spoken};
use crate::stop::Stop;

/// Send the messages of a recording again
///
/// Announcements are sent, at the distances in time at which they were
/// recorded. Requests are sent with --requests, to whoever replies now;
/// otherwise they are skipped, as are replies and what the bus itself said.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool replay --fast /tmp/everything.kbus")]
pub(crate) struct Replay {
    /// The recording (-: standard input)
    file: PathBuf,

    /// So many times as fast
    #[arg(long, value_name = "FACTOR", value_parser = factor, default_value = "1")]
    speed: f64,

    /// As fast as possible
    #[arg(long, conflicts_with = "speed")]
    fast: bool,

    /// Send requests, too; those that were for one Ksock go to any
    #[arg(long)]
    requests: bool,

    /// Wait so long for the answers at the end, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    timeout: Duration,
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("not a number above 0".to_owned()),
    }
}

#[derive(Debug, Default, Serialize)]
struct Done {
    sent: usize,
    /// Of those, requests.
    asked: usize,
    answered: usize,
    skipped: usize,
    refused: usize,
}

impl Done {
    /// We are bound to nothing: all that arrives are answers.
    fn take(&mut self, bus: &Ksock) -> Result<(), Failure> {
        while bus.next_message()?.is_some() {
            self.answered += 1;
        }
        Ok(())
    }
}

impl Replay {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let stop = Stop::new()?;
        let failed = |error| Failure::File("read", self.file.clone(), error);
        let file: Box<dyn BufRead> = if self.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(&self.file).map_err(failed)?))
        };
        let mut lines = file.lines();
        let head = lines.next().transpose().map_err(failed)?;
        Head::parse(&head.unwrap_or_default()).map_err(|words| self.wrong(1, &words))?;

        let bus = context.open()?;
        let began = Instant::now();
        let mut done = Done::default();
        for (number, line) in (2..).zip(lines) {
            let line = line.map_err(failed)?;
            let spoken = match Line::parse(&line) {
                Ok(Line::Message(spoken)) => spoken,
                Ok(Line::Missed) => continue,
                Err(words) => return Err(self.wrong(number, &words)),
            };
            let message = self
                .message(&spoken)
                .map_err(|words| self.wrong(number, &words))?;
            let Some(message) = message else {
                done.skipped += 1;
                continue;
            };
            let at = Duration::try_from_secs_f64(spoken.at / self.speed).unwrap_or_default();
            match began.checked_add(at) {
                Some(at) if !self.fast => stop.sleep(at.into())?,
                _ => stop.check()?,
            }
            match bus.send(&message) {
                Ok(_) => {
                    done.sent += 1;
                    done.asked += usize::from(message.flags().contains(Flags::WANT_A_REPLY));
                }
                Err(error) => {
                    done.refused += 1;
                    output::complain(&format!("line {number}: {error}"));
                }
            }
            done.take(&bus)?;
        }
        self.wait_for_answers(&bus, &stop, &mut done)?;

        let mut out = context.output();
        out.either(&done, |_| {
            let mut text = format!("{} sent", count(done.sent, "message"));
            for (number, what) in [
                (done.answered, "answered"),
                (done.asked - done.answered.min(done.asked), "not answered"),
                (done.skipped, "skipped"),
                (done.refused, "refused"),
            ] {
                if number > 0 {
                    text += &format!(", {number} {what}");
                }
            }
            text
        })?;
        out.flush()?;
        match done.refused {
            0 => Ok(()),
            _ => Err(Failure::Refused("not all could be sent".to_owned())),
        }
    }

    /// What to send again; none: nothing.
    fn message(&self, spoken: &Spoken) -> Result<Option<Message>, String> {
        let (name, data) = (spoken.name()?, spoken.data()?);
        // What the bus sets, and what decides where it goes, is not for us.
        let flags = Flags(spoken.flags & !(Flags::WANT_YOU_TO_REPLY | Flags::SYNTHETIC).0);
        Ok(match spoken.kind.as_str() {
            "announcement" => {
                let message = Message::announcement(&name, data).with_flags(flags);
                Some(match spoken.to.and_then(KsockId::new) {
                    Some(to) => message.with_to(to),
                    None => message,
                })
            }
            "request" if self.requests => Some(Message::request(&name, data).with_flags(flags)),
            _ => None,
        })
    }

    /// Were we to leave before, the repliers would answer nobody.
    fn wait_for_answers(&self, bus: &Ksock, stop: &Stop, done: &mut Done) -> Result<(), Failure> {
        let deadline = Deadline::from(self.timeout);
        while done.answered < done.asked && stop.wait(bus.as_fd(), deadline)? {
            done.take(bus)?;
        }
        Ok(())
    }

    fn wrong(&self, line: usize, words: &str) -> Failure {
        Failure::Payload(format!("{}, line {line}: {words}", self.file.display()))
    }
}
