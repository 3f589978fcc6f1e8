// SPDX-License-Identifier: GPL-2.0-only
//! O. Select.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b219_nothing_queued_not_readable,
    b220_after_one_message_readable,
    b222_two_listeners_both_readable,
    b223_after_one_reads_only_the_other,
    b227_readable_and_writable_at_once,
];

/// select() that does not wait: which of these may be read, which written?
fn select(read: &[&Ksock], write: &[&Ksock]) -> (Vec<u32>, Vec<u32>) {
    // SAFETY: plain sets of descriptors below FD_SETSIZE.
    unsafe {
        let mut r: libc::fd_set = std::mem::zeroed();
        let mut w: libc::fd_set = std::mem::zeroed();
        let mut top = 0;
        for k in read {
            libc::FD_SET(k.fd, &mut r);
            top = top.max(k.fd);
        }
        for k in write {
            libc::FD_SET(k.fd, &mut w);
            top = top.max(k.fd);
        }
        let mut none = libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        };
        let n = libc::select(top + 1, &mut r, &mut w, std::ptr::null_mut(), &mut none);
        assert!(n >= 0, "select: {:?}", errno());
        let set = |all: &[&Ksock], s: &libc::fd_set| {
            all.iter()
                .filter(|k| libc::FD_ISSET(k.fd, s))
                .map(|k| k.id())
                .collect::<Vec<u32>>()
        };
        (set(read, &r), set(write, &w))
    }
}

fn b219_nothing_queued_not_readable() {
    let k = Ksock::new();
    k.listen("$.A");
    eq!(select(&[&k], &[]), (vec![], vec![]));
}

fn b220_after_one_message_readable() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    b.say("$.A");
    eq!(select(&[&a], &[]).0, vec![a.id()]);
    eq!(a.count(), 1);
}

fn two() -> [Ksock; 3] {
    let all = [Ksock::new(), Ksock::new(), Ksock::new()];
    all[0].listen("$.A");
    all[1].listen("$.A");
    all[2].say("$.A");
    all
}

fn b222_two_listeners_both_readable() {
    let [a, b, c] = two();
    eq!(select(&[&a, &b, &c], &[]).0, vec![a.id(), b.id()]);
}

fn b223_after_one_reads_only_the_other() {
    let [a, b, c] = two();
    a.take();
    eq!(select(&[&a, &b, &c], &[]).0, vec![b.id()]);
    eq!((a.count(), b.count()), (0, 1));
}

fn b227_readable_and_writable_at_once() {
    let [a, b, c] = two();
    let ids = vec![a.id(), b.id(), c.id()];
    let (r, w) = select(&[&a, &b, &c], &[&a, &b, &c]);
    eq!(r, ids[..2].to_vec());
    eq!(w, ids);
}
