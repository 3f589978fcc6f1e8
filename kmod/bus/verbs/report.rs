// SPDX-License-Identifier: GPL-2.0-only

//! What `/proc/kbus/bindings` and `/proc/kbus/stats` show (specification 8), bit by bit: under
//! the lock of a bus no step costs more than a constant, whatever there is on it.
//!
//! A reader asks for one line at a time. What comes and goes meanwhile it may see or not; what
//! is there all the time it sees once, and in its place.

use crate::bus::age::newest_first;
use crate::bus::binding::{Binding, Role};
use crate::bus::error::BusError;
use crate::bus::id::{At, BindingId, KsockId, MsgId};
use crate::bus::ksock::{Ksock, Sending};
use crate::bus::progress::{Part, Progress};
use crate::bus::state::Bus;
use crate::bus::wakeup::Notify;
use core::fmt::{self, Write};
use kernel::prelude::*;
use kernel::sync::Arc;

/// How many bindings or Ksocks one step passes at the most.
const STEPS: usize = 64;

/// What one step found.
pub(crate) enum Step<T> {
    /// The next one.
    Found(T),
    /// Nothing yet: there is more to look at.
    On,
    /// There is no more.
    End,
}

impl<T> Step<T> {
    /// Returns the same with what was found made into something else.
    pub(crate) fn map<U>(self, make: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Found(found) => Step::Found(make(found)),
            Step::On => Step::On,
            Step::End => Step::End,
        }
    }
}

/// Where lines are written to. Names may have letters of Latin-1, and so are no `str`.
pub(crate) trait Line: Write {
    fn bytes(&mut self, bytes: &[u8]);
}

/// Whose Ksocks are shown: those of one user, or all.
pub(crate) type Shown = Option<u32>;

/// The bindings of one bus, newest first, on their way to a reader.
///
/// They are not in that order anywhere. So the reader goes over all Ksocks, notes the ids of as
/// many of the newest bindings as it has space for, sorts them, and has them for so many lines;
/// then it looks for the next older ones. It holds on to no binding in between: one that is gone
/// when its turn comes is passed over.
pub(crate) struct Listing {
    shown: Shown,
    /// Those that come next: newest first, once all are found.
    found: KVec<Noted>,
    /// How many of those were passed.
    passed: usize,
    stage: Stage,
    /// Only those older than this are looked for.
    before: BindingId,
    /// Only those newer than this: of older ones there is no need.
    after: Option<BindingId>,
}

/// A binding that was found: its id, and where it was.
type Noted = (BindingId, KsockId, At);

/// How far a listing is.
enum Stage {
    /// Looks for bindings, next for those of this Ksock behind the one that was here, if there was
    /// one, that are older than this one.
    Search(KsockId, Option<At>, BindingId),
    /// Has looked at all Ksocks.
    Searched,
    /// Has sorted what it found, and whether there is nothing older.
    Sorted { all: bool },
}

impl Listing {
    /// The most ids that it has memory for, and how many are left when it throws some away.
    const MOST: usize = 1024;
    const FEWEST: usize = Self::MOST / 2;

    pub(crate) fn new(shown: Shown) -> Self {
        Listing {
            shown,
            found: KVec::new(),
            passed: 0,
            stage: Stage::Search(KsockId::FIRST, None, BindingId::NEWEST),
            before: BindingId::NEWEST,
            after: None,
        }
    }

    /// Gets ready for a step: what takes memory or long is done here, without the lock.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn prepare(&mut self) -> Result<(), BusError> {
        if let (Stage::Sorted { all: false }, None) = (&self.stage, self.found.get(self.passed)) {
            // Those were all. The next older ones.
            if let Some(&(oldest, ..)) = self.found.last() {
                self.before = oldest;
            }
            self.found.clear();
            (self.passed, self.after) = (0, None);
            self.stage = Stage::Search(KsockId::FIRST, None, self.before);
        }
        match self.stage {
            Stage::Search(..) => {
                if self.found.len() + STEPS > Self::MOST {
                    self.keep_the_newest();
                }
                self.found.reserve(STEPS, GFP_KERNEL_ACCOUNT)?;
            }
            Stage::Searched => {
                if self.after.is_some() {
                    self.keep_the_newest();
                } else {
                    newest_first(&mut self.found, |&(id, ..)| id);
                }
                self.stage = Stage::Sorted {
                    all: self.after.is_none(),
                };
            }
            Stage::Sorted { .. } => (),
        }
        Ok(())
    }

    fn keep_the_newest(&mut self) {
        newest_first(&mut self.found, |&(id, ..)| id);
        self.found.truncate(Self::FEWEST);
        self.after = self.found.last().map(|&(id, ..)| id);
    }

    /// Goes on behind the binding that was found.
    pub(crate) fn pass(&mut self) {
        self.passed += 1;
    }
}

/// Writes what the bindings of a bus begin with.
pub(crate) fn write_heading(line: &mut impl Line) {
    line.bytes(
        b"# <device> is bound to <Ksock-ID> in <process-PID> as <Replier|Listener> \
          for <message-name>\n",
    );
}

impl Binding {
    /// Writes a binding of the bus of this number.
    pub(crate) fn write(&self, device: u32, line: &mut impl Line) -> fmt::Result {
        let (ksock, pid) = (self.ksock.get(), self.pid);
        let role = match self.role() {
            Role::Listener => 'L',
            Role::Replier => 'R',
        };
        write!(line, "{device:3}: {ksock:8} {pid:8}  {role}  ")?;
        line.bytes(self.pattern.text());
        line.bytes(b"\n");
        Ok(())
    }
}

/// What a bus counts.
pub(crate) struct BusStats {
    last_ksock: u32,
    last_serial: u32,
    set_aside: u32,
    events_lost: bool,
}

impl BusStats {
    /// Writes those of the bus of this number.
    pub(crate) fn write(&self, device: u32, line: &mut impl Line) -> fmt::Result {
        let next = |last: u32| if last == 0 { 0 } else { last.wrapping_add(1) };
        let tragic = match self.events_lost {
            true => "(gone tragic)",
            false => "",
        };
        writeln!(
            line,
            "dev {device:2}: next ksock {} next msg {} unsent unbindings {}{tragic}",
            next(self.last_ksock),
            next(self.last_serial),
            self.set_aside,
        )
    }
}

/// What a Ksock counts.
pub(crate) struct KsockStats {
    pub(crate) id: KsockId,
    last_sent: MsgId,
    queued: u32,
    limit: u32,
    progress: Progress,
    sending: bool,
    awaited: u32,
    most_awaited: u32,
    owed: u32,
    most_owed: u32,
}

impl KsockStats {
    pub(crate) fn write(&self, line: &mut impl Line) -> fmt::Result {
        let id = self.id.get();
        writeln!(
            line,
            "    ksock {id} last msg {}:{} queue {} of {}",
            self.last_sent.network, self.last_sent.serial, self.queued, self.limit,
        )?;
        let Progress {
            read,
            read_of,
            wrote,
            part,
            finished,
        } = self.progress;
        writeln!(
            line,
            "      read byte {read} of {read_of}, wrote byte {wrote} of {} ({}finished), \
             {}sending",
            part.label(),
            if finished { "" } else { "not " },
            if self.sending { "" } else { "not " },
        )?;
        writeln!(
            line,
            "      outstanding requests {} (size {}, max {}), unsent replies {} (max {})",
            self.awaited,
            self.awaited.max(16),
            self.most_awaited,
            self.owed,
            self.most_owed,
        )
    }
}

impl<N: Notify> Bus<N> {
    /// Takes a step of a listing that was prepared for it. Whoever gets a binding passes it.
    pub(crate) fn list(&mut self, listing: &mut Listing) -> Step<Arc<Binding>> {
        match listing.stage {
            Stage::Search(ksock, at, before) => {
                self.search(ksock, at, before, listing);
                Step::On
            }
            Stage::Searched => Step::On,
            Stage::Sorted { all } => {
                for _ in 0..STEPS {
                    let Some(&(id, ksock, at)) = listing.found.get(listing.passed) else {
                        return if all { Step::End } else { Step::On };
                    };
                    let ksock = self.ksocks.get(ksock);
                    let own = ksock.and_then(|ksock| ksock.bindings.cells.get(at));
                    if let Some(own) = own.filter(|own| own.binding.id == id) {
                        return Step::Found(own.binding.clone());
                    }
                    listing.passed += 1;
                }
                Step::On
            }
        }
    }

    /// Looks for bindings from here on: Ksocks in the order of their ids, the bindings of each
    /// from the newest on.
    fn search(
        &mut self,
        ksock: KsockId,
        mut at: Option<At>,
        mut before: BindingId,
        listing: &mut Listing,
    ) {
        let mut steps = STEPS;
        let mut next = self.ksocks.at_or_behind(ksock);
        while let Some(id) = next {
            if id != ksock {
                (at, before) = (None, listing.before);
            }
            let here = self.ksocks.get(id);
            let here = here.filter(|here| here.is_shown(listing.shown));
            // Where that one was there may be another by now, or none. Then it begins again, and
            // passes those that are newer.
            let mut own = here.and_then(|here| {
                let last = at.and_then(|at| here.bindings.cells.get(at));
                match last {
                    Some(last) => last.older(),
                    None => here.bindings.newest(),
                }
            });
            loop {
                if steps == 0 {
                    listing.stage = Stage::Search(id, at, before);
                    return;
                }
                steps -= 1;
                let found = own.and_then(|own| Some((own, here?.bindings.get(own)?)));
                let Some((here_at, found)) = found else { break };
                let binding = found.binding.id;
                if listing.after.is_some_and(|after| binding <= after) {
                    break;
                }
                if binding < before {
                    let _ = listing.found.push_within_capacity((binding, id, here_at));
                    before = binding;
                }
                at = Some(here_at);
                own = found.older();
            }
            next = self.ksocks.behind(id);
        }
        listing.stage = Stage::Searched;
    }

    /// Returns what the bus counts.
    pub(crate) fn stats(&self) -> BusStats {
        BusStats {
            last_ksock: self.last_ksock,
            last_serial: self.serials.last(),
            set_aside: self.set_aside,
            events_lost: self.events_lost,
        }
    }

    /// Takes a step towards what the newest Ksock counts that is older than `before`, which is
    /// moved behind those that are not shown.
    pub(crate) fn ksock_stats(
        &mut self,
        before: &mut Option<KsockId>,
        shown: Shown,
    ) -> Step<KsockStats> {
        for _ in 0..STEPS {
            let Some(id) = self.ksocks.before(*before) else {
                return Step::End;
            };
            let ksock = self.ksocks.get(id);
            if let Some(ksock) = ksock.filter(|ksock| ksock.is_shown(shown)) {
                return Step::Found(KsockStats {
                    id,
                    last_sent: ksock.last_sent,
                    queued: ksock.queue.counted(),
                    limit: ksock.limit(),
                    progress: match ksock.sending {
                        Sending::Idle | Sending::Waits(_) => ksock.notify.progress(),
                        // Its file may not know yet.
                        Sending::Delivered(_) | Sending::Refused(_) => {
                            ksock.notify.progress().nothing_written()
                        }
                    },
                    sending: matches!(ksock.sending, Sending::Waits(_)),
                    awaited: ksock.awaited.len(),
                    most_awaited: ksock.awaited.most(),
                    owed: ksock.owed.len(),
                    most_owed: ksock.owed.most(),
                });
            }
            *before = Some(id);
        }
        Step::On
    }
}

impl<N> Ksock<N> {
    /// Returns whether it is one of those that are shown.
    fn is_shown(&self, shown: Shown) -> bool {
        shown.is_none_or(|uid| self.charge.user.key.uid == uid)
    }
}

impl Part {
    fn label(self) -> &'static str {
        match self {
            Part::Header => "HDR",
            Part::Name => "NAME",
            Part::NamePadding => "NPAD",
            Part::Data => "DATA",
            Part::DataPadding => "DPAD",
            Part::Guard => "FINAL",
            Part::End => "???",
        }
    }
}
