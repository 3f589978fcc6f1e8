// SPDX-License-Identifier: GPL-2.0-only
//! ALL_OR_WAIT: a message that waits until there is room (7).

use crate::*;

/// A full listener to $.A (limit 1) and what fills it.
fn full(bus: &Bus) -> (Ksock, Id) {
    let l = bus.ksock();
    l.listen("$.A").limit(1);
    let filler = bus.ksock().say("$.A");
    (l, filler)
}

fn pending(bus: &Bus, msg: &Msg) -> (Ksock, Id) {
    let k = bus.ksock();
    let id = k.post_pending(&msg.clone().flags(ALL_OR_WAIT));
    (k, id)
}

pub(crate) fn waiting_entered_for_a_listener(bus: &Bus) {
    let (_l, _) = full(bus);
    pending(bus, &Msg::new("$.A"));
}

pub(crate) fn waiting_entered_for_a_replier(bus: &Bus) {
    let (r, s) = (bus.ksock(), bus.ksock());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let (k, id) = pending(bus, &Msg::ask("$.R"));
    r.take();
    assert!(k.wait_writable().1);
    let got = r.take();
    eq!((got.id, got.marked()), (id, true));
}

pub(crate) fn waiting_entered_for_a_reply(bus: &Bus) {
    let (r, b, l) = (bus.ksock(), bus.ksock(), bus.ksock());
    r.serve("$.R");
    let asked = b.ask("$.R");
    let request = r.take();
    // A listener to the reply's name is full.
    l.listen("$.R").limit(1);
    r.say("$.R");
    let id = r.post_pending(&Msg::reply_to(&request).flags(ALL_OR_WAIT));
    eq!((r.owed(), b.count()), (1, 0));
    l.take();
    assert!(r.wait_writable().1);
    eq!(r.owed(), 0);
    let got = b.take();
    eq!((got.id, got.in_reply_to), (id, asked));
    eq!(l.take().id, id);
}

pub(crate) fn waiting_nobody_has_received_anything(bus: &Bus) {
    let (l, _) = full(bus);
    let roomy = bus.ksock();
    roomy.listen("$.A");
    let r = bus.ksock();
    r.serve("$.A");
    let (k, _) = pending(bus, &Msg::ask("$.A"));
    eq!((l.count(), roomy.count(), r.count()), (1, 0, 0));
    assert!(!k.writable());
    eq!((l.count(), roomy.count(), r.count()), (1, 0, 0));
}

pub(crate) fn waiting_id_is_stored_and_kept(bus: &Bus) {
    let (l, filler) = full(bus);
    let (k, id) = pending(bus, &Msg::new("$.A").data(b"kept"));
    eq!(id.serial, filler.serial + 1);
    eq!(k.last(), id);
    // Others use up serials meanwhile.
    bus.ksock().say("$.B");
    eq!(l.take().id, filler);
    assert!(k.wait_writable().1);
    let got = l.take();
    eq!((got.id, got.from, got.data), (id, k.id(), b"kept".to_vec()));
    eq!(k.last(), id);
    eq!(k.say("$.B").serial, id.serial + 2);
}

pub(crate) fn waiting_send_retries_with_the_same_id(bus: &Bus) {
    let (l, _) = full(bus);
    let (k, id) = pending(bus, &Msg::new("$.A"));
    eq!(k.send_again(), Err(EAGAIN));
    eq!(k.last(), id);
    l.take();
    // Either this SEND delivers it or, where the bus was faster ("progress
    // without polling is permitted"), nothing is left to send.
    match k.send_again() {
        Ok(same) => eq!(same, id),
        r => eq!(r, Err(ENOMSG)),
    }
    eq!(l.take().id, id);
    l.nothing();
    eq!(k.send_again(), Err(ENOMSG));
    assert!(k.writable());
}

pub(crate) fn waiting_discard_ends_it(bus: &Bus) {
    let (l, filler) = full(bus);
    let (k, id) = pending(bus, &Msg::new("$.A"));
    k.discard();
    assert!(k.writable());
    k.nothing_to_send();
    eq!(l.take().id, filler);
    l.nothing();
    eq!(k.last(), id);
    eq!(k.say("$.A").serial, id.serial + 1, "the id stays used");
}

pub(crate) fn waiting_routing_is_fresh_listeners(bus: &Bus) {
    let (l, _) = full(bus);
    let (k, id) = pending(bus, &Msg::new("$.A"));
    // One more listener, and the full one leaves.
    let new = bus.ksock();
    new.listen("$.*");
    l.unbind("$.A", LISTENER).unwrap();
    assert!(k.wait_writable().1);
    eq!(new.take().id, id);
    l.nothing();
}

pub(crate) fn waiting_routing_is_fresh_replier(bus: &Bus) {
    let (r, s) = (bus.ksock(), bus.ksock());
    r.serve("$.R.*").limit(1);
    s.ask("$.R.x");
    let (k, id) = pending(bus, &Msg::ask("$.R.x"));
    let better = bus.ksock();
    better.serve("$.R.x");
    assert!(k.wait_writable().1);
    let got = better.take();
    eq!((got.id, got.marked()), (id, true));
    eq!(r.count(), 1);
    better.answer(&got);
    eq!(k.take().in_reply_to, id);
}

/// A replier that is full, and a request that waits for it.
fn request_pending(bus: &Bus) -> (Ksock, Ksock, Id) {
    let (r, s) = (bus.ksock(), bus.ksock());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let (k, id) = pending(bus, &Msg::ask("$.R"));
    (r, k, id)
}

/// From KBUS itself, about a send that never was (6.2: from 0).
#[track_caller]
fn expect_failed(got: &Msg, name: &str, to: u32, pending: Id) {
    eq!(got.text(), name);
    eq!((got.from, got.to, got.in_reply_to), (0, to, pending));
    eq!((got.flags, got.data.len()), (SYNTHETIC, 0));
    eq!((got.orig_from, got.final_to), ((0, 0), (0, 0)));
    assert!(got.id.net == 0 && got.id.serial > pending.serial);
}

pub(crate) fn waiting_disappeared(bus: &Bus) {
    let (r, k, id) = request_pending(bus);
    drop(r);
    assert!(k.wait_writable().1);
    expect_failed(&k.take(), DISAPPEARED, k.id(), id);
    k.nothing();
    k.nothing_to_send();
    assert!(k.post(&Msg::new("$.A")).is_ok());
}

/// `[FIX]` 3.5: POLLIN is computed after the retry; defect 28.
pub(crate) fn waiting_disappeared_is_readable_at_once(bus: &Bus) {
    let (r, k, id) = request_pending(bus);
    r.unbind("$.R", REPLIER).unwrap();
    eq!(k.poll(), (true, true));
    expect_failed(&k.take(), DISAPPEARED, k.id(), id);
    // And one who asks for POLLIN alone is told too.
    let (r, k, _) = request_pending(bus);
    drop(r);
    assert!(k.wait_readable().0);
}

pub(crate) fn waiting_disappeared_for_a_reply(bus: &Bus) {
    let (r, b, l) = (bus.ksock(), bus.ksock(), bus.ksock());
    r.serve("$.R");
    b.ask("$.R");
    let request = r.take();
    l.listen("$.R").limit(1);
    r.say("$.R");
    let id = r.post_pending(&Msg::reply_to(&request).flags(ALL_OR_WAIT));
    drop(b);
    assert!(r.wait_writable().1);
    expect_failed(&r.take(), DISAPPEARED, r.id(), id);
    r.nothing();
}

/// 6.2: only failures during a poll retry make one.
pub(crate) fn waiting_disappeared_not_for_an_explicit_send(bus: &Bus) {
    let (r, k, _) = request_pending(bus);
    drop(r);
    eq!(k.send_again(), Err(EADDRNOTAVAIL));
    k.nothing();
    eq!(k.send_again(), Err(ENOMSG));
    assert!(k.writable());
}

/// A stateful request that waits, and another one becomes the replier.
fn epipe_pending(bus: &Bus) -> (Ksock, Ksock, Id) {
    let (r, s) = (bus.ksock(), bus.ksock());
    r.serve("$.R.*").limit(1);
    s.ask("$.R.x");
    let (k, id) = pending(bus, &Msg::ask("$.R.x").to(r.id()));
    // A better match: where the bus is faster than SEND it is as if this had been tried at once.
    let other = bus.ksock();
    other.serve("$.R.x");
    (other, k, id)
}

pub(crate) fn waiting_error_sending(bus: &Bus) {
    // The replier is replaced by a better match while the request waits.
    let (r, s, better) = (bus.ksock(), bus.ksock(), bus.ksock());
    r.serve("$.Q.*").limit(1);
    s.ask("$.Q.x");
    let (k, id) = pending(bus, &Msg::ask("$.Q.x").to(r.id()));
    better.serve("$.Q.x");
    eq!(k.poll(), (true, true));
    expect_failed(&k.take(), ERROR_SENDING, k.id(), id);
    k.nothing();
    better.nothing();
    k.nothing_to_send();
}

pub(crate) fn waiting_explicit_send_gives_epipe(bus: &Bus) {
    let (other, k, _) = epipe_pending(bus);
    eq!(k.send_again(), Err(EPIPE));
    k.nothing();
    other.nothing();
    eq!(k.send_again(), Err(ENOMSG));
}

pub(crate) fn waiting_announcement_to_nobody_left_succeeds(bus: &Bus) {
    let (l, _) = full(bus);
    let (k, id) = pending(bus, &Msg::new("$.A"));
    drop(l);
    assert!(k.wait_writable().1);
    k.nothing();
    eq!(k.last(), id);
}

/// A pending reply whose request somebody else answers: ECONNREFUSED, and
/// it vanishes silently (6.2).
pub(crate) fn waiting_reply_that_is_answered_elsewhere_vanishes(bus: &Bus) {
    let (r, b, l) = (bus.ksock(), bus.ksock(), bus.ksock());
    r.serve("$.R");
    b.ask("$.R");
    let request = r.take();
    l.listen("$.R").limit(1);
    r.say("$.R");
    r.post_pending(&Msg::reply_to(&request).flags(ALL_OR_WAIT));
    bus.ksock().answer(&request);
    l.take();
    assert!(r.wait_writable().1);
    r.nothing();
    eq!(b.drain().len(), 1);
    l.nothing();
}

pub(crate) fn waiting_request_is_answered_like_any(bus: &Bus) {
    let (r, k, id) = request_pending(bus);
    let first = r.take();
    assert!(k.wait_writable().1);
    eq!(k.owed(), 0);
    let second = r.take();
    eq!(second.id, id);
    r.answer(&second);
    eq!(k.take().in_reply_to, id);
    // The one who sent the first has closed.
    eq!(r.post(&Msg::reply_to(&first)), Err(EADDRNOTAVAIL));
    drop(r);
    k.nothing();
}

/// A request that waits, by one whose queue is now full itself.
fn enolck_pending(bus: &Bus) -> (Ksock, Ksock, Id) {
    let (r, s, k) = (bus.ksock(), bus.ksock(), bus.ksock());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    k.listen("$.N").limit(2);
    s.say("$.N");
    let id = k.post_pending(&Msg::ask("$.R").flags(ALL_OR_WAIT));
    k.limit(1);
    (r, k, id)
}

pub(crate) fn waiting_enolck_on_explicit_send_abandons(bus: &Bus) {
    let (r, k, _) = enolck_pending(bus);
    eq!(k.send_again(), Err(ENOLCK));
    eq!(k.send_again(), Err(ENOMSG));
    assert!(k.writable());
    r.take();
    r.nothing();
}

pub(crate) fn waiting_enolck_is_not_tested_by_poll(bus: &Bus) {
    let (r, k, id) = enolck_pending(bus);
    r.take();
    assert!(k.writable());
    let request = r.take();
    eq!(request.id, id);
    k.take();
    r.answer(&request);
    eq!(k.take().in_reply_to, id);
}

pub(crate) fn waiting_several_senders_one_slot(bus: &Bus) {
    let (l, _) = full(bus);
    let all: Vec<(Ksock, Id)> = (0..5).map(|_| pending(bus, &Msg::new("$.A"))).collect();
    let mut ids: Vec<Id> = all.iter().map(|(_, id)| *id).collect();
    l.take();
    let mut got = Vec::new();
    for _ in 0..5 {
        // However they are woken, only one fits at a time.
        for (k, _) in &all {
            k.poll();
        }
        eq!(l.count(), 1);
        got.push(l.take().id);
    }
    got.sort();
    ids.sort();
    eq!(got, ids);
    for (k, _) in &all {
        assert!(k.writable());
    }
    l.nothing();
}

/// `[FIX]` 3.5: the retry puts a message into the queue of the one that polls.
pub(crate) fn waiting_retry_is_heard_by_its_own_ksock(bus: &Bus) {
    let (l, _) = full(bus);
    let (k, _) = pending(bus, &Msg::new("$.A"));
    k.listen("$.A");
    l.take();
    eq!(k.poll(), (true, true));
}
