// SPDX-License-Identifier: GPL-2.0
//! T. Bind events.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b249_reporting_is_off_by_default,
    b250_asking_does_not_change_it,
    b251_turning_it_on,
    b252_turning_it_off,
    b253_existing_repliers_are_replayed,
    b254_unbinding_an_unbound_listener,
    b255_unbinding_an_unbound_replier,
    b257_full_event_listener_no_replier_bind,
    b258_with_reporting_off_it_works,
    b259_full_event_listener_listener_unbind_works,
    b260_full_event_listener_no_replier_unbind,
    b262_two_event_listeners_both_hear,
    b263_eaddrinuse_goes_before_eagain,
    b264_undeliverable_to_one_reaches_none,
    b267_after_reading_one_more_fits,
    b268_the_binder_hears_its_own_event,
    b269_a_listener_bind_makes_no_event,
    b270_a_second_replier_makes_a_second_event,
    b271_an_unbind_makes_an_event,
    b273_reporting_off_no_events,
    b274_switched_on_between_bind_and_unbind,
];

/// A ksock that listens for events, with reporting on.
fn watcher() -> Ksock {
    let k = Ksock::new();
    k.listen(BIND_EVENT);
    k.report(1).unwrap();
    k.nothing();
    k
}

/// All there is of an event message (6.4).
pub fn expect_event(got: &Msg, is_bind: u32, binder: u32, name: &str) {
    let want = (is_bind, binder, name.to_string());
    eq!(got.event(), Ok(want));
    eq!(got.flags, SYNTHETIC | ALL_OR_FAIL);
    eq!((got.from, got.to, got.in_reply_to), (0, 0, NO_ID));
    eq!(
        (got.orig_from, got.final_to, got.extra),
        ((0, 0), (0, 0), 0)
    );
    eq!(got.id.net, 0);
    assert!(got.id.serial != 0);
}

/// A watcher whose queue is full: limit 1, and one bind event in it.
fn full(other: &Ksock) -> Ksock {
    let w = watcher();
    w.limit(1);
    other.serve("$.First");
    eq!(w.count(), 1);
    w
}

fn b249_reporting_is_off_by_default() {
    eq!(Ksock::new().report(ASK), Ok(0));
}

fn b250_asking_does_not_change_it() {
    let k = Ksock::new();
    eq!(k.report(ASK), Ok(0));
    eq!(k.report(ASK), Ok(0));
    k.report(1).unwrap();
    eq!(k.report(ASK), Ok(1));
    eq!(k.report(ASK), Ok(1));
    for bad in [2, 7, 0x7fff_ffff, 0xffff_fffe] {
        eq!(k.report(bad), Err(EINVAL));
        eq!(k.report(ASK), Ok(1));
    }
}

fn b251_turning_it_on() {
    let k = Ksock::new();
    eq!(k.report(1), Ok(0));
    eq!(k.report(ASK), Ok(1));
    eq!(Ksock::new().report(ASK), Ok(1), "it belongs to the device");
    eq!(Ksock::on(1).report(ASK), Ok(0), "and to no other");
}

fn b252_turning_it_off() {
    let k = Ksock::new();
    k.report(1).unwrap();
    eq!(k.report(0), Ok(1));
    eq!(k.report(ASK), Ok(0));
}

fn b253_existing_repliers_are_replayed() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.One").listen("$.Ears").serve("$.Two");
    eq!(b.report(1), Ok(0));
    eq!(b.count(), 2);
    expect_event(&b.take(), 1, a.id(), "$.Two");
    expect_event(&b.take(), 1, a.id(), "$.One");
    b.nothing();
    a.nothing();
}

fn b254_unbinding_an_unbound_listener() {
    let (w, k) = (watcher(), Ksock::new());
    eq!(k.unbind("$.A", LISTENER), Err(EINVAL));
    w.nothing();
}

fn b255_unbinding_an_unbound_replier() {
    let (w, k) = (watcher(), Ksock::new());
    eq!(k.unbind("$.A", REPLIER), Err(EINVAL));
    w.nothing();
}

fn b257_full_event_listener_no_replier_bind() {
    let k = Ksock::new();
    let w = full(&k);
    eq!(k.bind("$.Second", REPLIER), Err(EAGAIN));
    eq!(w.count(), 1);
    eq!(k.replier("$.Second"), Ok(None));
    expect_event(&w.take(), 1, k.id(), "$.First");
    w.nothing();
}

fn b258_with_reporting_off_it_works() {
    let k = Ksock::new();
    let w = full(&k);
    eq!(k.bind("$.Second", REPLIER), Err(EAGAIN));
    k.report(0).unwrap();
    eq!(k.bind("$.Second", REPLIER), Ok(()));
    eq!(w.count(), 1);
}

fn b259_full_event_listener_listener_unbind_works() {
    let k = Ksock::new();
    let w = full(&k);
    eq!(k.bind("$.Ears", LISTENER), Ok(()));
    eq!(k.unbind("$.Ears", LISTENER), Ok(()));
    eq!(w.count(), 1);
}

fn b260_full_event_listener_no_replier_unbind() {
    let k = Ksock::new();
    let w = full(&k);
    eq!(k.unbind("$.First", REPLIER), Err(EAGAIN));
    eq!(w.count(), 1);
    eq!(k.replier("$.First"), Ok(Some(k.id())), "the binding stays");
    w.take();
    eq!(k.unbind("$.First", REPLIER), Ok(()));
    expect_event(&w.take(), 0, k.id(), "$.First");
}

/// Two watchers, the second with limit 1, and a first bind heard by both.
fn two_watchers(k: &Ksock) -> (Ksock, Ksock) {
    let (v, w) = (watcher(), watcher());
    w.limit(1);
    k.serve("$.First");
    eq!((v.count(), w.count()), (1, 1));
    (v, w)
}

fn b262_two_event_listeners_both_hear() {
    let k = Ksock::new();
    let (v, w) = two_watchers(&k);
    let (x, y) = (v.take(), w.take());
    expect_event(&x, 1, k.id(), "$.First");
    eq!(x, y);
}

fn b263_eaddrinuse_goes_before_eagain() {
    let k = Ksock::new();
    let (v, w) = two_watchers(&k);
    eq!(Ksock::new().bind("$.First", REPLIER), Err(EADDRINUSE));
    eq!((v.count(), w.count()), (1, 1));
}

fn b264_undeliverable_to_one_reaches_none() {
    let k = Ksock::new();
    let (v, w) = two_watchers(&k);
    eq!(k.bind("$.Second", REPLIER), Err(EAGAIN));
    eq!((v.count(), w.count()), (1, 1));
}

fn b267_after_reading_one_more_fits() {
    let k = Ksock::new();
    let (v, w) = two_watchers(&k);
    w.take();
    eq!(k.bind("$.Second", REPLIER), Ok(()));
    eq!(k.bind("$.Third", REPLIER), Err(EAGAIN));
    eq!((v.count(), w.count()), (2, 1));
    expect_event(&w.take(), 1, k.id(), "$.Second");
}

fn b268_the_binder_hears_its_own_event() {
    let w = watcher();
    w.serve("$.Mine");
    expect_event(&w.take(), 1, w.id(), "$.Mine");
    w.nothing();
}

fn b269_a_listener_bind_makes_no_event() {
    let (w, k) = (watcher(), Ksock::new());
    k.listen("$.A").listen("$.*");
    w.nothing();
}

fn b270_a_second_replier_makes_a_second_event() {
    let (w, k) = (watcher(), Ksock::new());
    k.serve("$.One").serve("$.Two.*");
    expect_event(&w.take(), 1, k.id(), "$.One");
    expect_event(&w.take(), 1, k.id(), "$.Two.*");
    w.nothing();
}

fn b271_an_unbind_makes_an_event() {
    let (w, k) = (watcher(), Ksock::new());
    k.serve("$.One");
    w.take();
    k.unbind("$.One", REPLIER).unwrap();
    expect_event(&w.take(), 0, k.id(), "$.One");
    w.nothing();
}

fn b273_reporting_off_no_events() {
    let (w, k) = (watcher(), Ksock::new());
    w.report(0).unwrap();
    k.serve("$.One").serve("$.Two");
    k.unbind("$.One", REPLIER).unwrap();
    drop(k);
    w.nothing();
}

fn b274_switched_on_between_bind_and_unbind() {
    let (w, k) = (Ksock::new(), Ksock::new());
    w.listen(BIND_EVENT);
    k.serve("$.One");
    w.nothing();
    // Somebody else switches it on, and gets the replay.
    let other = Ksock::new();
    other.report(1).unwrap();
    eq!(other.drain().len(), 1);
    w.nothing();
    k.unbind("$.One", REPLIER).unwrap();
    expect_event(&w.take(), 0, k.id(), "$.One");
}
