// SPDX-License-Identifier: GPL-2.0-only
//! Ids, roles and limits (3.7).

use crate::*;

pub(crate) fn ioctl_open_ids_count_up(bus: &Bus) {
    let a = bus.ksock();
    let b = bus.ksock();
    let first = a.id();
    eq!(b.id(), first + 1);
    drop(b);
    let c = bus.ksock();
    eq!(c.id(), first + 2, "never reused");
    eq!(a.id(), first);
}

pub(crate) fn ioctl_roles_are_kept_as_given(bus: &Bus) {
    let (k, other) = (bus.ksock(), bus.ksock());
    k.bind("$.A", 2).unwrap();
    eq!(other.bind("$.A", 1), Err(EADDRINUSE));
    eq!(k.bind("$.A", 2), Err(EADDRINUSE));
    other.ask("$.A");
    assert!(k.take().marked());
    eq!(k.unbind("$.A", 1), Err(EINVAL));
    eq!(k.unbind("$.A", 3), Err(EINVAL));
    eq!(k.unbind("$.A", 0), Err(EINVAL));
    eq!(k.unbind("$.A", 2), Ok(()));
    k.bind("$.A", u32::MAX).unwrap();
    eq!(k.unbind("$.A", u32::MAX), Ok(()));
    other.bind("$.A", 1).unwrap();
}

pub(crate) fn ioctl_identical_bindings_newest_goes_first(bus: &Bus) {
    let (k, s) = (bus.ksock(), bus.ksock());
    k.listen("$.A");
    s.say("$.A");
    k.listen("$.A");
    k.listen("$.A");
    s.say("$.A");
    eq!(k.count(), 4);
    for left in [3, 2] {
        k.unbind("$.A", LISTENER).unwrap();
        eq!(k.count(), left, "the newest binding's copy goes");
    }
    k.unbind("$.A", LISTENER).unwrap();
    eq!(k.count(), 0);
}

pub(crate) fn ioctl_maxmsgs_lowering_discards_nothing(bus: &Bus) {
    let (k, s) = (bus.ksock(), bus.ksock());
    k.listen("$.A");
    for _ in 0..5 {
        s.say("$.A");
    }
    k.limit(2);
    eq!(k.count(), 5);
    s.say("$.A");
    eq!(k.count(), 5);
    k.take();
    k.take();
    k.take();
    s.say("$.A");
    eq!(k.count(), 2, "full at its limit");
    k.take();
    s.say("$.A");
    s.say("$.A");
    eq!(k.count(), 2);
    k.limit(3);
    s.say("$.A");
    eq!(k.count(), 3, "raised");
}
