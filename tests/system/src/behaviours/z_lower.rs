// SPDX-License-Identifier: GPL-2.0
//! Z. What the C++ suite asserted of the lower layers: the kernel's part.

use super::t_bind_events::expect_event;
use crate::harness::USUAL;
use crate::raw::*;
use crate::{eq, tests};

tests![
    b360_verbosity_reads_back,
    b361_reporting_reads_back,
    b362_a_new_device_can_be_addressed.load(USUAL),
    b363_no_replier_is_no_error,
    b364_device_1_is_independent,
    b366_listener_and_replier_see_the_same_id,
    b368_a_reply_reaches_the_sender,
    b370_unbinding_as_replier_what_only_listens,
    b371_all_remaining_unbinds_succeed,
    b372_a_stateful_request_formed_from_a_reply,
    b374_bind_event_data_decode,
];

fn b360_verbosity_reads_back() {
    let k = Ksock::new();
    eq!(k.verbose(1), Ok(0));
    eq!(k.verbose(ASK), Ok(1));
    eq!(k.verbose(0), Ok(1));
    eq!(k.verbose(ASK), Ok(0));
}

fn b361_reporting_reads_back() {
    let k = Ksock::new();
    eq!(k.report(1), Ok(0));
    eq!(k.report(ASK), Ok(1));
    eq!(k.report(0), Ok(1));
    eq!(k.report(ASK), Ok(0));
}

fn b362_a_new_device_can_be_addressed() {
    let n = Ksock::new().new_device().unwrap();
    let k = super::s_new_devices::open_soon(n);
    eq!(k.report(ASK), Ok(0));
    eq!(k.max_size(0), Ok(ABS_MAX_SIZE));
}

fn b363_no_replier_is_no_error() {
    eq!(Ksock::new().replier("$.Nobody"), Ok(None));
}

fn b364_device_1_is_independent() {
    let k = Ksock::on(0);
    k.listen("$.A").serve("$.A");
    let a = Ksock::on(1);
    let b = Ksock::on(1);
    eq!(b.id(), a.id() + 1);
    drop(a);
    let c = Ksock::on(1);
    eq!(c.id(), b.id() + 1);
    c.say("$.A");
    eq!(c.post(&Msg::ask("$.A")), Err(EADDRNOTAVAIL));
    c.serve("$.A");
    k.nothing();
}

fn b366_listener_and_replier_see_the_same_id() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.listen("$.A");
    b.serve("$.A");
    let id = c.ask("$.A");
    let (x, y) = (a.take(), b.take());
    eq!((x.id, x.marked()), (id, false));
    eq!((y.id, y.marked()), (id, true));
}

fn b368_a_reply_reaches_the_sender() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let id = b.ask("$.A");
    a.answer(&a.take());
    let got = b.take();
    eq!((got.text(), got.in_reply_to), ("$.A".to_string(), id));
    assert!(got.in_reply_to != NO_ID && got.flags & WANT_A_REPLY == 0);
}

fn b370_unbinding_as_replier_what_only_listens() {
    let k = Ksock::new();
    k.listen("$.A");
    eq!(k.unbind("$.A", REPLIER), Err(EINVAL));
}

fn b371_all_remaining_unbinds_succeed() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").serve("$.A").listen("$.B");
    b.listen("$.A").serve("$.B");
    eq!(a.unbind("$.A", LISTENER), Ok(()));
    eq!(a.unbind("$.A", REPLIER), Ok(()));
    eq!(a.unbind("$.B", LISTENER), Ok(()));
    eq!(b.unbind("$.A", LISTENER), Ok(()));
    eq!(b.unbind("$.B", REPLIER), Ok(()));
}

/// What the kernel must carry so that libraries can form it.
fn b372_a_stateful_request_formed_from_a_reply() {
    let (a, b) = (Ksock::new(), Ksock::new());
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

fn b374_bind_event_data_decode() {
    let w = Ksock::new();
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    let k = Ksock::new();
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
