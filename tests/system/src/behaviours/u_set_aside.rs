// SPDX-License-Identifier: GPL-2.0
//! U. Unbind events that cannot be delivered.

use super::t_bind_events::expect_event;
use crate::raw::*;
use crate::{eq, tests};

tests![
    b276_bind_event_and_set_aside_unbind_event,
    b277_they_are_read_in_order,
    b278_two_thousand_unbinds_are_not_all_kept.limit(60),
    b279_all_but_the_last_are_unbind_events.limit(60),
    b281_afterwards_nothing_is_left.limit(60),
    b282_two_listeners_hold_the_same_number.limit(60),
    b283_and_the_same_messages.limit(60),
    b285_two_thousand_binds_read_promptly.limit(90),
    b287_verbose_changes_nothing.limit(60),
];

fn watcher() -> Ksock {
    let k = Ksock::new();
    k.listen(BIND_EVENT).limit(1);
    k.report(1).unwrap();
    k
}

fn one_set_aside() -> (Ksock, u32) {
    let (w, k) = (watcher(), Ksock::new());
    k.serve("$.One");
    eq!(w.count(), 1);
    let binder = k.id();
    drop(k);
    (w, binder)
}

fn b276_bind_event_and_set_aside_unbind_event() {
    eq!(one_set_aside().0.count(), 2);
}

fn b277_they_are_read_in_order() {
    let (w, binder) = one_set_aside();
    expect_event(&w.take(), 1, binder, "$.One");
    eq!(w.count(), 1);
    expect_event(&w.take(), 0, binder, "$.One");
    w.nothing();
}

/// What watchers with limit 1 keep of 2000 unbinds at once; and whose.
fn two_thousand(watchers: &[&Ksock]) -> u32 {
    let k = Ksock::new();
    k.report(0).unwrap();
    for n in 0..2000 {
        k.serve(&format!("$.Many.n{n}"));
    }
    let binder = k.id();
    // Without replay for the watchers: another one switches it on.
    let other = Ksock::new();
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

fn b278_two_thousand_unbinds_are_not_all_kept() {
    let w = watcher();
    two_thousand(&[&w]);
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

fn b279_all_but_the_last_are_unbind_events() {
    let w = watcher();
    let binder = two_thousand(&[&w]);
    let all = read_out(&w);
    eq!(all.len(), 1002);
    for (n, msg) in all[..1001].iter().enumerate() {
        expect_event(msg, 0, binder, &name(n));
    }
    expect_lost(&all[1001]);
}

/// "Events lost" (6.5): an announcement from KBUS, nothing in it.
pub fn expect_lost(msg: &Msg) {
    eq!(msg.text(), UNBIND_EVENTS_LOST);
    eq!(msg.flags, SYNTHETIC);
    eq!((msg.from, msg.to, msg.in_reply_to), (0, 0, NO_ID));
    eq!((msg.orig_from, msg.final_to), ((0, 0), (0, 0)));
    eq!(msg.data.len(), 0);
}

fn b281_afterwards_nothing_is_left() {
    let w = watcher();
    two_thousand(&[&w]);
    read_out(&w);
    w.nothing();
    assert!(!w.readable());
}

fn b282_two_listeners_hold_the_same_number() {
    let (v, w) = (watcher(), watcher());
    two_thousand(&[&v, &w]);
    eq!(v.count(), w.count());
    // 6.5: 1 + 500 + 1.
    eq!(v.count(), 502);
}

fn b283_and_the_same_messages() {
    let (v, w) = (watcher(), watcher());
    let binder = two_thousand(&[&v, &w]);
    let (x, y) = (read_out(&v), read_out(&w));
    eq!(x.len(), 502);
    assert!(x == y, "the two differ");
    for (n, msg) in x[..501].iter().enumerate() {
        expect_event(msg, 0, binder, &name(n));
    }
    expect_lost(&x[501]);
}

fn b285_two_thousand_binds_read_promptly() {
    let (v, w) = (watcher(), watcher());
    let k = Ksock::new();
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

fn b287_verbose_changes_nothing() {
    let k = Ksock::new();
    eq!(k.verbose(1), Ok(0));
    eq!(k.verbose(ASK), Ok(1));
    drop(k);
    b277_they_are_read_in_order();
    b278_two_thousand_unbinds_are_not_all_kept();
    let k = Ksock::new();
    eq!(k.verbose(0), Ok(1));
}
