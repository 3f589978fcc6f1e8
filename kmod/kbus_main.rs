// SPDX-License-Identifier: GPL-2.0-only

//! KBUS: a message bus in the kernel. This file starts and stops it.
//!
//! `bus/` is the bus. `kapi/` is what the `kernel` crate lacks. The rest carries bytes between
//! programs and the bus, in layers, each of which uses only those above it:
//!
//! | layer | files |
//! | --- | --- |
//! | what there may be, and what is said of failures | `limits` `errno` |
//! | what is said of users in the kernel's log | `log` |
//! | messages that come and go in pieces; waking files | `classic` `notify` |
//! | what is traced of a bus (the bus calls it) | `trace` |
//! | a bus and its lock | `lock` `device` |
//! | all buses | `devices` |
//! | an open file's place on its user's account | `account` |
//! | an open Ksock and its verbs | `session` |
//! | requests as programs put them | `ioctl` `pointy` |
//! | what the VFS and procfs call | `file` `proc` |

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

mod account;
mod bus;
mod classic;
mod device;
mod devices;
mod errno;
mod file;
mod ioctl;
mod kapi;
mod limits;
mod lock;
mod log;
mod notify;
mod pointy;
mod proc;
mod session;
mod trace;
mod uapi;

use devices::Devices;
use file::File;
use kapi::chardev::{Numbers, Registration};
use kapi::class::Class;
use kernel::prelude::*;
use kernel::sync::Arc;
use limits::MAX_DEVICES;
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
    _registration: Pin<KBox<Registration<File>>>,
    _devices: Arc<Devices>,
}

impl kernel::Module for Kbus {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let numbers = Arc::new(Numbers::new(MAX_DEVICES, c"kbus")?, GFP_KERNEL)?;
        let class = Class::new(c"kbus", numbers.clone(), limits::MODE.get())?;
        let devices = Devices::new(class)?;
        let proc = Proc::new(&devices)?;
        let registration = Registration::new(numbers, devices.clone())?;
        // From here on there may be open files, and a module that cannot be loaded would go from
        // under them. So nothing fails any more: there are as many buses as can be had.
        devices.add_first();
        Ok(Kbus {
            _proc: proc,
            _registration: registration,
            _devices: devices,
        })
    }
}
