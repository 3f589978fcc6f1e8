// SPDX-License-Identifier: GPL-2.0-only
//! Requests and replies (5.6).

use crate::*;

pub(crate) fn b125_an_announcement_asks_nobody(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.Fred").serve("$.Fred");
    b.say("$.Fred");
    eq!(a.take().flags, 0);
}

pub(crate) fn b126_a_listeners_copy_of_a_request_is_not_marked(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    b.listen("$.Fred");
    let id = c.ask("$.Fred");
    let got = b.take();
    eq!((got.id, got.flags), (id, WANT_A_REPLY));
}

pub(crate) fn b127_the_repliers_copy_is_marked(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    b.listen("$.Fred");
    let id = c.ask("$.Fred");
    let got = a.take();
    eq!((got.id, got.flags), (id, WANT_A_REPLY | WANT_YOU_TO_REPLY));
}

pub(crate) fn b128_a_replier_does_not_hear_announcements(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    b.say("$.Fred");
    a.nothing();
}

pub(crate) fn b129_a_request_without_replier(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.Fred");
    eq!(b.post(&Msg::ask("$.Fred")), Err(EADDRNOTAVAIL));
    a.nothing();
    b.nothing();
}

pub(crate) fn b130_replier_and_listener_hears_once(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred").listen("$.Fred");
    b.say("$.Fred");
    assert!(!a.take().marked());
    a.nothing();
}

pub(crate) fn b132_a_reply_by_hand(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    let request = a.take();
    let by_hand = Msg {
        in_reply_to: id,
        to: b.id(),
        name: b"$.Fred".to_vec(),
        ..Msg::default()
    };
    eq!(by_hand, Msg::reply_to(&request));
    a.post(&by_hand).unwrap();
    eq!(b.take().in_reply_to, id);
}

fn self_answer(bus: &Bus) -> Ksock {
    let k = bus.ksock();
    k.serve("$.Fred");
    let id = k.ask("$.Fred");
    let request = k.take();
    eq!((request.id, request.from), (id, k.id()));
    assert!(request.marked());
    let answer = k.answer(&request);
    let got = k.take();
    eq!((got.id, got.in_reply_to), (answer, id));
    eq!((got.from, got.to), (k.id(), k.id()));
    k
}

pub(crate) fn b133_answering_oneself(bus: &Bus) {
    self_answer(bus);
}

pub(crate) fn b135_and_then_nothing_is_left(bus: &Bus) {
    let k = self_answer(bus);
    k.nothing();
    eq!(k.owed(), 0);
}

/// An announcement, then a request and its answer: by `b` and `a`.
fn exchange(a: &Ksock, b: &Ksock) -> (Id, Id, Id) {
    a.serve("$.Fred.Jim");
    let announcement = b.say("$.Fred.Bob");
    let request = b.ask("$.Fred.Jim");
    let got = a.take();
    eq!(got.id, request);
    (announcement, request, a.answer(&got))
}

pub(crate) fn b136_a_listener_to_everything_sees_all_unmarked(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    c.listen("$.*");
    let (announcement, request, reply) = exchange(&a, &b);
    let seen = c.drain();
    eq!(
        seen.iter().map(|m| m.id).collect::<Vec<_>>(),
        vec![announcement, request, reply]
    );
    assert!(seen.iter().all(|m| !m.marked()));
    eq!(seen[2].in_reply_to, request);
}

pub(crate) fn b137_the_requester_gets_the_reply_unbound(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    let (_, request, reply) = exchange(&a, &b);
    let got = b.take();
    eq!((got.id, got.in_reply_to, got.to), (reply, request, b.id()));
    eq!(got.flags, 0);
}

pub(crate) fn b138_the_reply_is_from_the_replier(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    exchange(&a, &b);
    eq!(b.take().from, a.id());
}

pub(crate) fn b139_the_replier_does_not_get_its_reply(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    exchange(&a, &b);
    a.nothing();
}

pub(crate) fn b140_and_nobody_has_anything_left(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    c.listen("$.*");
    exchange(&a, &b);
    eq!(b.drain().len(), 1);
    eq!(c.drain().len(), 3);
    for k in [a, b, c] {
        k.nothing();
    }
}

pub(crate) fn b144_an_unsolicited_reply(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    let reply = Msg::new("$.Fred").to(b.id()).re(id(0, 27));
    eq!(a.post(&reply), Err(ECONNREFUSED));
    b.nothing();
}

pub(crate) fn b145_a_reply_with_a_shifted_id(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    let asked = b.ask("$.Fred");
    let request = a.take();
    let right = Msg::reply_to(&request);
    let shifted = right.clone().re(id(asked.net, asked.serial + 100));
    eq!(a.post(&shifted), Err(ECONNREFUSED));
    let other_net = right.clone().re(id(asked.net + 1, asked.serial));
    eq!(a.post(&other_net), Err(ECONNREFUSED));
    b.nothing();
    assert!(a.post(&right).is_ok());
    eq!(b.take().in_reply_to, asked);
}

pub(crate) fn b146_the_same_reply_twice(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    b.ask("$.Fred");
    let reply = Msg::reply_to(&a.take());
    assert!(a.post(&reply).is_ok());
    eq!(a.post(&reply), Err(ECONNREFUSED));
    eq!(b.drain().len(), 1);
}

pub(crate) fn b148_marked_first_then_unmarked(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.Fred").serve("$.Fred");
    let id = b.ask("$.Fred");
    let (first, second) = (a.take(), a.take());
    eq!((first.id, first.marked()), (id, true));
    eq!((second.id, second.marked()), (id, false));
    a.nothing();
}

pub(crate) fn b150_a_stateful_request_reaches_its_replier_and_listeners(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    c.listen("$.Fred");
    b.ask("$.Fred");
    a.answer(&a.take());
    let reply = b.take();
    c.drain();
    let id = b.post(&Msg::ask("$.Fred").to(reply.from)).unwrap();
    let at_replier = a.take();
    eq!(
        (at_replier.id, at_replier.to, at_replier.marked()),
        (id, a.id(), true)
    );
    let at_listener = c.take();
    eq!(
        (at_listener.id, at_listener.to, at_listener.marked()),
        (id, a.id(), false)
    );
}

pub(crate) fn b151_with_no_replier_left(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    eq!(b.post(&Msg::ask("$.Fred").to(a.id())), Err(EADDRNOTAVAIL));
}

pub(crate) fn b152_with_another_replier(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    c.serve("$.Fred");
    eq!(b.post(&Msg::ask("$.Fred").to(a.id())), Err(EPIPE));
    c.nothing();
    assert!(b.post(&Msg::ask("$.Fred").to(c.id())).is_ok());
}

pub(crate) fn b232_none_at_first(bus: &Bus) {
    eq!(bus.ksock().owed(), 0);
}

pub(crate) fn b234_none_after_an_announcement(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A");
    b.say("$.A");
    a.take();
    eq!(a.owed(), 0);
}

pub(crate) fn b236_none_after_the_reply(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.ask("$.A");
    let request = a.take();
    a.answer(&request);
    eq!(a.owed(), 0);
    eq!(b.owed(), 0);
}
