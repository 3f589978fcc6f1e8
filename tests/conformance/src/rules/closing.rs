// SPDX-License-Identifier: GPL-2.0-only
//! What a close does, step by step (9.1).

use crate::*;

/// 9.1: GoneAway(5), GoneAway(6), Unbind(newer), Unbind(older), Ignored(4),
/// Ignored(3).
pub(crate) fn closing_order_of_the_example(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Older").serve("$.Newer");
    b.listen(BIND_EVENT);
    let k = bus.ksock();
    k.report(1).unwrap();
    let ids = [
        b.ask("$.Older"),
        b.ask("$.Newer"),
        b.ask("$.Older"),
        b.ask("$.Newer"),
    ];
    a.take();
    a.take();
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), ids[2]);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), ids[3]);
    expect_event(&b.take(), 0, replier, "$.Newer");
    expect_event(&b.take(), 0, replier, "$.Older");
    expect_status(&b.take(), IGNORED, replier, b.id(), ids[1]);
    expect_status(&b.take(), IGNORED, replier, b.id(), ids[0]);
    b.nothing();
}

pub(crate) fn closing_pending_is_dropped_silently(bus: &Bus) {
    let (l, k, r) = (bus.ksock(), bus.ksock(), bus.ksock());
    l.listen("$.A").limit(1);
    r.say("$.A");
    eq!(k.post(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EAGAIN));
    drop(k);
    l.take();
    l.nothing();
    // A pending request: the replier never hears of it.
    let k = bus.ksock();
    r.serve("$.R").limit(1);
    l.ask("$.R");
    eq!(k.post(&Msg::ask("$.R").flags(ALL_OR_WAIT)), Err(EAGAIN));
    drop(k);
    r.take();
    r.nothing();
}

pub(crate) fn closing_requester_leaves_requests_at_the_replier(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let ids = [b.ask("$.A"), b.ask("$.A")];
    let first = a.take();
    let requester = b.id();
    drop(b);
    eq!((a.count(), a.owed()), (1, 1));
    let second = a.take();
    eq!(
        (first.id, second.id, second.from),
        (ids[0], ids[1], requester)
    );
    for request in [first, second] {
        eq!(a.post(&Msg::reply_to(&request)), Err(EADDRNOTAVAIL));
    }
    eq!(a.owed(), 2);
}

pub(crate) fn closing_drops_announcements(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A");
    for _ in 0..10 {
        b.say("$.A");
    }
    drop(a);
    b.nothing();
}

pub(crate) fn closing_queue_order_counts_for_goneaway(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.A").serve("$.B");
    let ids = [b.ask("$.A"), b.ask("$.B"), b.ask("$.A")];
    let other = c.ask("$.A");
    drop(a);
    eq!(
        b.drain().iter().map(|m| m.in_reply_to).collect::<Vec<_>>(),
        ids
    );
    eq!(
        c.drain().iter().map(|m| m.in_reply_to).collect::<Vec<_>>(),
        [other]
    );
}

pub(crate) fn closing_urgent_queue_order(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    let slow = b.ask("$.A");
    let urgent = b.post(&Msg::ask("$.A").flags(URGENT)).unwrap();
    drop(a);
    // "In queue order" (9.1 step 4): the urgent one is in front.
    eq!(
        b.drain().iter().map(|m| m.in_reply_to).collect::<Vec<_>>(),
        [urgent, slow]
    );
}

pub(crate) fn closing_frees_names(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A").serve("$.*");
    drop(a);
    eq!(b.replier("$.A"), Ok(None));
    eq!(b.bind("$.A", REPLIER), Ok(()));
    eq!(b.bind("$.*", REPLIER), Ok(()));
}

pub(crate) fn closing_id_disappears(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    let gone = a.id();
    drop(a);
    eq!(
        b.post(&Msg::new("$.A").to(gone).re(id(0, 1))),
        Err(EADDRNOTAVAIL)
    );
}

pub(crate) fn closing_ends_outstanding_room(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.A");
    b.limit(1);
    for _ in 0..5 {
        let asked = b.ask("$.A");
        eq!(b.post(&Msg::ask("$.A")), Err(ENOLCK));
        a.unbind("$.A", REPLIER).unwrap();
        eq!(b.take().in_reply_to, asked);
        a.serve("$.A");
    }
}

pub(crate) fn closing_settings_stay(bus: &Bus) {
    let k = bus.ksock();
    k.verbose(1).unwrap();
    k.report(1).unwrap();
    k.max_size(4000).unwrap();
    drop(k);
    let k = bus.ksock();
    eq!(
        (k.verbose(ASK), k.report(ASK), k.max_size(0)),
        (Ok(1), Ok(1), Ok(4000))
    );
}

/// `[FIX]` 9.1; defects 5 and 25.
pub(crate) fn closing_own_events_are_not_heard(bus: &Bus) {
    let (a, w) = (bus.ksock(), bus.ksock());
    a.listen(BIND_EVENT).listen("$.*");
    for n in 0..150 {
        a.serve(&format!("$.M.n{n}"));
    }
    w.listen(BIND_EVENT).limit(1000);
    let on = bus.ksock();
    on.limit(1000);
    on.report(1).unwrap();
    drop(on);
    drop(a);
    // Directly, all of them: the closing one's own queue is in nobody's way.
    eq!(w.count(), 150);
    let line = bus.stats_line();
    assert!(line.ends_with("unsent unbindings 0"), "{line}");
}

/// What a requester has asked stays with its repliers; what it was asked itself does not.
pub(crate) fn closing_as_requester_and_replier(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    b.serve("$.A");
    a.ask("$.A");
    a.serve("$.B");
    let asked = c.ask("$.B");
    let closed = a.id();
    drop(a);
    expect_status(&c.take(), GONE_AWAY, closed, c.id(), asked);
    c.nothing();
    let request = b.take();
    eq!(b.post(&Msg::reply_to(&request)), Err(EADDRNOTAVAIL));
    eq!(c.post(&Msg::ask("$.B")), Err(EADDRNOTAVAIL));
}
