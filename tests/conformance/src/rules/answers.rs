// SPDX-License-Identifier: GPL-2.0-only
//! Who may answer (5.6), and what the bus says in place of a replier (6.1, 6.2).

use crate::*;

/// Any ksock that knows whom and what is believed (5.6).
pub(crate) fn answer_by_a_third_party(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
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

pub(crate) fn answer_before_the_request_is_popped(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let asked = b.ask("$.A");
    a.post(&Msg::new("$.A").to(b.id()).re(asked)).unwrap();
    eq!(b.take().in_reply_to, asked);
    eq!(a.count(), 1, "the request is still queued");
    a.unbind("$.A", REPLIER).unwrap();
    b.nothing();
}

pub(crate) fn answer_second_is_refused(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
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

pub(crate) fn answer_of_any_name_in_any_order(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn answer_to_a_closed_requester(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.ask("$.A");
    let reply = Msg::reply_to(&a.take());
    drop(b);
    eq!(a.post(&reply), Err(EADDRNOTAVAIL));
    eq!(a.owed(), 1, "5.6: does not go down");
    drop(a);
}

/// The same explicit id sent twice is owed two answers.
pub(crate) fn answer_ids_are_a_multiset(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn answer_owed_is_per_request(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn answer_to_self_after_third_party(bus: &Bus) {
    let (a, c) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let asked = a.ask("$.A");
    let request = a.take();
    c.answer(&request);
    eq!(a.take().in_reply_to, asked);
    eq!(a.post(&Msg::reply_to(&request)), Err(ECONNREFUSED));
}

pub(crate) fn answer_listener_copy_of_ones_own_reply(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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
pub(crate) fn status_goneaway_for_stateful(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.limit(1);
    let asked = b.post(&Msg::ask("$.A").to(a.id())).unwrap();
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), asked);
    b.nothing();
    // Its slot is free again.
    let c = bus.ksock();
    c.serve("$.A");
    assert!(b.post(&Msg::ask("$.A")).is_ok());
}

pub(crate) fn status_unbound_for_stateful(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let asked = b.post(&Msg::ask("$.A").to(a.id())).unwrap();
    a.unbind("$.A", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), asked);
    b.nothing();
}

pub(crate) fn status_unbound_only_for_that_binding(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A").serve("$.B");
    let to_a = b.ask("$.A");
    let to_b = b.ask("$.B");
    a.unbind("$.A", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), to_a);
    b.nothing();
    eq!(a.take().id, to_b);
    a.nothing();
}

pub(crate) fn status_unbound_for_self_request(bus: &Bus) {
    let k = bus.ksock();
    k.serve("$.A");
    let asked = k.ask("$.A");
    k.unbind("$.A", REPLIER).unwrap();
    expect_status(&k.take(), UNBOUND, k.id(), k.id(), asked);
    k.nothing();
}

pub(crate) fn status_self_request_at_close(bus: &Bus) {
    let k = bus.ksock();
    k.serve("$.A").serve("$.B");
    k.ask("$.A");
    k.ask("$.A");
    k.take();
    let last = k.ask("$.B");
    drop(k);
    // The bus goes on as if nothing had been.
    let other = bus.ksock();
    other.listen("$.*");
    eq!(other.post(&Msg::ask("$.A")), Err(EADDRNOTAVAIL));
    assert!(other.say("$.C").serial > last.serial);
    eq!(other.drain().len(), 1);
}

pub(crate) fn status_is_not_heard_by_listeners(bus: &Bus) {
    let (a, b, l) = (bus.ksock(), bus.ksock(), bus.ksock());
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

pub(crate) fn status_ignores_fullness(bus: &Bus) {
    let (a, b, s) = (bus.ksock(), bus.ksock(), bus.ksock());
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

pub(crate) fn status_to_a_closed_requester_is_dropped(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.ask("$.A");
    b.ask("$.A");
    a.take();
    drop(b);
    a.unbind("$.A", REPLIER).unwrap();
    drop(a);
    let k = bus.ksock();
    k.nothing();
}

/// Only while the id is outstanding (`[FIX]` 5.6; defect 21).
pub(crate) fn status_never_after_an_answer(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
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
    let a = bus.ksock();
    a.serve("$.A");
    let third = b.ask("$.A");
    c.post(&Msg::new("$.A").to(b.id()).re(third)).unwrap();
    b.take();
    a.unbind("$.A", REPLIER).unwrap();
    b.nothing();
}

pub(crate) fn status_for_explicit_ids(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn status_wildcard_replier_unbinds(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn answer_field_by_field(bus: &Bus) {
    let (a, b, l) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.A");
    l.listen("$.*");
    let asked = b.post(&Msg::ask("$.A").data(b"ask")).unwrap();
    eq!(a.owed(), 0, "queued, not popped");
    let request = a.take();
    eq!((a.owed(), b.owed()), (1, 0));
    let reply = Msg::reply_to(&request).data(b"answer");
    let answered = a.post(&reply).unwrap();
    eq!(a.owed(), 0);
    let want = Msg {
        id: answered,
        from: a.id(),
        ..reply.clone()
    };
    eq!(b.drain(), vec![want]);
    let heard: Vec<Id> = l.drain().iter().map(|m| m.id).collect();
    eq!(heard, [asked, answered]);
    a.nothing();
    eq!(a.post(&reply), Err(ECONNREFUSED));
}

/// Who has read a request owes an answer, also when another has given one.
pub(crate) fn answer_by_another_leaves_the_debt(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.A");
    // Answered while it is queued.
    let asked = b.ask("$.A");
    c.post(&Msg::new("$.A").to(b.id()).re(asked)).unwrap();
    eq!(b.drain().len(), 1);
    let request = a.take();
    eq!(a.owed(), 1);
    eq!(a.post(&Msg::reply_to(&request)), Err(ECONNREFUSED));
    // Answered while it is owed.
    let asked = b.ask("$.A");
    c.answer(&a.take());
    eq!(a.owed(), 2, "only its own answers count");
    eq!(b.take().in_reply_to, asked);
    // And one that nobody answers: at the close nothing else is due.
    let asked = b.ask("$.A");
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), asked);
    b.nothing();
}

pub(crate) fn answer_ids_of_several_repliers(bus: &Bus) {
    let (a, b, c, k) = (bus.ksock(), bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.serve("$.B");
    for name in ["$.A", "$.B", "$.A"] {
        k.post(&Msg::ask(name).id(8, 8)).unwrap();
    }
    // A stranger answers two; the others are still due.
    let reply = Msg::reply_to(&a.take());
    c.post(&reply).unwrap();
    c.post(&reply).unwrap();
    drop(a);
    drop(b);
    eq!(k.drain().len(), 3);
    eq!(c.post(&reply), Err(ECONNREFUSED));
}

pub(crate) fn answer_is_not_due_to_a_newcomer(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.ask("$.A");
    b.ask("$.A");
    let reply = Msg::reply_to(&a.take());
    drop(b);
    eq!(a.post(&reply), Err(EADDRNOTAVAIL));
    eq!(a.owed(), 1);
    a.take();
    eq!(a.owed(), 2);
    let newcomer = bus.ksock();
    drop(a);
    newcomer.nothing();
}

/// A reply goes to who asked and to listeners, not to who replies to its name.
pub(crate) fn answer_is_no_request(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.serve("$.B");
    c.ask("$.B");
    let mut reply = Msg::reply_to(&b.take());
    reply.name = b"$.A".to_vec();
    b.post(&reply).unwrap();
    a.nothing();
    eq!(c.drain().len(), 1);
}

/// Status messages come in the order of the queue that is emptied: the urgent request first.
pub(crate) fn status_unbound_in_queue_order(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let first = b.ask("$.A");
    let urgent = Msg::ask("$.A").flags(URGENT).to(a.id());
    let urgent = b.post(&urgent).unwrap();
    a.unbind("$.A", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), urgent);
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), first);
    b.nothing();
}
