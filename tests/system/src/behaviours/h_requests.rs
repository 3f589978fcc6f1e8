// SPDX-License-Identifier: GPL-2.0
//! H. Requests and replies.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b125_an_announcement_asks_nobody,
    b126_a_listeners_copy_of_a_request_is_not_marked,
    b127_the_repliers_copy_is_marked,
    b128_a_replier_does_not_hear_announcements,
    b129_a_request_without_replier,
    b130_replier_and_listener_hears_once,
    b132_a_reply_by_hand,
    b133_answering_oneself,
    b135_and_then_nothing_is_left,
    b136_a_listener_to_everything_sees_all_unmarked,
    b137_the_requester_gets_the_reply_unbound,
    b138_the_reply_is_from_the_replier,
    b139_the_replier_does_not_get_its_reply,
    b140_and_nobody_has_anything_left,
    b142_interleavings_on_two_ksocks,
    b143_a_reply_after_the_interleavings,
    b144_an_unsolicited_reply,
    b145_a_reply_with_a_shifted_id,
    b146_the_same_reply_twice,
    b148_marked_first_then_unmarked,
];

fn b125_an_announcement_asks_nobody() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred").serve("$.Fred");
    b.say("$.Fred");
    eq!(a.take().flags, 0);
}

fn b126_a_listeners_copy_of_a_request_is_not_marked() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    b.listen("$.Fred");
    let id = c.ask("$.Fred");
    let got = b.take();
    eq!((got.id, got.flags), (id, WANT_A_REPLY));
}

fn b127_the_repliers_copy_is_marked() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    b.listen("$.Fred");
    let id = c.ask("$.Fred");
    let got = a.take();
    eq!((got.id, got.flags), (id, WANT_A_REPLY | WANT_YOU_TO_REPLY));
}

fn b128_a_replier_does_not_hear_announcements() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    b.say("$.Fred");
    a.nothing();
}

fn b129_a_request_without_replier() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred");
    eq!(b.post(&Msg::ask("$.Fred")), Err(EADDRNOTAVAIL));
    a.nothing();
    b.nothing();
}

fn b130_replier_and_listener_hears_once() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred").listen("$.Fred");
    b.say("$.Fred");
    assert!(!a.take().marked());
    a.nothing();
}

fn b132_a_reply_by_hand() {
    let (a, b) = (Ksock::new(), Ksock::new());
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

fn self_answer() -> Ksock {
    let k = Ksock::new();
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

fn b133_answering_oneself() {
    self_answer();
}

fn b135_and_then_nothing_is_left() {
    let k = self_answer();
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

fn b136_a_listener_to_everything_sees_all_unmarked() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
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

fn b137_the_requester_gets_the_reply_unbound() {
    let (a, b) = (Ksock::new(), Ksock::new());
    let (_, request, reply) = exchange(&a, &b);
    let got = b.take();
    eq!((got.id, got.in_reply_to, got.to), (reply, request, b.id()));
    eq!(got.flags, 0);
}

fn b138_the_reply_is_from_the_replier() {
    let (a, b) = (Ksock::new(), Ksock::new());
    exchange(&a, &b);
    eq!(b.take().from, a.id());
}

fn b139_the_replier_does_not_get_its_reply() {
    let (a, b) = (Ksock::new(), Ksock::new());
    exchange(&a, &b);
    a.nothing();
}

fn b140_and_nobody_has_anything_left() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    c.listen("$.*");
    exchange(&a, &b);
    eq!(b.drain().len(), 1);
    eq!(c.drain().len(), 3);
    for k in [a, b, c] {
        k.nothing();
    }
}

/// Two requests on their way and a third being written, `a` answering the
/// first in the middle of it; the second request as `a` got it.
fn interleaved() -> (Ksock, Ksock, Msg) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    let request = |n: u8| Msg::ask("$.Fred").data([n]);
    b.put(&request(1)).unwrap();
    let one = b.send().unwrap();
    let first = a.take();
    eq!(first.id, one);
    b.put(&request(2)).unwrap();
    a.put(&Msg::reply_to(&first)).unwrap();
    let two = b.send().unwrap();
    b.put(&request(3)).unwrap();
    a.send().unwrap();
    let three = b.send().unwrap();
    eq!(b.take().in_reply_to, one);
    let second = a.take();
    eq!((second.id, second.data.clone()), (two, vec![2]));
    let third = a.take();
    eq!((third.id, third.data), (three, vec![3]));
    eq!(a.owed(), 2);
    (a, b, second)
}

fn b142_interleavings_on_two_ksocks() {
    interleaved();
}

fn b143_a_reply_after_the_interleavings() {
    let (a, b, second) = interleaved();
    a.answer(&second);
    eq!(b.take().in_reply_to, second.id);
    eq!(a.owed(), 1);
}

fn b144_an_unsolicited_reply() {
    let (a, b) = (Ksock::new(), Ksock::new());
    let reply = Msg::new("$.Fred").to(b.id()).re(id(0, 27));
    eq!(a.post(&reply), Err(ECONNREFUSED));
    b.nothing();
}

fn b145_a_reply_with_a_shifted_id() {
    let (a, b) = (Ksock::new(), Ksock::new());
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

fn b146_the_same_reply_twice() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    b.ask("$.Fred");
    let reply = Msg::reply_to(&a.take());
    assert!(a.post(&reply).is_ok());
    eq!(a.post(&reply), Err(ECONNREFUSED));
    eq!(b.drain().len(), 1);
}

fn b148_marked_first_then_unmarked() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred").serve("$.Fred");
    let id = b.ask("$.Fred");
    let (first, second) = (a.take(), a.take());
    eq!((first.id, first.marked()), (id, true));
    eq!((second.id, second.marked()), (id, false));
    a.nothing();
}
