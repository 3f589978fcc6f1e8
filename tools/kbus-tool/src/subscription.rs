// SPDX-License-Identifier: GPL-2.0-only
//! Listening to a bus, for the verbs that do: an iterator of messages, of the
//! gaps between them, and of the moments at which there is nothing to do.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use clap::Args;
use kbus::{Deadline, Ksock, Message, Pattern, Role};

use crate::args::Until;
use crate::context::Context;
use crate::exit::Failure;
use crate::gap::{Gap, GapDetector};
use crate::output::{self, count};
use crate::procfs;
use crate::shutdown::Shutdown;

/// How to listen.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    until: Until,

    /// How many messages may wait for us before the bus leaves some out
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    queue: u32,
}

/// What happens on a subscription.
pub(crate) enum Event {
    Message(Message),
    /// Messages may be missing here.
    Gap(Gap),
    /// Nothing more for now: a good time to write out what was kept back.
    Idle,
}

/// Takes messages as fast as they come, until the options or a signal end it.
/// The last event before the end, or before an error, is [`Event::Idle`].
pub(crate) struct Subscription {
    bus: Ksock,
    number: u32,
    shutdown: Shutdown,
    deadline: Deadline,
    filter: Box<dyn Fn(&Message) -> bool>,
    /// How many messages are still to come.
    left: usize,
    detector: GapDetector,
    losses: Losses,
    /// What has happened and was not yet told.
    events: VecDeque<Result<Event, Failure>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There may be messages in the queue.
    Busy,
    /// There were none: wait before looking again.
    Idle,
    Ended,
}

impl Subscription {
    /// Binds to the names, and says so on standard error.
    pub(crate) fn new(
        options: &Options,
        context: &Context,
        names: &[Pattern],
        every_copy: bool,
    ) -> Result<Subscription, Failure> {
        let shutdown = Shutdown::new()?;
        let bus = context.open()?;
        bus.set_only_once(!every_copy)?;
        bus.set_max_messages(options.queue)?;
        for name in names {
            bus.bind(Role::Listener, name)?;
        }
        // A script that starts us in the background can wait for this line.
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        output::note(&format!("listening to {}", names.join(" ")));
        Ok(Subscription {
            bus,
            number: context.bus(),
            shutdown,
            deadline: options.until.deadline(),
            filter: Box::new(|_| true),
            left: options.until.count(),
            detector: GapDetector::new(options.queue),
            losses: Losses::new(options.queue),
            events: VecDeque::new(),
            state: State::Busy,
        })
    }

    /// Leaves out messages, and does not count them, unless the filter admits
    /// them.
    pub(crate) fn admitting(self, filter: impl Fn(&Message) -> bool + 'static) -> Subscription {
        Subscription {
            filter: Box::new(filter),
            ..self
        }
    }

    /// Goes on until there is an event. False: this is the end.
    fn advance(&mut self) -> Result<bool, Failure> {
        if self.left == 0 {
            return Ok(false);
        }
        if self.state == State::Idle {
            self.state = State::Busy;
            if !self.shutdown.wait(self.bus.as_fd(), self.deadline)? {
                return Ok(false);
            }
        }
        let Some(message) = self.bus.next_message()? else {
            let gap = self.detector.on_empty(|| newest(self.number));
            self.gap(gap);
            self.events.push_back(Ok(Event::Idle));
            self.state = State::Idle;
            return Ok(true);
        };
        let gap = self.detector.on_message(&message);
        self.gap(gap);
        if (self.filter)(&message) {
            self.events.push_back(Ok(Event::Message(message)));
            self.left -= 1;
        }
        if self.detector.wants_length() {
            self.detector.on_length(self.bus.num_messages()?.into());
            // So often is enough for a bus that is never silent.
            self.shutdown.check()?;
            return Ok(!self.deadline.has_passed());
        }
        Ok(true)
    }

    fn gap(&mut self, gap: Option<Gap>) {
        if let Some(gap) = gap {
            self.losses.add(&gap);
            self.events.push_back(Ok(Event::Gap(gap)));
        }
    }
}

impl Iterator for Subscription {
    type Item = Result<Event, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.events.is_empty() && self.state != State::Ended {
            let advanced = self.advance();
            if !matches!(advanced, Ok(true)) {
                self.state = State::Ended;
                self.events.push_back(Ok(Event::Idle));
                self.events.extend(advanced.err().map(Err));
            }
        }
        self.events.pop_front()
    }
}

/// Returns the serial number of the last message of the whole bus.
fn newest(bus: u32) -> Option<u32> {
    let buses = procfs::stats().ok()?;
    let stats = buses.iter().find(|stats| stats.bus == bus)?;
    stats.next_message.checked_sub(1)
}

/// The sum of all gaps, of which the user is warned at the end, however it
/// ends.
#[derive(Debug)]
struct Losses {
    queue: u32,
    gaps: usize,
    at_most: u64,
    /// For some gap, the numbers do not tell.
    unknown: bool,
}

impl Losses {
    fn new(queue: u32) -> Losses {
        Losses {
            queue,
            gaps: 0,
            at_most: 0,
            unknown: false,
        }
    }

    fn add(&mut self, gap: &Gap) {
        self.gaps += 1;
        self.at_most += u64::from(gap.at_most.unwrap_or(0));
        self.unknown |= gap.at_most.is_none();
    }
}

impl Drop for Losses {
    fn drop(&mut self) {
        if self.gaps == 0 {
            return;
        }
        let how_many = if self.unknown {
            "messages".to_owned()
        } else {
            format!("up to {} messages", self.at_most)
        };
        output::warn(format_args!(
            "{how_many} may be missing, in {}: our queue of {} was full; \
             try a larger one (--queue), or fewer names",
            count(self.gaps, "place"),
            self.queue
        ));
    }
}
