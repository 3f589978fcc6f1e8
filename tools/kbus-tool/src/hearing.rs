// SPDX-License-Identifier: GPL-2.0-only
//! Hearing a bus, for the verbs that do: binding, taking messages as fast as
//! they come, knowing when some were missed, and when to stop.

use std::os::fd::AsFd;
use std::time::Duration;

use clap::Args;
use kbus::{Deadline, Ksock, Message, Pattern, Role};

use crate::census;
use crate::cli::{seconds, Context};
use crate::exit::Failure;
use crate::missed::{Missed, Watch};
use crate::output::{self, count};
use crate::stop::Stop;

/// When to stop.
#[derive(Debug, Args)]
pub(crate) struct Until {
    /// Stop after so many messages
    #[arg(long, short, value_name = "N")]
    pub(crate) count: Option<usize>,

    /// Stop after this time
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,
}

impl Until {
    pub(crate) fn deadline(&self) -> Deadline {
        self.duration.map_or(Deadline::NEVER, Deadline::from)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.unwrap_or(usize::MAX)
    }
}

/// How to hear.
#[derive(Debug, Args)]
pub(crate) struct Hearing {
    #[command(flatten)]
    until: Until,

    /// How many messages may wait for us before the bus leaves some out
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    queue: u32,
}

/// Who hears.
pub(crate) trait Ears {
    /// A message. True: it counts.
    fn hear(&mut self, message: &Message) -> Result<bool, Failure>;
    /// Some may be missing here.
    fn miss(&mut self, missed: &Missed) -> Result<(), Failure>;
    /// Nothing more for now: a good time to write out what was kept back.
    fn rest(&mut self) -> Result<(), Failure>;
}

impl Hearing {
    pub(crate) fn run(
        self,
        context: &Context,
        names: &[Pattern],
        every_copy: bool,
        ears: &mut impl Ears,
    ) -> Result<(), Failure> {
        let stop = Stop::new()?;
        let bus = context.open()?;
        bus.set_only_once(!every_copy)?;
        bus.set_max_messages(self.queue)?;
        for name in names {
            bus.bind(Role::Listener, name)?;
        }
        // Whoever starts us in the background can wait for this line.
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        output::note(&format!("listening to {}", names.join(" ")));

        let mut total = Total::default();
        let heard = self.hear(&bus, context, &stop, &mut total, ears);
        // Also when it ended with a signal.
        let rested = ears.rest();
        total.tell(self.queue);
        heard.and(rested)
    }

    fn hear(
        &self,
        bus: &Ksock,
        context: &Context,
        stop: &Stop,
        total: &mut Total,
        ears: &mut impl Ears,
    ) -> Result<(), Failure> {
        let mut watch = Watch::new(self.queue);
        let deadline = self.until.deadline();
        let mut left = self.until.count();
        while left > 0 {
            let missed = if let Some(message) = bus.next_message()? {
                let missed = watch.took(&message);
                if let Some(missed) = &missed {
                    ears.miss(missed)?;
                }
                if ears.hear(&message)? {
                    left -= 1;
                }
                missed
            } else {
                let missed = watch.drained(|| newest(context.number()));
                if let Some(missed) = &missed {
                    ears.miss(missed)?;
                }
                total.add(missed.as_ref());
                ears.rest()?;
                if !stop.wait(bus.as_fd(), deadline)? {
                    return Ok(());
                }
                continue;
            };
            total.add(missed.as_ref());
            if watch.wants_to_look() {
                watch.looked(bus.num_messages()?.into());
                // So often is enough for a bus that is never silent.
                stop.check()?;
                if deadline.has_passed() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The last message of the whole bus.
fn newest(bus: u32) -> Option<u32> {
    let buses = census::stats().ok()?;
    let next = buses
        .iter()
        .find(|stats| stats.bus == bus)
        .map(|stats| stats.next_message)?;
    next.checked_sub(1)
}

/// All that may have been missed.
#[derive(Debug, Default)]
struct Total {
    places: usize,
    at_most: Option<u64>,
    unknown: bool,
}

impl Total {
    fn add(&mut self, missed: Option<&Missed>) {
        let Some(missed) = missed else { return };
        self.places += 1;
        match missed.at_most {
            Some(more) => self.at_most = Some(self.at_most.unwrap_or(0) + u64::from(more)),
            None => self.unknown = true,
        }
    }

    fn tell(&self, queue: u32) {
        if self.places == 0 {
            return;
        }
        let how_many = match self.at_most {
            Some(at_most) if !self.unknown => format!("up to {at_most} messages"),
            _ => "messages".to_owned(),
        };
        output::complain(&format!(
            "{how_many} may be missing, in {}: our queue of {queue} was full; \
             try a larger one (--queue), or fewer names",
            count(self.places, "place")
        ));
    }
}
