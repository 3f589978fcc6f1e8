// SPDX-License-Identifier: GPL-2.0
//! N. Queue limits and failing sends.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b193_asking_for_the_limit,
    b194_raising_the_limit,
    b197_asking_changes_nothing,
    b198_a_full_listener_is_skipped,
    b199_a_full_replier_refuses,
    b200_and_keeps_the_first_request,
    b201_a_refused_request_has_an_id,
    b204_all_or_wait_with_room,
    b205_all_or_fail_with_room,
    b206_both_flags,
    b208_all_or_fail_delivers_to_nobody,
    b210_all_or_wait_gives_eagain,
    b211_then_write_gives_ealready,
    b212_no_room_for_the_answer,
    b213_announcements_can_still_be_sent,
    b215_after_the_reply_is_read_requests_go_again,
    b216_all_or_wait_to_an_emptied_and_a_full_queue,
    b218_a_thousand_requests,
];

fn b193_asking_for_the_limit() {
    let k = Ksock::read_only();
    eq!(k.max(0), Ok(100));
    eq!(k.max(0), Ok(100));
}

fn b194_raising_the_limit() {
    let k = Ksock::read_only();
    let now = k.max(0).unwrap();
    eq!(k.max(now + 100), Ok(now + 100));
    eq!(k.max(0), Ok(now + 100));
}

fn b197_asking_changes_nothing() {
    let k = Ksock::new();
    eq!(k.max(7), Ok(7));
    for _ in 0..3 {
        eq!(k.max(0), Ok(7));
    }
    // Any limit from 1 up (3.7).
    eq!(k.max(1), Ok(1));
    eq!(k.max(u32::MAX), Ok(u32::MAX));
}

fn b198_a_full_listener_is_skipped() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").limit(1);
    let first = b.say("$.A");
    b.say("$.A");
    eq!(a.take().id, first);
    a.nothing();
}

/// A replier with limit 1, one request queued and one refused.
fn refused() -> (Ksock, Ksock, Id) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").limit(1);
    let first = b.ask("$.A");
    eq!(b.post(&Msg::ask("$.A")), Err(EBUSY));
    (a, b, first)
}

fn b199_a_full_replier_refuses() {
    refused();
}

fn b200_and_keeps_the_first_request() {
    let (a, _b, first) = refused();
    eq!(a.count(), 1);
    eq!(a.take().id, first);
    a.nothing();
}

fn b201_a_refused_request_has_an_id() {
    let (_a, b, first) = refused();
    eq!(b.last(), id(0, first.serial + 1));
}

fn b204_all_or_wait_with_room() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").limit(1);
    b.post(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
    eq!(a.take().flags, ALL_OR_WAIT);
}

fn b205_all_or_fail_with_room() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").limit(1);
    b.post(&Msg::new("$.A").flags(ALL_OR_FAIL)).unwrap();
    eq!(a.take().flags, ALL_OR_FAIL);
}

fn b206_both_flags() {
    let k = Ksock::new();
    let msg = Msg::new("$.A").flags(ALL_OR_WAIT | ALL_OR_FAIL);
    eq!(k.put(&msg), Err(EINVAL));
    eq!(k.put_pointy(&msg.pointy()), Err(EINVAL));
    eq!(k.put(&msg.flags(WANT_A_REPLY)), Err(EINVAL));
}

/// Two listeners, one with room for another message and one without.
fn one_full() -> (Ksock, Ksock, Ksock, Id) {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.listen("$.A").limit(1);
    b.listen("$.A").limit(2);
    let id = c.say("$.A");
    (a, b, c, id)
}

fn b208_all_or_fail_delivers_to_nobody() {
    let (a, b, c, id) = one_full();
    eq!(c.post(&Msg::new("$.A").flags(ALL_OR_FAIL)), Err(EBUSY));
    for k in [a, b] {
        eq!(k.take().id, id);
        k.nothing();
    }
}

fn b210_all_or_wait_gives_eagain() {
    let (a, b, c, id) = one_full();
    eq!(c.post(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!((a.count(), b.count()), (1, 1));
    eq!(b.take().id, id);
    b.nothing();
}

fn b211_then_write_gives_ealready() {
    let (_a, _b, c, _) = one_full();
    eq!(c.post(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!(c.put(&Msg::new("$.A")), Err(EALREADY));
    eq!(c.put_pointy(&Msg::new("$.A").pointy()), Err(EALREADY));
}

/// A requester with limit 1 and a request outstanding.
fn waiting() -> (Ksock, Ksock, Id) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.limit(1);
    let id = b.ask("$.A");
    (a, b, id)
}

fn b212_no_room_for_the_answer() {
    let (a, b, id) = waiting();
    eq!(b.post(&Msg::ask("$.A")), Err(ENOLCK));
    eq!(b.last(), id, "3.8 step 7: no id was assigned");
    eq!(a.count(), 1);
}

fn b213_announcements_can_still_be_sent() {
    let (a, b, _) = waiting();
    a.listen("$.News");
    assert!(b.post(&Msg::new("$.News")).is_ok());
    eq!(a.count(), 2);
}

fn b215_after_the_reply_is_read_requests_go_again() {
    let (a, b, id) = waiting();
    a.answer(&a.take());
    // Now the queue is full instead.
    eq!(b.post(&Msg::ask("$.A")), Err(ENOLCK));
    eq!(b.take().in_reply_to, id);
    assert!(b.post(&Msg::ask("$.A")).is_ok());
}

fn b216_all_or_wait_to_an_emptied_and_a_full_queue() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.listen("$.A").limit(1);
    b.listen("$.B").limit(1);
    c.say("$.A");
    c.say("$.B");
    a.take();
    assert!(c.post(&Msg::new("$.A").flags(ALL_OR_WAIT)).is_ok());
    eq!(c.post(&Msg::new("$.B").flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!((a.count(), b.count()), (1, 1));
}

fn b218_a_thousand_requests() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").limit(1050);
    b.limit(1050);
    let ids: Vec<Id> = (0..1000).map(|_| b.ask("$.A")).collect();
    eq!(a.count(), 1000);
    let mut answered = 0;
    while let Some(request) = a.get() {
        a.answer(&request);
        answered += 1;
    }
    eq!(answered, 1000);
    let replies: Vec<Id> = b.drain().iter().map(|m| m.in_reply_to).collect();
    eq!(replies, ids);
}
