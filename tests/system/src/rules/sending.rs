// SPDX-License-Identifier: GPL-2.0-only
//! Sections 3.8, 5.3 to 5.5, 5.8: SEND's steps, fullness, order of decisions,
//! insertion, and what is changed in a message.

use crate::raw::*;
use crate::{eq, tests};

tests![
    send_bad_pointer_after_all_was_sent,
    send_order_of_steps,
    send_what_is_changed_in_a_message,
];

fn send_bad_pointer_after_all_was_sent() {
    let k = Ksock::new();
    k.listen("$.A");
    k.put(&Msg::new("$.A")).unwrap();
    eq!(ioctl(k.fd, SEND, 0x10 as *mut _), Err(EFAULT));
    eq!(k.count(), 1, "the message was sent");
    eq!(k.take().id, k.last());
    eq!(k.send(), Err(ENOMSG));
}

/// 3.8: name and data errors come before ENOLCK, and ENOLCK before routing.
fn send_order_of_steps() {
    let (k, r) = (Ksock::new(), Ksock::new());
    r.serve("$.R");
    k.limit(1);
    let asked = k.ask("$.R");
    eq!(k.post_pointy(&Msg::ask("$.R.*")), Err(EBADMSG));
    for msg in [
        Msg::ask("$.Nobody"),
        Msg::ask("$.R").to(99),
        Msg::ask("$.R").re(id(0, 1)),
        Msg::ask("$.R").id(3, 4),
    ] {
        eq!(k.post(&msg), Err(ENOLCK), "{msg:?}");
        eq!(k.last(), asked);
        eq!(k.send(), Err(ENOMSG), "discarded");
    }
}

fn send_what_is_changed_in_a_message() {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A");
    let mut msg = Msg::new("$.A").data(b"\0\xff data").to(4711).id(0, 5555);
    msg.from = 12345;
    msg.extra = 67890;
    msg.orig_from = (1, 2);
    msg.final_to = (3, 4);
    msg.flags = WANT_YOU_TO_REPLY | SYNTHETIC | URGENT | 0xabcd_0c10;
    let sent = k.post(&msg).unwrap();
    assert!(sent.serial != 5555, "a written serial is overwritten");
    let want = Msg {
        id: sent,
        from: k.id(),
        extra: 0,
        flags: URGENT | 0xabcd_0c10,
        ..msg.clone()
    };
    eq!(l.take(), want);
    let sent = k.post_pointy(&msg).unwrap();
    eq!(l.take(), Msg { id: sent, ..want });
}
