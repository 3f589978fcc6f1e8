// SPDX-License-Identifier: GPL-2.0
//! Q. Owed replies.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b232_none_at_first,
    b234_none_after_an_announcement,
    b235_one_after_a_request,
    b236_none_after_the_reply,
];

fn b232_none_at_first() {
    eq!(Ksock::new().owed(), 0);
}

fn b234_none_after_an_announcement() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    b.say("$.A");
    a.take();
    eq!(a.owed(), 0);
}

fn b235_one_after_a_request() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").listen("$.A");
    b.ask("$.A");
    eq!(a.owed(), 0, "queued, not popped");
    a.next().unwrap().unwrap();
    eq!(a.owed(), 1, "popped, not read");
    a.take();
    eq!(a.owed(), 1, "the listener's copy does not count");
}

fn b236_none_after_the_reply() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.ask("$.A");
    let request = a.take();
    a.answer(&request);
    eq!(a.owed(), 0);
    eq!(b.owed(), 0);
}
