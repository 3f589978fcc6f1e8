// SPDX-License-Identifier: GPL-2.0-only
//! Unbind events that cannot be delivered (6.5).

use crate::*;

fn watcher(bus: &Bus) -> Ksock {
    let k = bus.ksock();
    k.listen(BIND_EVENT).limit(1);
    k.report(1).unwrap();
    k
}

fn one_set_aside(bus: &Bus) -> (Ksock, u32) {
    let (w, k) = (watcher(bus), bus.ksock());
    k.serve("$.One");
    eq!(w.count(), 1);
    let binder = k.id();
    drop(k);
    (w, binder)
}

pub(crate) fn b276_bind_event_and_set_aside_unbind_event(bus: &Bus) {
    eq!(one_set_aside(bus).0.count(), 2);
}

pub(crate) fn b277_they_are_read_in_order(bus: &Bus) {
    let (w, binder) = one_set_aside(bus);
    expect_event(&w.take(), 1, binder, "$.One");
    eq!(w.count(), 1);
    expect_event(&w.take(), 0, binder, "$.One");
    w.nothing();
}

/// What watchers with limit 1 keep of 2000 unbinds at once; and whose.
fn two_thousand(bus: &Bus, watchers: &[&Ksock]) -> u32 {
    let k = bus.ksock();
    k.report(0).unwrap();
    for n in 0..2000 {
        k.serve(&format!("$.Many.n{n}"));
    }
    let binder = k.id();
    // Without replay for the watchers: another one switches it on.
    let other = bus.ksock();
    other.limit(3000);
    other.report(1).unwrap();
    eq!(other.count(), 2000);
    drop(other);
    for w in watchers {
        eq!(w.count(), 0);
    }
    drop(k);
    binder
}

/// The bindings go newest first: n1999, n1998, ...
fn name(nth: usize) -> String {
    format!("$.Many.n{}", 1999 - nth)
}

pub(crate) fn b278_two_thousand_unbinds_are_not_all_kept(bus: &Bus) {
    let w = watcher(bus);
    two_thousand(bus, &[&w]);
    assert!(w.count() < 2000);
    // 6.5: one queued, 1000 set aside, one "events lost".
    eq!(w.count(), 1002);
}

/// Reads out everything, counting down as it goes.
fn read_out(w: &Ksock) -> Vec<Msg> {
    let mut all = Vec::new();
    let mut left = w.count();
    while let Some(msg) = w.get() {
        all.push(msg);
        left -= 1;
        eq!(w.count(), left);
    }
    all
}

pub(crate) fn b279_all_but_the_last_are_unbind_events(bus: &Bus) {
    let w = watcher(bus);
    let binder = two_thousand(bus, &[&w]);
    let all = read_out(&w);
    eq!(all.len(), 1002);
    for (n, msg) in all[..1001].iter().enumerate() {
        expect_event(msg, 0, binder, &name(n));
    }
    expect_lost(&all[1001]);
}

pub(crate) fn b281_afterwards_nothing_is_left(bus: &Bus) {
    let w = watcher(bus);
    two_thousand(bus, &[&w]);
    read_out(&w);
    w.nothing();
    assert!(!w.readable());
}

pub(crate) fn b282_two_listeners_hold_the_same_number(bus: &Bus) {
    let (v, w) = (watcher(bus), watcher(bus));
    two_thousand(bus, &[&v, &w]);
    eq!(v.count(), w.count());
    // 6.5: 1 + 500 + 1.
    eq!(v.count(), 502);
}

pub(crate) fn b283_and_the_same_messages(bus: &Bus) {
    let (v, w) = (watcher(bus), watcher(bus));
    let binder = two_thousand(bus, &[&v, &w]);
    let (x, y) = (read_out(&v), read_out(&w));
    eq!(x.len(), 502);
    assert!(x == y, "the two differ");
    for (n, msg) in x[..501].iter().enumerate() {
        expect_event(msg, 0, binder, &name(n));
    }
    expect_lost(&x[501]);
}

pub(crate) fn b285_two_thousand_binds_read_promptly(bus: &Bus) {
    let (v, w) = (watcher(bus), watcher(bus));
    let k = bus.ksock();
    for n in 0..2000 {
        let name = format!("$.Many.n{n}");
        k.serve(&name);
        let (x, y) = (v.take(), w.take());
        expect_event(&x, 1, k.id(), &name);
        assert!(x == y);
    }
    v.nothing();
    w.nothing();
}

pub(crate) fn b287_verbose_changes_nothing(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.verbose(1), Ok(0));
    eq!(k.verbose(ASK), Ok(1));
    drop(k);
    b277_they_are_read_in_order(bus);
    b278_two_thousand_unbinds_are_not_all_kept(bus);
    let k = bus.ksock();
    eq!(k.verbose(0), Ok(1));
}
