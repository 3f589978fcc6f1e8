// SPDX-License-Identifier: GPL-2.0

//! KBUS: a message bus in the kernel. This file starts and stops it.
//!
//! `bus/` is the bus. `kapi/` is what the `kernel` crate lacks. The rest carries bytes between
//! programs and the bus: an open `file` turns an `ioctl` into one call; `classic` is the messages
//! that come in and go out in pieces; a `device` is the lock around a bus.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

mod bus;
mod classic;
mod device;
mod errno;
mod file;
mod ioctl;
mod kapi;
mod member;
mod param;
mod port;
mod proc;
mod uapi;

use device::{Devices, MAX_DEVICES};
use file::File;
use kapi::chardev::{self, Numbers};
use kapi::class::Class;
use kernel::prelude::*;
use kernel::sync::Arc;
use proc::Proc;

module! {
    type: Kbus,
    name: "kbus",
    authors: ["The kbus developers"],
    description: "KBUS: messages in one order, and an answer to every request",
    license: "GPL",
}

/// All there is of KBUS, to be taken away in this order.
struct Kbus {
    _proc: Proc,
    _open: Pin<KBox<chardev::Devices<File>>>,
    _devices: Arc<Devices>,
}

impl kernel::Module for Kbus {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let wanted = param::NUM_DEVICES.get();
        let numbers = Numbers::new(MAX_DEVICES, c"kbus")?;
        let class = Class::new(c"kbus", numbers, param::MODE.get())?;
        let devices = Devices::new(class)?;
        let open = chardev::Devices::new(devices.class.numbers(), devices.clone());
        let open = KBox::pin_init(open, GFP_KERNEL)?;
        let proc = Proc::new(&devices)?;
        // From the first node on there may be open files, and no good way to fail.
        for _ in 0..wanted {
            devices.add(None)?;
        }
        Ok(Kbus {
            _proc: proc,
            _open: open,
            _devices: devices,
        })
    }
}
