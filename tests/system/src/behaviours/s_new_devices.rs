// SPDX-License-Identifier: GPL-2.0-only
//! S. New devices.

use crate::harness::{bounded, USUAL};
use crate::raw::*;
use crate::{eq, tests};

tests![
    b246_newdevice_gives_a_number_that_opens.load(USUAL),
    b247_newdevice_on_the_new_device.load(USUAL),
    b248_and_the_one_after_opens_too.load(USUAL),
];

/// Opens a device whose node may still be on its way.
pub fn open_soon(device: u32) -> Ksock {
    let mut k = None;
    assert!(
        bounded(|| {
            k = Ksock::open(device, libc::O_RDWR).ok();
            k.is_some()
        }),
        "/dev/kbus{device} does not appear"
    );
    k.unwrap()
}

fn b246_newdevice_gives_a_number_that_opens() {
    let k = Ksock::new();
    eq!(k.new_device(), Ok(3));
    let new = open_soon(3);
    eq!(new.id(), 1);
    new.listen("$.A").say("$.A");
    eq!(new.drain().len(), 1);
}

fn b247_newdevice_on_the_new_device() {
    let k = Ksock::new();
    k.new_device().unwrap();
    eq!(open_soon(3).new_device(), Ok(4));
}

fn b248_and_the_one_after_opens_too() {
    let k = Ksock::new();
    k.new_device().unwrap();
    open_soon(3).new_device().unwrap();
    let new = open_soon(4);
    new.listen("$.A").say("$.A");
    eq!(new.drain().len(), 1);
    eq!(Ksock::open(5, libc::O_RDWR).err(), Some(ENOENT));
}
