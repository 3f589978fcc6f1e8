// SPDX-License-Identifier: GPL-2.0-only
//! What the messages that the bus makes itself must look like.

use crate::{Id, Msg, ALL_OR_FAIL, NO_ID, SYNTHETIC, UNBIND_EVENTS_LOST};

/// What KBUS says itself to the one who asked (6.1, 6.2).
#[track_caller]
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

/// All there is of an event message (6.4).
#[track_caller]
pub fn expect_event(got: &Msg, is_bind: u32, binder: u32, name: &str) {
    let want = (is_bind, binder, name.to_string());
    eq!(got.event(), Ok(want));
    eq!(got.flags, SYNTHETIC | ALL_OR_FAIL);
    eq!((got.from, got.to, got.in_reply_to), (0, 0, NO_ID));
    eq!(
        (got.orig_from, got.final_to, got.extra),
        ((0, 0), (0, 0), 0)
    );
    eq!(got.id.net, 0);
    assert!(got.id.serial != 0);
}

/// "Events lost" (6.5): an announcement from KBUS, nothing in it.
#[track_caller]
pub fn expect_lost(msg: &Msg) {
    eq!(msg.text(), UNBIND_EVENTS_LOST);
    eq!(msg.flags, SYNTHETIC);
    eq!((msg.from, msg.to, msg.in_reply_to), (0, 0, NO_ID));
    eq!((msg.orig_from, msg.final_to), ((0, 0), (0, 0)));
    eq!(msg.data.len(), 0);
}
