// SPDX-License-Identifier: GPL-2.0

//! `/proc/kbus/bindings` and `/proc/kbus/stats` (specification 8).

use crate::bus::verbs::report::{write_bindings, Text};
use crate::device::{Bus, Device, Prealloc};
use crate::devices::Devices;
use crate::kapi::procfs::{Directory, Output, Show, Shown};
use crate::limits::MAX_DEVICES;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The directory and its files.
pub(crate) struct Proc {
    _bindings: Shown<Bindings>,
    _stats: Shown<Stats>,
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

struct Bindings;

impl Show for Bindings {
    type Data = Devices;

    fn show(devices: &Devices, output: &Output<'_>) -> Result {
        for_each(devices, |device| {
            // Who is bound is taken down under the lock, and sorted and written without it.
            let mut prealloc = Prealloc::new()?;
            let mut bindings = device.act(&mut prealloc, |bus, prealloc| bus.bindings(prealloc))?;
            print(output, |text| {
                write_bindings(text, device.number, &mut bindings)
            })
        })
    }
}

struct Stats;

impl Show for Stats {
    type Data = Devices;

    fn show(devices: &Devices, output: &Output<'_>) -> Result {
        for_each(devices, |device| {
            let mut prealloc = Prealloc::new()?;
            print(output, |text| {
                let write =
                    |bus: &mut Bus, _: &mut Prealloc| Ok(bus.write_stats(text, device.number));
                device
                    .act(&mut prealloc, write)
                    .unwrap_or(Err(core::fmt::Error))
            })
        })
    }
}

/// In the order of their numbers.
fn for_each(devices: &Devices, mut show: impl FnMut(&Device) -> Result) -> Result {
    for number in 0..MAX_DEVICES {
        match devices.get(number) {
            Some(device) => show(&device)?,
            None => break,
        }
    }
    Ok(())
}

/// Puts out what `write` writes, giving it as much memory as it takes.
fn print(output: &Output<'_>, mut write: impl FnMut(&mut Text) -> core::fmt::Result) -> Result {
    let mut capacity = 4096;
    loop {
        let mut text = Text::with_capacity(capacity)?;
        write(&mut text).map_err(|_| EIO)?;
        match text.finish() {
            Ok(bytes) => {
                output.write(bytes);
                return Ok(());
            }
            // A little more, for what may have changed meanwhile.
            Err(wanted) => capacity = wanted + wanted / 8,
        }
    }
}
