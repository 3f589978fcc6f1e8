// SPDX-License-Identifier: GPL-2.0
//! P. Large messages.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b228_sizes_around_pages,
    b229_65563_bytes,
    b230_the_maximum_may_be_lowered_before_reading,
    b231_a_thousand_listeners_closed_unread.limit(60),
];

fn patterned(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
}

fn b228_sizes_around_pages() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    let messages: Vec<Msg> = [2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193]
        .iter()
        .map(|&n| Msg::new("$.A").data(patterned(n)))
        .collect();
    for n in 0..100 {
        let msg = &messages[n % messages.len()];
        if n % 2 == 0 {
            b.post(msg).unwrap();
        } else {
            b.post_pointy(msg).unwrap();
        }
        assert!(a.take().data == msg.data, "round {n}: data differs");
    }
}

fn b229_65563_bytes() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    let msg = Msg::new("$.A").data(patterned(65563));
    for pointy in [false, true] {
        if pointy {
            b.post_pointy(&msg)
        } else {
            b.post(&msg)
        }
        .unwrap();
        assert!(a.take().data == msg.data, "data differs, pointy {pointy}");
    }
}

fn b230_the_maximum_may_be_lowered_before_reading() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    let msg = Msg::new("$.A").data(patterned(65563));
    b.post(&msg).unwrap();
    b.put(&msg).unwrap();
    let pointy = msg.pointy();
    a.put_pointy(&pointy).unwrap();
    eq!(b.max_size(100), Ok(100));
    // Accepted at write is accepted (3.7 MAXMSGSIZE).
    assert!(b.send().is_ok());
    assert!(a.send().is_ok());
    for _ in 0..3 {
        assert!(a.take().data == msg.data);
    }
    eq!(b.put(&msg), Err(EMSGSIZE));
}

fn b231_a_thousand_listeners_closed_unread() {
    let b = Ksock::new();
    let all: Vec<Ksock> = (0..1000)
        .map(|_| {
            let k = Ksock::new();
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
