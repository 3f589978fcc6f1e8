// SPDX-License-Identifier: GPL-2.0-only
//! Large messages (2.3).

use crate::*;

fn patterned(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
}

pub(crate) fn b231_a_thousand_listeners_closed_unread(bus: &Bus) {
    let b = bus.ksock();
    let all: Vec<Ksock> = (0..1000)
        .map(|_| {
            let k = bus.ksock();
            k.listen("$.A");
            k
        })
        .collect();
    b.post(&Msg::new("$.A").data(patterned(4099))).unwrap();
    for k in &all {
        eq!(k.count(), 1);
    }
    drop(all);
    b.listen("$.A").say("$.A");
    eq!(b.drain().len(), 1);
}
