// SPDX-License-Identifier: GPL-2.0-only
//! Replier bind events (6.3, 6.4).

use crate::*;

/// A ksock that listens for events, with reporting on.
fn watcher(bus: &Bus) -> Ksock {
    let k = bus.ksock();
    k.listen(BIND_EVENT);
    k.report(1).unwrap();
    k.nothing();
    k
}

/// A watcher whose queue is full: limit 1, and one bind event in it.
fn full(bus: &Bus, other: &Ksock) -> Ksock {
    let w = watcher(bus);
    w.limit(1);
    other.serve("$.First");
    eq!(w.count(), 1);
    w
}

pub(crate) fn b249_reporting_is_off_by_default(bus: &Bus) {
    eq!(bus.ksock().report(ASK), Ok(0));
}

pub(crate) fn b250_asking_does_not_change_it(bus: &Bus) {
    let k = bus.ksock();
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

pub(crate) fn b252_turning_it_off(bus: &Bus) {
    let k = bus.ksock();
    k.report(1).unwrap();
    eq!(k.report(0), Ok(1));
    eq!(k.report(ASK), Ok(0));
}

pub(crate) fn b253_existing_repliers_are_replayed(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.One").listen("$.Ears").serve("$.Two");
    eq!(b.report(1), Ok(0));
    eq!(b.count(), 2);
    expect_event(&b.take(), 1, a.id(), "$.Two");
    expect_event(&b.take(), 1, a.id(), "$.One");
    b.nothing();
    a.nothing();
}

pub(crate) fn b254_unbinding_an_unbound_listener(bus: &Bus) {
    let (w, k) = (watcher(bus), bus.ksock());
    eq!(k.unbind("$.A", LISTENER), Err(EINVAL));
    w.nothing();
}

pub(crate) fn b255_unbinding_an_unbound_replier(bus: &Bus) {
    let (w, k) = (watcher(bus), bus.ksock());
    eq!(k.unbind("$.A", REPLIER), Err(EINVAL));
    w.nothing();
}

pub(crate) fn b257_full_event_listener_no_replier_bind(bus: &Bus) {
    let k = bus.ksock();
    let w = full(bus, &k);
    eq!(k.bind("$.Second", REPLIER), Err(EAGAIN));
    eq!(w.count(), 1);
    eq!(k.replier("$.Second"), Ok(None));
    expect_event(&w.take(), 1, k.id(), "$.First");
    w.nothing();
}

pub(crate) fn b258_with_reporting_off_it_works(bus: &Bus) {
    let k = bus.ksock();
    let w = full(bus, &k);
    eq!(k.bind("$.Second", REPLIER), Err(EAGAIN));
    k.report(0).unwrap();
    eq!(k.bind("$.Second", REPLIER), Ok(()));
    eq!(w.count(), 1);
}

pub(crate) fn b259_full_event_listener_listener_unbind_works(bus: &Bus) {
    let k = bus.ksock();
    let w = full(bus, &k);
    eq!(k.bind("$.Ears", LISTENER), Ok(()));
    eq!(k.unbind("$.Ears", LISTENER), Ok(()));
    eq!(w.count(), 1);
}

pub(crate) fn b260_full_event_listener_no_replier_unbind(bus: &Bus) {
    let k = bus.ksock();
    let w = full(bus, &k);
    eq!(k.unbind("$.First", REPLIER), Err(EAGAIN));
    eq!(w.count(), 1);
    eq!(k.replier("$.First"), Ok(Some(k.id())), "the binding stays");
    w.take();
    eq!(k.unbind("$.First", REPLIER), Ok(()));
    expect_event(&w.take(), 0, k.id(), "$.First");
}

/// Two watchers, the second with limit 1, and a first bind heard by both.
fn two_watchers(bus: &Bus, k: &Ksock) -> (Ksock, Ksock) {
    let (v, w) = (watcher(bus), watcher(bus));
    w.limit(1);
    k.serve("$.First");
    eq!((v.count(), w.count()), (1, 1));
    (v, w)
}

pub(crate) fn b262_two_event_listeners_both_hear(bus: &Bus) {
    let k = bus.ksock();
    let (v, w) = two_watchers(bus, &k);
    let (x, y) = (v.take(), w.take());
    expect_event(&x, 1, k.id(), "$.First");
    eq!(x, y);
}

pub(crate) fn b263_eaddrinuse_goes_before_eagain(bus: &Bus) {
    let k = bus.ksock();
    let (v, w) = two_watchers(bus, &k);
    eq!(bus.ksock().bind("$.First", REPLIER), Err(EADDRINUSE));
    eq!((v.count(), w.count()), (1, 1));
}

pub(crate) fn b264_undeliverable_to_one_reaches_none(bus: &Bus) {
    let k = bus.ksock();
    let (v, w) = two_watchers(bus, &k);
    eq!(k.bind("$.Second", REPLIER), Err(EAGAIN));
    eq!((v.count(), w.count()), (1, 1));
}

pub(crate) fn b267_after_reading_one_more_fits(bus: &Bus) {
    let k = bus.ksock();
    let (v, w) = two_watchers(bus, &k);
    w.take();
    eq!(k.bind("$.Second", REPLIER), Ok(()));
    eq!(k.bind("$.Third", REPLIER), Err(EAGAIN));
    eq!((v.count(), w.count()), (2, 1));
    expect_event(&w.take(), 1, k.id(), "$.Second");
}

pub(crate) fn b268_the_binder_hears_its_own_event(bus: &Bus) {
    let w = watcher(bus);
    w.serve("$.Mine");
    expect_event(&w.take(), 1, w.id(), "$.Mine");
    w.nothing();
}

pub(crate) fn b269_a_listener_bind_makes_no_event(bus: &Bus) {
    let (w, k) = (watcher(bus), bus.ksock());
    k.listen("$.A").listen("$.*");
    w.nothing();
}

pub(crate) fn b270_a_second_replier_makes_a_second_event(bus: &Bus) {
    let (w, k) = (watcher(bus), bus.ksock());
    k.serve("$.One").serve("$.Two.*");
    expect_event(&w.take(), 1, k.id(), "$.One");
    expect_event(&w.take(), 1, k.id(), "$.Two.*");
    w.nothing();
}

pub(crate) fn b271_an_unbind_makes_an_event(bus: &Bus) {
    let (w, k) = (watcher(bus), bus.ksock());
    k.serve("$.One");
    w.take();
    k.unbind("$.One", REPLIER).unwrap();
    expect_event(&w.take(), 0, k.id(), "$.One");
    w.nothing();
}

pub(crate) fn b273_reporting_off_no_events(bus: &Bus) {
    let (w, k) = (watcher(bus), bus.ksock());
    w.report(0).unwrap();
    k.serve("$.One").serve("$.Two");
    k.unbind("$.One", REPLIER).unwrap();
    drop(k);
    w.nothing();
}

pub(crate) fn b274_switched_on_between_bind_and_unbind(bus: &Bus) {
    let (w, k) = (bus.ksock(), bus.ksock());
    w.listen(BIND_EVENT);
    k.serve("$.One");
    w.nothing();
    // Somebody else switches it on, and gets the replay.
    let other = bus.ksock();
    other.report(1).unwrap();
    eq!(other.drain().len(), 1);
    w.nothing();
    k.unbind("$.One", REPLIER).unwrap();
    expect_event(&w.take(), 0, k.id(), "$.One");
}

pub(crate) fn b251_turning_it_on(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.report(1), Ok(0));
    eq!(k.report(ASK), Ok(1));
    eq!(bus.ksock().report(ASK), Ok(1), "it belongs to the device");
    eq!(bus.ksock_on(1).report(ASK), Ok(0), "and to no other");
}

/// Where an unbind cannot be told of, what the binding has attracted stays.
pub(crate) fn events_undeliverable_unbind_takes_nothing_back(bus: &Bus) {
    let k = bus.ksock();
    let _w = full(bus, &k);
    let asked = bus.ksock().ask("$.First");
    eq!(k.unbind("$.First", REPLIER), Err(EAGAIN));
    eq!(k.count(), 1);
    eq!(k.take().id, asked);
}
