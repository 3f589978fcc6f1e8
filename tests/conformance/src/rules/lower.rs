// SPDX-License-Identifier: GPL-2.0-only
//! What the C++ suite asserted of the lower layers (11 Z).

use crate::*;

pub(crate) fn b360_verbosity_reads_back(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.verbose(1), Ok(0));
    eq!(k.verbose(ASK), Ok(1));
    eq!(k.verbose(0), Ok(1));
    eq!(k.verbose(ASK), Ok(0));
}

pub(crate) fn b361_reporting_reads_back(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.report(1), Ok(0));
    eq!(k.report(ASK), Ok(1));
    eq!(k.report(0), Ok(1));
    eq!(k.report(ASK), Ok(0));
}

pub(crate) fn b363_no_replier_is_no_error(bus: &Bus) {
    eq!(bus.ksock().replier("$.Nobody"), Ok(None));
}

pub(crate) fn b366_listener_and_replier_see_the_same_id(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.listen("$.A");
    b.serve("$.A");
    let id = c.ask("$.A");
    let (x, y) = (a.take(), b.take());
    eq!((x.id, x.marked()), (id, false));
    eq!((y.id, y.marked()), (id, true));
}

pub(crate) fn b368_a_reply_reaches_the_sender(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let id = b.ask("$.A");
    a.answer(&a.take());
    let got = b.take();
    eq!((got.text(), got.in_reply_to), ("$.A".to_string(), id));
    assert!(got.in_reply_to != NO_ID && got.flags & WANT_A_REPLY == 0);
}

pub(crate) fn b370_unbinding_as_replier_what_only_listens(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A");
    eq!(k.unbind("$.A", REPLIER), Err(EINVAL));
}

pub(crate) fn b371_all_remaining_unbinds_succeed(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A").serve("$.A").listen("$.B");
    b.listen("$.A").serve("$.B");
    eq!(a.unbind("$.A", LISTENER), Ok(()));
    eq!(a.unbind("$.A", REPLIER), Ok(()));
    eq!(a.unbind("$.B", LISTENER), Ok(()));
    eq!(b.unbind("$.A", LISTENER), Ok(()));
    eq!(b.unbind("$.B", REPLIER), Ok(()));
}

/// What the kernel must carry so that libraries can form it.
pub(crate) fn b372_a_stateful_request_formed_from_a_reply(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.post(&Msg::ask("$.A").data(b"question")).unwrap();
    let mut reply = Msg::reply_to(&a.take()).data(b"answer");
    reply.orig_from = (3, 4);
    a.post(&reply).unwrap();
    let got = b.take();
    eq!(
        (got.from, got.orig_from, got.data.clone()),
        (a.id(), (3, 4), b"answer".to_vec())
    );
    let mut next = Msg::ask("$.A").to(got.from);
    next.final_to = got.orig_from;
    b.post(&next).unwrap();
    let at = a.take();
    eq!((at.to, at.final_to), (a.id(), (3, 4)));
}

pub(crate) fn b374_bind_event_data_decode(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    let k = bus.ksock();
    k.serve("$.r3");
    let bind = w.take();
    expect_event(&bind, 1, k.id(), "$.r3");
    eq!(bind.data.len(), 20, "6.4: 12 + padded name");
    k.unbind("$.r3", REPLIER).unwrap();
    let unbind = w.take();
    expect_event(&unbind, 0, k.id(), "$.r3");
    // The example of 6.4, with our id for 21.
    let mut want = vec![0, 0, 0, 0];
    want.extend(k.id().to_ne_bytes());
    want.extend(4u32.to_ne_bytes());
    want.extend(b"$.r3\0\0\0\0");
    eq!(unbind.data, want);
}

pub(crate) fn b364_device_1_is_independent(bus: &Bus) {
    let k = bus.ksock_on(0);
    k.listen("$.A").serve("$.A");
    let a = bus.ksock_on(1);
    let b = bus.ksock_on(1);
    eq!(b.id(), a.id() + 1);
    drop(a);
    let c = bus.ksock_on(1);
    eq!(c.id(), b.id() + 1);
    c.say("$.A");
    eq!(c.post(&Msg::ask("$.A")), Err(EADDRNOTAVAIL));
    c.serve("$.A");
    k.nothing();
}
