// SPDX-License-Identifier: GPL-2.0-only

//! `/proc/kbus/bindings` and `/proc/kbus/stats` (specification 8).
//!
//! They are written line by line. Between two lines nothing is locked, and a reader holds on to
//! nothing of a bus but ids.

use crate::bus::binding::Binding;
use crate::bus::id::KsockId;
use crate::bus::verbs::report::{
    write_heading, BusStats, KsockStats, Line as BusLine, Listing, Shown as ShownKsocks, Step,
};
use crate::device::Device;
use crate::devices::Devices;
use crate::kapi::caller;
use crate::kapi::procfs::{Directory, Lines, Output, Shown};
use crate::limits;
use core::fmt;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The directory and its files.
pub(crate) struct Proc {
    _bindings: Shown<Buses<Bindings>>,
    _stats: Shown<Buses<Stats>>,
}

impl Proc {
    pub(crate) fn new(devices: &Arc<Devices>) -> Result<Self> {
        let directory = Directory::new(c"kbus")?;
        Ok(Proc {
            _bindings: Shown::new(&directory, c"bindings", devices.clone())?,
            _stats: Shown::new(&directory, c"stats", devices.clone())?,
        })
    }
}

impl BusLine for Output<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.write(bytes);
    }
}

/// What is said of one bus.
trait Report: Sized + Send {
    type Line;

    /// Begins, for a reader who sees these Ksocks.
    fn new(shown: ShownKsocks) -> Self;

    /// Takes a step towards the next line.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    fn step(&mut self, device: &Device) -> Result<Step<Self::Line>>;

    /// Goes on behind this line.
    fn pass(&mut self, line: &Self::Line);

    /// Writes a line of the bus of this number.
    fn write(line: &Self::Line, device: u32, output: &mut Output<'_>) -> fmt::Result;
}

/// What is said of all buses, in the order of their numbers.
struct Buses<R> {
    shown: ShownKsocks,
    device: u32,
    report: R,
}

impl<R: Report> Buses<R> {
    fn go_to(&mut self, device: u32) {
        self.device = device;
        self.report = R::new(self.shown);
    }
}

impl<R: Report> Lines for Buses<R> {
    type Data = Devices;
    type Line = (u32, R::Line);

    fn open() -> Self {
        let sees_all = !limits::are_users_hidden() || caller::may_see_all();
        let shown = (!sees_all).then(caller::user);
        Buses {
            shown,
            device: 0,
            report: R::new(shown),
        }
    }

    fn rewind(&mut self) {
        self.go_to(0);
    }

    fn line(&mut self, devices: &Devices) -> Result<Option<Self::Line>> {
        while let Some(device) = devices.from(self.device) {
            if device.number != self.device {
                self.go_to(device.number);
            }
            loop {
                match self.report.step(&device)? {
                    Step::Found(line) => return Ok(Some((device.number, line))),
                    Step::On if caller::is_killed() => return Err(EINTR),
                    Step::On => (),
                    Step::End => break,
                }
            }
            self.go_to(device.number + 1);
        }
        Ok(None)
    }

    fn pass(&mut self, (_, line): &Self::Line) {
        self.report.pass(line);
    }

    fn write((device, line): &Self::Line, output: &mut Output<'_>) -> fmt::Result {
        R::write(line, *device, output)
    }
}

/// The bindings of a bus: a heading, and then the bindings.
struct Bindings {
    headed: bool,
    listing: Listing,
}

impl Report for Bindings {
    /// Nothing is the heading.
    type Line = Option<Arc<Binding>>;

    fn new(shown: ShownKsocks) -> Self {
        Bindings {
            headed: false,
            listing: Listing::new(shown),
        }
    }

    fn step(&mut self, device: &Device) -> Result<Step<Self::Line>> {
        if !self.headed {
            return Ok(Step::Found(None));
        }
        self.listing.prepare()?;
        Ok(device.look(|bus| bus.list(&mut self.listing)).map(Some))
    }

    fn pass(&mut self, line: &Self::Line) {
        match line {
            None => self.headed = true,
            Some(_) => self.listing.pass(),
        }
    }

    fn write(line: &Self::Line, device: u32, output: &mut Output<'_>) -> fmt::Result {
        match line {
            None => {
                write_heading(output);
                Ok(())
            }
            Some(binding) => binding.write(device, output),
        }
    }
}

/// What a bus and its Ksocks count.
struct Stats {
    headed: bool,
    shown: ShownKsocks,
    before: Option<KsockId>,
}

enum StatsLine {
    Bus(BusStats),
    Ksock(KsockStats),
}

impl Report for Stats {
    type Line = StatsLine;

    fn new(shown: ShownKsocks) -> Self {
        Stats {
            headed: false,
            shown,
            before: None,
        }
    }

    fn step(&mut self, device: &Device) -> Result<Step<StatsLine>> {
        Ok(device.look(|bus| {
            if !self.headed {
                return Step::Found(StatsLine::Bus(bus.stats()));
            }
            bus.ksock_stats(&mut self.before, self.shown)
                .map(StatsLine::Ksock)
        }))
    }

    fn pass(&mut self, line: &StatsLine) {
        match line {
            StatsLine::Bus(_) => self.headed = true,
            StatsLine::Ksock(ksock) => self.before = Some(ksock.id),
        }
    }

    fn write(line: &StatsLine, device: u32, output: &mut Output<'_>) -> fmt::Result {
        match line {
            StatsLine::Bus(bus) => bus.write(device, output),
            StatsLine::Ksock(ksock) => ksock.write(output),
        }
    }
}
