// SPDX-License-Identifier: GPL-2.0
//! L. Repliers going away.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b170_gone_away_for_an_unread_request,
    b171_gone_away_is_to_the_requester,
    b173_gone_away_is_in_reply_to_the_request,
    b176_only_one_gone_away_for_replier_and_listener,
    b179_unbound_has_the_same_fields,
    b180_the_former_replier_has_nothing_left,
    b181_the_listener_copy_survives_unbinding,
    b182_two_unbounds_in_order,
    b185_read_and_closed_without_reply,
];

/// What KBUS says itself to the one who asked (6.1, 6.2).
pub fn expect_status(got: &Msg, name: &str, from: u32, to: u32, request: Id) {
    eq!(got.text(), name);
    eq!(got.from, from, "from");
    eq!(got.to, to, "to");
    eq!(got.in_reply_to, request, "in_reply_to");
    eq!(got.flags, SYNTHETIC, "flags");
    eq!(got.data.len(), 0, "data_len");
    eq!(
        (got.orig_from, got.final_to, got.extra),
        ((0, 0), (0, 0), 0)
    );
    eq!(got.id.net, 0, "id");
    assert!(
        got.id.serial > request.serial || request.net != 0,
        "{got:?}"
    );
}

fn gone_away() -> (Msg, u32, u32, Id) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    let replier = a.id();
    drop(a);
    let got = b.take();
    b.nothing();
    (got, replier, b.id(), id)
}

fn b170_gone_away_for_an_unread_request() {
    eq!(gone_away().0.text(), GONE_AWAY);
}

fn b171_gone_away_is_to_the_requester() {
    let (got, _, requester, _) = gone_away();
    eq!(got.to, requester);
}

fn b173_gone_away_is_in_reply_to_the_request() {
    let (got, replier, requester, id) = gone_away();
    eq!(got.in_reply_to, id);
    expect_status(&got, GONE_AWAY, replier, requester, id);
}

fn b176_only_one_gone_away_for_replier_and_listener() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred").listen("$.Fred");
    let id = b.ask("$.Fred");
    eq!(a.count(), 2);
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), GONE_AWAY, replier, b.id(), id);
    b.nothing();
}

fn b179_unbound_has_the_same_fields() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), id);
    b.nothing();
}

fn b180_the_former_replier_has_nothing_left() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    b.ask("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    a.nothing();
    assert!(!a.readable());
}

fn b181_the_listener_copy_survives_unbinding() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred").listen("$.Fred");
    let id = b.ask("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    expect_status(&b.take(), UNBOUND, a.id(), b.id(), id);
    let kept = a.take();
    eq!((kept.id, kept.marked()), (id, false));
    a.nothing();
}

fn b182_two_unbounds_in_order() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    let ids = [b.ask("$.Fred"), b.ask("$.Fred")];
    a.unbind("$.Fred", REPLIER).unwrap();
    for id in ids {
        expect_status(&b.take(), UNBOUND, a.id(), b.id(), id);
    }
    b.nothing();
}

fn b185_read_and_closed_without_reply() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    let id = b.ask("$.Fred");
    a.take();
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), IGNORED, replier, b.id(), id);
    b.nothing();
}
