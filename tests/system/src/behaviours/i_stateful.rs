// SPDX-License-Identifier: GPL-2.0
//! I. Stateful requests.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b150_a_stateful_request_reaches_its_replier_and_listeners,
    b151_with_no_replier_left,
    b152_with_another_replier,
];

fn b150_a_stateful_request_reaches_its_replier_and_listeners() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    c.listen("$.Fred");
    b.ask("$.Fred");
    a.answer(&a.take());
    let reply = b.take();
    c.drain();
    let id = b.post(&Msg::ask("$.Fred").to(reply.from)).unwrap();
    let at_replier = a.take();
    eq!(
        (at_replier.id, at_replier.to, at_replier.marked()),
        (id, a.id(), true)
    );
    let at_listener = c.take();
    eq!(
        (at_listener.id, at_listener.to, at_listener.marked()),
        (id, a.id(), false)
    );
}

fn b151_with_no_replier_left() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    eq!(b.post(&Msg::ask("$.Fred").to(a.id())), Err(EADDRNOTAVAIL));
}

fn b152_with_another_replier() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    a.unbind("$.Fred", REPLIER).unwrap();
    c.serve("$.Fred");
    eq!(b.post(&Msg::ask("$.Fred").to(a.id())), Err(EPIPE));
    c.nothing();
    assert!(b.post(&Msg::ask("$.Fred").to(c.id())).is_ok());
}
