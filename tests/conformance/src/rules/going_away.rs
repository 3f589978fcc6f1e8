// SPDX-License-Identifier: GPL-2.0-only
//! Repliers going away (6.2).

use crate::*;

fn gone_away(bus: &Bus) -> (Msg, u32, u32, Id) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    let replier = a.id();
    drop(a);
    let got = b.take();
    b.nothing();
    (got, replier, b.id(), id)
}

pub(crate) fn b170_gone_away_for_an_unread_request(bus: &Bus) {
    eq!(gone_away(bus).0.text(), GONE_AWAY);
}

pub(crate) fn b171_gone_away_is_to_the_requester(bus: &Bus) {
    let (got, _, requester, _) = gone_away(bus);
    eq!(got.to, requester);
}

pub(crate) fn b173_gone_away_is_in_reply_to_the_request(bus: &Bus) {
    let (got, replier, requester, id) = gone_away(bus);
    eq!(got.in_reply_to, id);
    expect_status(&got, GONE_AWAY, replier, requester, id);
}

pub(crate) fn b176_only_one_gone_away_for_replier_and_listener(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred").listen("$.Fred");
    let id = b.ask("$.Fred");
    eq!(a.count(), 2);
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), id);
    b.nothing();
}

pub(crate) fn b179_unbound_has_the_same_fields(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), id);
    b.nothing();
}

pub(crate) fn b180_the_former_replier_has_nothing_left(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    b.ask("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    a.nothing();
    assert!(!a.readable());
}

pub(crate) fn b181_the_listener_copy_survives_unbinding(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred").listen("$.Fred");
    let id = b.ask("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), id);
    let kept = a.take();
    eq!((kept.id, kept.marked()), (id, false));
    a.nothing();
}

pub(crate) fn b182_two_unbounds_in_order(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    let ids = [b.ask("$.Fred"), b.ask("$.Fred")];
    a.unbind("$.Fred", REPLIER).unwrap();
    for id in ids {
        expect_status(&b.take(), UNBOUND, a.id(), b.id(), id);
    }
    b.nothing();
}

pub(crate) fn b185_read_and_closed_without_reply(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    a.take();
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), IGNORED, replier, b.id(), id);
    b.nothing();
}
