// SPDX-License-Identifier: GPL-2.0-only
//! Bind events and the set-aside list (6.3 to 6.5), where section 11 does not reach.

use crate::*;

/// Reporting on, without a replay for anybody.
fn report_on(bus: &Bus) {
    let k = bus.ksock();
    k.limit(5000);
    k.report(1).unwrap();
}

pub(crate) fn events_reach_every_matching_listener(bus: &Bus) {
    let names = [BIND_EVENT, "$.KBUS.*", "$.KBUS.%", "$.*"];
    let all: Vec<Ksock> = names
        .iter()
        .map(|n| {
            let k = bus.ksock();
            k.listen(n);
            k
        })
        .collect();
    let deaf = bus.ksock();
    deaf.listen("$.%")
        .listen("$.KBUS.ReplierBindEvent.*")
        .listen("$.KBUS");
    report_on(bus);
    let k = bus.ksock();
    k.serve("$.A");
    let first = all[0].take();
    expect_event(&first, 1, k.id(), "$.A");
    for w in &all[1..] {
        eq!(w.take(), first);
        w.nothing();
    }
    deaf.nothing();
}

pub(crate) fn events_reach_each_binding(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT).listen(BIND_EVENT).listen("$.*");
    report_on(bus);
    let k = bus.ksock();
    k.serve("$.A");
    let got = w.drain();
    eq!(got.len(), 3);
    assert!(got.iter().all(|m| *m == got[0]));
}

/// The binder, bound to `$.*` as replier by this very call, is no listener.
pub(crate) fn events_are_announced_before_the_binding(bus: &Bus) {
    report_on(bus);
    let k = bus.ksock();
    k.serve("$.*");
    k.nothing();
    // An event asks nobody, so a wildcard replier gets none either.
    bus.ksock().serve("$.A");
    k.nothing();
}

pub(crate) fn events_unbind_comes_before_unbound(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    b.listen(BIND_EVENT);
    a.serve("$.A");
    report_on(bus);
    let asked = b.ask("$.A");
    a.unbind("$.A", REPLIER).unwrap();
    expect_event(&b.take(), 0, a.id(), "$.A");
    let status = b.take();
    eq!(
        (status.text(), status.in_reply_to),
        (UNBOUND.to_string(), asked)
    );
    b.nothing();
}

pub(crate) fn events_failed_binds_make_none(bus: &Bus) {
    let (w, k, other) = (bus.ksock(), bus.ksock(), bus.ksock());
    w.listen(BIND_EVENT);
    k.serve("$.A");
    report_on(bus);
    eq!(other.bind("$.A", REPLIER), Err(EADDRINUSE));
    eq!(other.bind("$.#", REPLIER), Err(EBADMSG));
    eq!(other.bind(BIND_EVENT, REPLIER), Err(EBADMSG));
    eq!(other.unbind("$.A", REPLIER), Err(EINVAL));
    eq!(k.unbind("$.A", 2), Err(EINVAL));
    w.nothing();
}

pub(crate) fn events_close_newest_first(bus: &Bus) {
    let (w, k) = (bus.ksock(), bus.ksock());
    k.serve("$.One")
        .listen("$.Ears")
        .serve("$.Two")
        .serve("$.Three");
    w.listen(BIND_EVENT);
    report_on(bus);
    let binder = k.id();
    drop(k);
    for name in ["$.Three", "$.Two", "$.One"] {
        expect_event(&w.take(), 0, binder, name);
    }
    w.nothing();
}

pub(crate) fn events_replay_belongs_to_no_binding(bus: &Bus) {
    let (w, k) = (bus.ksock(), bus.ksock());
    k.serve("$.One");
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    eq!(w.count(), 1);
    w.unbind(BIND_EVENT, LISTENER).unwrap();
    expect_event(&w.take(), 1, k.id(), "$.One");
    // And one who is not bound to the event name gets it as well.
    let unbound = bus.ksock();
    unbound.report(1).unwrap();
    expect_event(&unbound.take(), 1, k.id(), "$.One");
    unbound.nothing();
    w.nothing();
}

pub(crate) fn events_replay_that_does_not_fit(bus: &Bus) {
    let (w, k) = (bus.ksock(), bus.ksock());
    for n in 0..5 {
        k.serve(&format!("$.n{n}"));
    }
    w.limit(3);
    eq!(w.report(1), Err(EBUSY));
    eq!(w.report(ASK), Ok(1), "the flag stays on");
    // Events queued so far stay; or none is ([FIX] defect 34: all or nothing
    // is allowed too).
    let got = w.drain();
    if !got.is_empty() {
        eq!(got.len(), 3);
        for (n, msg) in got.iter().enumerate() {
            expect_event(msg, 1, k.id(), &format!("$.n{}", 4 - n));
        }
    }
    w.limit(5);
    eq!(w.report(1), Ok(1));
    eq!(w.drain().len(), 5);
}

pub(crate) fn events_name_length_and_padding(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT);
    report_on(bus);
    let k = bus.ksock();
    for n in [3, 4, 5, 6, 7, 8, 999, 1000] {
        let name = format!("$.{}", "n".repeat(n - 2));
        k.serve(&name);
        let event = w.take();
        expect_event(&event, 1, k.id(), &name);
        eq!(event.data.len(), 12 + padded_name(n));
    }
}

pub(crate) fn events_obey_only_once(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT).listen("$.*").only_once(1).unwrap();
    report_on(bus);
    let k = bus.ksock();
    k.serve("$.A");
    eq!(w.count(), 1);
    w.take();
    drop(k);
    expect_event(&w.take(), 0, w.id() + 2, "$.A");
    w.nothing();
}

/// 6.1: each one built consumes a serial, also if it cannot be delivered.
pub(crate) fn events_undeliverable_use_up_a_serial(bus: &Bus) {
    let (w, k) = (bus.ksock(), bus.ksock());
    w.listen(BIND_EVENT).limit(1);
    report_on(bus);
    let before = k.say("$.N").serial;
    k.serve("$.A");
    eq!(w.count(), 1);
    eq!(k.bind("$.B", REPLIER), Err(EAGAIN));
    eq!(
        k.say("$.N").serial,
        before + 3,
        "one delivered, one not, and this one"
    );
}

/// One watcher with limit 1 holding a bind event, one with room; and a ksock
/// with these replier names that closes.
fn closing(bus: &Bus, names: &[&str]) -> (Ksock, Ksock, u32) {
    let (full, roomy) = (bus.ksock(), bus.ksock());
    let k = bus.ksock();
    for n in names {
        k.serve(n);
    }
    full.listen(BIND_EVENT).limit(1);
    roomy.listen(BIND_EVENT);
    report_on(bus);
    let first = bus.ksock();
    first.serve("$.First");
    full.report(0).unwrap();
    drop(first);
    full.report(ASK).unwrap();
    report_on(bus);
    eq!((full.count(), roomy.count()), (1, 1));
    let binder = k.id();
    drop(k);
    (full, roomy, binder)
}

pub(crate) fn set_aside_all_when_one_is_full(bus: &Bus) {
    let (full, roomy, binder) = closing(bus, &["$.One", "$.Two"]);
    // For the roomy one too: all-or-nothing, so both have theirs set aside.
    eq!((full.count(), roomy.count()), (3, 3));
    for w in [&full, &roomy] {
        w.take();
        expect_event(&w.take(), 0, binder, "$.Two");
        expect_event(&w.take(), 0, binder, "$.One");
        w.nothing();
    }
}

pub(crate) fn set_aside_one_moves_per_nextmsg(bus: &Bus) {
    let (full, _roomy, _) = closing(bus, &["$.One", "$.Two", "$.Three"]);
    for left in [4, 3, 2, 1] {
        eq!(full.count(), left);
        assert!(full.readable());
        full.take();
    }
    full.nothing();
    assert!(!full.readable());
}

/// `[FIX]` 3.5, 6.5; defect 23: the roomy one reads its queue empty first.
pub(crate) fn set_aside_is_readable_with_an_empty_queue(bus: &Bus) {
    let full = bus.ksock();
    let roomy = bus.ksock();
    let k = bus.ksock();
    k.serve("$.One");
    full.listen(BIND_EVENT).listen("$.N").limit(1);
    roomy.listen(BIND_EVENT);
    full.say("$.N");
    report_on(bus);
    let binder = k.id();
    drop(k);
    // The roomy one's queue is empty, its event set aside.
    eq!(roomy.count(), 1);
    assert!(roomy.readable(), "NUMMSGS says 1, poll says nothing");
    expect_event(&roomy.take(), 0, binder, "$.One");
    roomy.nothing();
    assert!(!roomy.readable());
}

pub(crate) fn set_aside_moves_on_unbind(bus: &Bus) {
    let full = bus.ksock();
    let k = bus.ksock();
    k.serve("$.One");
    full.listen(BIND_EVENT).listen("$.N").limit(1);
    full.say("$.N");
    report_on(bus);
    let binder = k.id();
    drop(k);
    eq!(full.count(), 2);
    full.unbind("$.N", LISTENER).unwrap();
    eq!(full.count(), 1);
    assert!(full.readable());
    expect_event(&full.take(), 0, binder, "$.One");
}

pub(crate) fn set_aside_dropped_by_unbinding_the_event_name(bus: &Bus) {
    let (full, roomy, _) = closing(bus, &["$.One", "$.Two"]);
    full.unbind(BIND_EVENT, LISTENER).unwrap();
    full.nothing();
    eq!(roomy.count(), 3, "the other's stay");
}

/// `[FIX]` 6.5 ("preferable and accepted"); defect 33: literally, UNBIND of the
/// event name drops all of the caller's entries even when it fails. Either
/// way nobody else is touched, and counts stay true.
pub(crate) fn set_aside_failed_unbind_harms_nothing_else(bus: &Bus) {
    let (full, roomy, binder) = closing(bus, &["$.One"]);
    full.unbind(BIND_EVENT, 5).unwrap_err();
    let left = full.count();
    assert!(left == 1 || left == 2, "expected 1 or 2 left, got {left}");
    eq!(full.drain().len() as u32, left);
    roomy.take();
    expect_event(&roomy.take(), 0, binder, "$.One");
}

/// `[FIX]` 6.5; defect 6.
pub(crate) fn set_aside_of_a_wildcard_binding_does_not_dangle(bus: &Bus) {
    let w = bus.ksock();
    w.listen("$.KBUS.*").listen("$.*").listen("$.N").limit(1);
    let k = bus.ksock();
    k.serve("$.One").serve("$.Two");
    w.say("$.N");
    report_on(bus);
    drop(k);
    let before = w.count();
    assert!(before > 2, "expected set-aside events, NUMMSGS is {before}");
    w.unbind("$.KBUS.*", LISTENER).unwrap();
    w.unbind("$.*", LISTENER).unwrap();
    // New bindings may be given the same memory.
    for n in 0..50 {
        w.listen(&format!("$.M.n{n}"));
    }
    for n in 0..50 {
        w.unbind(format!("$.M.n{n}"), LISTENER).unwrap();
    }
    let left = w.count();
    eq!(w.drain().len() as u32, left, "NUMMSGS was true");
    w.nothing();
}

pub(crate) fn set_aside_shares_one_id(bus: &Bus) {
    let (full, roomy, _) = closing(bus, &["$.a", "$.b", "$.c"]);
    let (x, y) = (full.drain(), roomy.drain());
    assert!(x == y, "the two differ: {x:?} {y:?}");
}

fn many_close(bus: &Bus, n: u32) -> u32 {
    let k = bus.ksock();
    k.report(0).unwrap();
    for i in 0..n {
        k.serve(&format!("$.M.n{i}"));
    }
    report_on(bus);
    let binder = k.id();
    drop(k);
    binder
}

pub(crate) fn set_aside_lost_reaches_wildcard_listeners(bus: &Bus) {
    let w = bus.ksock();
    w.listen("$.KBUS.%").limit(1);
    many_close(bus, 1010);
    let all = w.drain();
    eq!(all.len(), 1002);
    expect_lost(&all[1001]);
}

pub(crate) fn set_aside_does_not_count_as_full(bus: &Bus) {
    let (full, roomy, _) = closing(bus, &["$.a", "$.b"]);
    // Q is 1 of 100 in spite of two set aside: an announcement fits (5.3).
    roomy.listen("$.N").limit(2);
    roomy.say("$.N");
    eq!(roomy.count(), 4);
    full.listen("$.N");
    full.say("$.N");
    eq!(full.count(), 3, "its queue is full");
}

pub(crate) fn events_off_while_set_aside(bus: &Bus) {
    let (full, _roomy, binder) = closing(bus, &["$.a"]);
    full.report(0).unwrap();
    eq!(full.count(), 2);
    full.take();
    expect_event(&full.take(), 0, binder, "$.a");
    bus.ksock().serve("$.x");
    full.nothing();
}

pub(crate) fn events_replay_again_when_on_already(bus: &Bus) {
    let (w, k) = (bus.ksock(), bus.ksock());
    k.serve("$.One");
    eq!(w.report(1), Ok(0));
    eq!(w.report(1), Ok(1));
    eq!(w.drain().len(), 2);
    eq!(w.report(ASK), Ok(1));
    w.nothing();
}

pub(crate) fn set_aside_dropped_at_close(bus: &Bus) {
    let (full, roomy, _) = closing(bus, &["$.One", "$.Two"]);
    drop(full);
    eq!(roomy.count(), 3);
    drop(roomy);
    let stats = bus.stats();
    assert!(stats.contains("unsent unbindings 0"), "{stats}");
}

pub(crate) fn set_aside_counts_and_poll_agree(bus: &Bus) {
    let (full, roomy, _) = closing(bus, &["$.a", "$.b", "$.c", "$.d"]);
    for w in [&full, &roomy] {
        let mut left = 5;
        while left > 0 {
            eq!(w.count(), left);
            assert!(w.readable(), "{left} left and not readable");
            w.take();
            left -= 1;
        }
        assert!(!w.readable());
        eq!(w.get(), None);
    }
}

/// 6.5 step 4; /proc shows it (8.2).
pub(crate) fn set_aside_tragic_ends_when_empty(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT).limit(1);
    many_close(bus, 1100);
    eq!(w.count(), 1002);
    assert!(
        bus.stats_line()
            .ends_with("unsent unbindings 1001(gone tragic)"),
        "{}",
        bus.stats_line()
    );
    // Still tragic while anything is left: what does not fit is lost, and
    // there is one "lost" at the end already.
    for _ in 0..500 {
        w.take();
    }
    many_close(bus, 3);
    eq!(w.count(), 502);
    let rest = w.drain();
    eq!(rest.len(), 502);
    expect_lost(&rest[501]);
    assert!(
        bus.stats_line().ends_with("unsent unbindings 0"),
        "{}",
        bus.stats_line()
    );
    // Over: events are kept again.
    let binder = many_close(bus, 3);
    eq!(w.count(), 3);
    for n in [2, 1, 0] {
        expect_event(&w.take(), 0, binder, &format!("$.M.n{n}"));
    }
    w.nothing();
}

/// No room at one of two watchers, whose only place is kept for an answer; both queues are empty
/// (`[FIX]` 3.5 and 6.5).
pub(crate) fn set_aside_behind_a_reserved_place(bus: &Bus) {
    let (k, v, w) = (bus.ksock(), bus.ksock(), bus.ksock());
    k.serve("$.One").serve("$.Mine");
    v.listen(BIND_EVENT).limit(1);
    w.listen(BIND_EVENT);
    report_on(bus);
    v.ask("$.Mine");
    k.take();
    drop(k);
    assert!(v.readable() && w.readable());
    eq!(
        (v.drain().len(), w.drain().len()),
        (3, 2),
        "two events, and Ignored"
    );
}

/// Events that find room are delivered in the middle of a loss; its end comes when all is read.
pub(crate) fn set_aside_loss_ends_with_room_for_new_events(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT).limit(1);
    many_close(bus, 1500);
    let line = bus.stats_line();
    assert!(
        line.ends_with("unsent unbindings 1001(gone tragic)"),
        "{line}"
    );
    for _ in 0..1000 {
        w.take();
    }
    let line = bus.stats_line();
    assert!(line.ends_with("unsent unbindings 1(gone tragic)"), "{line}");
    w.limit(10);
    bus.ksock().serve("$.A");
    w.take();
    let line = bus.stats_line();
    assert!(line.ends_with("unsent unbindings 0"), "{line}");
    let lost = |m: &Msg| m.text() == UNBIND_EVENTS_LOST;
    eq!(w.drain().iter().filter(|m| lost(m)).count(), 1);
}

/// A loss goes on while another has not read: who has is told again, each time.
pub(crate) fn set_aside_loss_is_told_again_to_who_has_read_of_it(bus: &Bus) {
    let (v, w) = (bus.ksock(), bus.ksock());
    for k in [&v, &w] {
        k.listen(BIND_EVENT).limit(1);
    }
    many_close(bus, 1200);
    expect_lost(w.drain().last().unwrap());
    for _ in 0..2 {
        many_close(bus, 1);
        expect_lost(&w.take());
        w.nothing();
    }
}

/// The news of the loss goes with the newest binding; what the other has attracted stays.
pub(crate) fn set_aside_loss_is_told_again_to_who_unbound_it(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT).listen("$.KBUS.*").limit(1);
    many_close(bus, 600);
    let line = bus.stats_line();
    assert!(line.ends_with("(gone tragic)"), "{line}");
    w.unbind("$.KBUS.*", LISTENER).unwrap();
    many_close(bus, 1);
    let all = w.drain();
    let lost = |m: &&Msg| m.text() == UNBIND_EVENTS_LOST;
    eq!(all.iter().filter(lost).count(), 1);
    expect_lost(all.last().unwrap());
}

pub(crate) fn set_aside_dropped_by_unbinding_one_of_two_bindings(bus: &Bus) {
    let (v, w) = (bus.ksock(), bus.ksock());
    for k in [&v, &w] {
        k.listen(BIND_EVENT).limit(1);
    }
    v.listen("$.*");
    many_close(bus, 5);
    let all = v.count();
    v.unbind("$.*", LISTENER).unwrap();
    assert!(v.count() < all);
    v.unbind(BIND_EVENT, LISTENER).unwrap();
    eq!(v.count(), 0);
    eq!(w.drain().len(), 5);
    let line = bus.stats_line();
    assert!(line.ends_with("unsent unbindings 0"), "{line}");
}

/// Unbinding counts what was set aside and has moved in since.
pub(crate) fn set_aside_moved_in_and_then_unbound(bus: &Bus) {
    let w = bus.ksock();
    w.listen(BIND_EVENT).listen("$.KBUS.*").limit(2);
    // Two copies of the first event in the queue, and two each of seven others set aside.
    many_close(bus, 8);
    let expect = |count: u32, aside: u32| {
        eq!(w.count(), count);
        let line = bus.stats_line();
        let end = format!("unsent unbindings {aside}");
        assert!(line.ends_with(&end), "{line}, not {aside}");
    };
    expect(16, 14);
    for _ in 0..3 {
        w.take();
    }
    expect(13, 11);
    w.unbind("$.KBUS.*", LISTENER).unwrap();
    // Of the two that had moved in one is gone, and one more moves in.
    expect(7, 5);
}
