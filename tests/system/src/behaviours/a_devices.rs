// SPDX-License-Identifier: GPL-2.0-only
//! A. Loading, devices, opening.

use crate::harness::{self, USUAL};
use crate::raw::*;
use crate::{eq, tests};

tests![
    b2_node_mode_is_0666,
    b3_unloading_after_all_closed_removes_the_nodes.load(USUAL),
    b4_five_devices_are_five_usable_buses.load("kbus_num_devices=5 kbus_mode=0666"),
    b5_each_device_opens_read_only,
    b6_each_device_opens_read_write,
    b7_one_device_too_many_read_only,
    b8_one_device_too_many_read_write,
    b9_device_minus_one,
    b10_both_modes_open,
    b11_no_node_is_made_by_opening_with_another_mode,
    b12_close_returns_0,
];

fn b2_node_mode_is_0666() {
    let meta = std::fs::metadata("/dev/kbus0").unwrap();
    use std::os::unix::fs::MetadataExt;
    eq!(meta.mode(), 0o20666);
}

fn b3_unloading_after_all_closed_removes_the_nodes() {
    let k = Ksock::new();
    drop(k);
    eq!(harness::rmmod(), Ok(()));
    // devtmpfs removes nodes from a thread of its own.
    assert!(
        harness::bounded(|| !std::path::Path::new("/dev/kbus0").exists()),
        "/dev/kbus0 is still there"
    );
    eq!(Ksock::open(0, libc::O_RDWR).err(), Some(ENOENT));
}

fn b4_five_devices_are_five_usable_buses() {
    for device in 0..5 {
        let k = Ksock::on(device);
        k.listen("$.Five");
        let sent = k.say("$.Five");
        eq!(k.take().id, sent);
        eq!(k.id(), 1, "buses count on their own");
    }
}

fn b5_each_device_opens_read_only() {
    for device in 0..3 {
        assert!(Ksock::open(device, libc::O_RDONLY).is_ok(), "{device}");
    }
}

fn b6_each_device_opens_read_write() {
    for device in 0..3 {
        assert!(Ksock::open(device, libc::O_RDWR).is_ok(), "{device}");
    }
}

fn b7_one_device_too_many_read_only() {
    eq!(Ksock::open(3, libc::O_RDONLY).err(), Some(ENOENT));
}

fn b8_one_device_too_many_read_write() {
    eq!(Ksock::open(3, libc::O_RDWR).err(), Some(ENOENT));
}

fn b9_device_minus_one() {
    eq!(open_path("/dev/kbus-1", libc::O_RDONLY), Err(ENOENT));
    eq!(open_path("/dev/kbus-1", libc::O_RDWR), Err(ENOENT));
}

/// The kernel's part of "modes 'r' and 'rw' are accepted".
fn b10_both_modes_open() {
    for mode in [libc::O_RDONLY, libc::O_RDWR] {
        let k = Ksock::open(0, mode).unwrap();
        assert!(k.id() > 0);
    }
}

/// The kernel's part of "other modes are refused before any open": nothing
/// but the access mode means anything to a device (3.1).
fn b11_no_node_is_made_by_opening_with_another_mode() {
    for flags in [
        libc::O_TRUNC,
        libc::O_APPEND,
        libc::O_CREAT,
        libc::O_NONBLOCK,
    ] {
        let k = Ksock::open(0, libc::O_RDWR | flags).unwrap();
        k.listen("$.Mode");
        k.say("$.Mode");
        eq!(k.count(), 1, "flags {flags:#x}");
        eq!(k.bytes(1), b"", "nothing current, flags {flags:#x}");
    }
}

fn b12_close_returns_0() {
    let k = Ksock::new();
    k.listen("$.Close").say("$.Close");
    let fd = k.fd;
    std::mem::forget(k);
    // SAFETY: the descriptor was ours and is given up here.
    eq!(unsafe { libc::close(fd) }, 0);
}
