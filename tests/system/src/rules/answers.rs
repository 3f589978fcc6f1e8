// SPDX-License-Identifier: GPL-2.0
//! Sections 5.6, 6.1 and 6.2: who may answer, and what KBUS answers itself.

use crate::behaviours::expect_status;
use crate::raw::*;
use crate::{eq, tests};

tests![
    answer_by_a_third_party,
    answer_before_the_request_is_popped,
    answer_second_is_refused,
    answer_of_any_name_in_any_order,
    answer_to_a_closed_requester,
    answer_ids_are_a_multiset,
    answer_owed_is_per_request,
    answer_to_self_after_third_party,
    answer_listener_copy_of_ones_own_reply,
    status_goneaway_for_stateful,
    status_unbound_for_stateful,
    status_unbound_only_for_that_binding,
    status_unbound_for_self_request,
    status_self_request_at_close,
    status_ignored_unread_current,
    status_is_not_heard_by_listeners,
    status_ignores_fullness,
    status_to_a_closed_requester_is_dropped,
    status_never_after_an_answer,
    status_for_explicit_ids,
    status_wildcard_replier_unbinds,
];

/// Any ksock that knows whom and what is believed (5.6).
fn answer_by_a_third_party() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = b.ask("$.A");
    let request = a.take();
    let id = c.answer(&request);
    let got = b.take();
    eq!((got.id, got.from, got.in_reply_to), (id, c.id(), asked));
    eq!(c.owed(), 0);
    eq!(
        a.post(&Msg::reply_to(&request)),
        Err(ECONNREFUSED),
        "the first one wins"
    );
    drop(a);
    b.nothing();
}

fn answer_before_the_request_is_popped() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = b.ask("$.A");
    a.post(&Msg::new("$.A").to(b.id()).re(asked)).unwrap();
    eq!(b.take().in_reply_to, asked);
    eq!(a.count(), 1, "the request is still queued");
    a.unbind("$.A", REPLIER).unwrap();
    b.nothing();
}

fn answer_second_is_refused() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.ask("$.A");
    let reply = Msg::reply_to(&a.take());
    assert!(a.post(&reply).is_ok());
    for k in [&a, &b, &c] {
        eq!(k.post(&reply), Err(ECONNREFUSED));
    }
    b.take();
    b.nothing();
}

fn answer_of_any_name_in_any_order() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let ids = [b.ask("$.A"), b.ask("$.A"), b.ask("$.A")];
    let requests = a.drain();
    a.unbind("$.A", REPLIER).unwrap();
    for n in [2, 0, 1] {
        let mut reply = Msg::reply_to(&requests[n]);
        reply.name = format!("$.Other.n{n}").into_bytes();
        a.post(&reply).unwrap();
        let got = b.take();
        eq!(
            (got.in_reply_to, got.text()),
            (ids[n], format!("$.Other.n{n}"))
        );
    }
    eq!(a.owed(), 0);
}

fn answer_to_a_closed_requester() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.ask("$.A");
    let reply = Msg::reply_to(&a.take());
    drop(b);
    eq!(a.post(&reply), Err(EADDRNOTAVAIL));
    eq!(a.owed(), 1, "5.6: does not go down");
    drop(a);
}

/// The same explicit id sent twice is owed two answers.
fn answer_ids_are_a_multiset() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.limit(2);
    let msg = Msg::ask("$.A").id(7, 7);
    b.post(&msg).unwrap();
    b.post(&msg).unwrap();
    eq!(b.post(&msg), Err(ENOLCK), "two are outstanding");
    let reply = Msg::reply_to(&a.take());
    a.take();
    eq!(a.owed(), 2);
    assert!(a.post(&reply).is_ok());
    eq!(a.owed(), 1);
    assert!(a.post(&reply).is_ok());
    eq!(a.owed(), 0);
    eq!(a.post(&reply), Err(ECONNREFUSED));
    eq!(b.drain().len(), 2);
}

fn answer_owed_is_per_request() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").serve("$.B.*");
    for name in ["$.A", "$.B.x", "$.B.y", "$.A"] {
        b.ask(name);
    }
    let requests = a.drain();
    eq!(a.owed(), 4);
    for (n, request) in requests.iter().enumerate() {
        a.answer(request);
        eq!(a.owed(), 3 - n as u32);
    }
    // An announcement by the replier changes nothing.
    b.ask("$.A");
    a.take();
    a.say("$.A");
    eq!(a.owed(), 1);
}

fn answer_to_self_after_third_party() {
    let (a, c) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = a.ask("$.A");
    let request = a.take();
    c.answer(&request);
    eq!(a.take().in_reply_to, asked);
    eq!(a.post(&Msg::reply_to(&request)), Err(ECONNREFUSED));
}

fn answer_listener_copy_of_ones_own_reply() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").listen("$.A");
    b.listen("$.A");
    b.ask("$.A");
    let request = a.take();
    a.drain();
    b.drain();
    let reply = a.answer(&request);
    eq!(a.take().id, reply);
    eq!(
        b.drain().iter().map(|m| m.id).collect::<Vec<_>>(),
        [reply, reply]
    );
}

/// `[FIX]` 6.2; defect 20.
pub fn status_goneaway_for_stateful() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.limit(1);
    let asked = b.post(&Msg::ask("$.A").to(a.id())).unwrap();
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), asked);
    b.nothing();
    // Its slot is free again.
    let c = Ksock::new();
    c.serve("$.A");
    assert!(b.post(&Msg::ask("$.A")).is_ok());
}

pub fn status_unbound_for_stateful() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = b.post(&Msg::ask("$.A").to(a.id())).unwrap();
    a.unbind("$.A", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), asked);
    b.nothing();
}

fn status_unbound_only_for_that_binding() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").serve("$.B");
    let to_a = b.ask("$.A");
    let to_b = b.ask("$.B");
    a.unbind("$.A", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), to_a);
    b.nothing();
    eq!(a.take().id, to_b);
    a.nothing();
}

fn status_unbound_for_self_request() {
    let k = Ksock::new();
    k.serve("$.A");
    let asked = k.ask("$.A");
    k.unbind("$.A", REPLIER).unwrap();
    expect_status(&k.take(), UNBOUND, k.id(), k.id(), asked);
    k.nothing();
}

fn status_self_request_at_close() {
    let k = Ksock::new();
    k.serve("$.A").serve("$.B");
    k.ask("$.A");
    k.ask("$.A");
    k.take();
    let last = k.ask("$.B");
    drop(k);
    // The bus goes on as if nothing had been.
    let other = Ksock::new();
    other.listen("$.*");
    eq!(other.post(&Msg::ask("$.A")), Err(EADDRNOTAVAIL));
    assert!(other.say("$.C").serial > last.serial);
    eq!(other.drain().len(), 1);
}

/// Popped and only half read: still owed, hence Ignored (9.1 step 1).
fn status_ignored_unread_current() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = b.ask("$.A");
    a.next().unwrap().unwrap();
    a.bytes(20);
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), IGNORED, replier, b.id(), asked);
    b.nothing();
}

fn status_is_not_heard_by_listeners() {
    let (a, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
    l.listen("$.*").listen("$.KBUS.*").listen(GONE_AWAY);
    b.listen("$.KBUS.*");
    a.serve("$.A");
    let asked = b.ask("$.A");
    drop(a);
    eq!(l.take().id, asked);
    l.nothing();
    eq!(b.take().in_reply_to, asked);
    b.nothing();
}

fn status_ignores_fullness() {
    let (a, b, s) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.listen("$.N").limit(2);
    let asked = b.ask("$.A");
    s.say("$.N");
    b.limit(1);
    drop(a);
    eq!(b.count(), 2);
    b.take();
    eq!(b.take().in_reply_to, asked);
}

fn status_to_a_closed_requester_is_dropped() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.ask("$.A");
    b.ask("$.A");
    a.take();
    drop(b);
    a.unbind("$.A", REPLIER).unwrap();
    drop(a);
    let k = Ksock::new();
    k.nothing();
}

/// Only while the id is outstanding (`[FIX]` 5.6; defect 21).
pub fn status_never_after_an_answer() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.A");
    // One popped, one queued; both answered by somebody else.
    let first = b.ask("$.A");
    let second = b.ask("$.A");
    a.take();
    for asked in [first, second] {
        c.post(&Msg::new("$.A").to(b.id()).re(asked)).unwrap();
        eq!(b.take().in_reply_to, asked);
    }
    drop(a);
    b.nothing();
    // The same with unbinding.
    let a = Ksock::new();
    a.serve("$.A");
    let third = b.ask("$.A");
    c.post(&Msg::new("$.A").to(b.id()).re(third)).unwrap();
    b.take();
    a.unbind("$.A", REPLIER).unwrap();
    b.nothing();
}

fn status_for_explicit_ids() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.post(&Msg::ask("$.A").id(4, 44)).unwrap();
    b.post(&Msg::ask("$.A").id(4, 44)).unwrap();
    let replier = a.id();
    a.take();
    drop(a);
    // One was queued, one popped: GoneAway first.
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), id(4, 44));
    expect_status(&b.take(), IGNORED, replier, b.id(), id(4, 44));
    b.nothing();
}

fn status_wildcard_replier_unbinds() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A.*").serve("$.A.x");
    let wild = b.ask("$.A.y");
    let exact = b.ask("$.A.x");
    a.unbind("$.A.*", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), wild);
    b.nothing();
    a.unbind("$.A.x", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), exact);
    a.nothing();
}
