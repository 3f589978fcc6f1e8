// SPDX-License-Identifier: GPL-2.0-only
//! Queue limits and failing sends (5.3, 5.4).

use crate::*;

pub(crate) fn b197_asking_changes_nothing(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.max(7), Ok(7));
    for _ in 0..3 {
        eq!(k.max(0), Ok(7));
    }
    // Any limit from 1 up (3.7).
    eq!(k.max(1), Ok(1));
    eq!(k.max(u32::MAX), Ok(u32::MAX));
}

pub(crate) fn b198_a_full_listener_is_skipped(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A").limit(1);
    let first = b.say("$.A");
    b.say("$.A");
    eq!(a.take().id, first);
    a.nothing();
}

/// A replier with limit 1, one request queued and one refused.
fn refused(bus: &Bus) -> (Ksock, Ksock, Id) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A").limit(1);
    let first = b.ask("$.A");
    eq!(b.post(&Msg::ask("$.A")), Err(EBUSY));
    (a, b, first)
}

pub(crate) fn b199_a_full_replier_refuses(bus: &Bus) {
    refused(bus);
}

pub(crate) fn b200_and_keeps_the_first_request(bus: &Bus) {
    let (a, _b, first) = refused(bus);
    eq!(a.count(), 1);
    eq!(a.take().id, first);
    a.nothing();
}

pub(crate) fn b201_a_refused_request_has_an_id(bus: &Bus) {
    let (_a, b, first) = refused(bus);
    eq!(b.last(), id(0, first.serial + 1));
}

pub(crate) fn b204_all_or_wait_with_room(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A").limit(1);
    b.post(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
    eq!(a.take().flags, ALL_OR_WAIT);
}

pub(crate) fn b205_all_or_fail_with_room(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A").limit(1);
    b.post(&Msg::new("$.A").flags(ALL_OR_FAIL)).unwrap();
    eq!(a.take().flags, ALL_OR_FAIL);
}

/// Two listeners, one with room for another message and one without.
fn one_full(bus: &Bus) -> (Ksock, Ksock, Ksock, Id) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.listen("$.A").limit(1);
    b.listen("$.A").limit(2);
    let id = c.say("$.A");
    (a, b, c, id)
}

pub(crate) fn b208_all_or_fail_delivers_to_nobody(bus: &Bus) {
    let (a, b, c, id) = one_full(bus);
    eq!(c.post(&Msg::new("$.A").flags(ALL_OR_FAIL)), Err(EBUSY));
    for k in [a, b] {
        eq!(k.take().id, id);
        k.nothing();
    }
}

pub(crate) fn b210_all_or_wait_gives_eagain(bus: &Bus) {
    let (a, b, c, id) = one_full(bus);
    eq!(c.post(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!((a.count(), b.count()), (1, 1));
    eq!(b.take().id, id);
    b.nothing();
}

/// A requester with limit 1 and a request outstanding.
fn waiting(bus: &Bus) -> (Ksock, Ksock, Id) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.limit(1);
    let id = b.ask("$.A");
    (a, b, id)
}

pub(crate) fn b212_no_room_for_the_answer(bus: &Bus) {
    let (a, b, id) = waiting(bus);
    eq!(b.post(&Msg::ask("$.A")), Err(ENOLCK));
    eq!(b.last(), id, "3.8 step 7: no id was assigned");
    eq!(a.count(), 1);
}

pub(crate) fn b213_announcements_can_still_be_sent(bus: &Bus) {
    let (a, b, _) = waiting(bus);
    a.listen("$.News");
    assert!(b.post(&Msg::new("$.News")).is_ok());
    eq!(a.count(), 2);
}

pub(crate) fn b215_after_the_reply_is_read_requests_go_again(bus: &Bus) {
    let (a, b, id) = waiting(bus);
    a.answer(&a.take());
    // Now the queue is full instead.
    eq!(b.post(&Msg::ask("$.A")), Err(ENOLCK));
    eq!(b.take().in_reply_to, id);
    assert!(b.post(&Msg::ask("$.A")).is_ok());
}

pub(crate) fn b216_all_or_wait_to_an_emptied_and_a_full_queue(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.listen("$.A").limit(1);
    b.listen("$.B").limit(1);
    c.say("$.A");
    c.say("$.B");
    a.take();
    assert!(c.post(&Msg::new("$.A").flags(ALL_OR_WAIT)).is_ok());
    eq!(c.post(&Msg::new("$.B").flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!((a.count(), b.count()), (1, 1));
}

pub(crate) fn b218_a_thousand_requests(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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
