// SPDX-License-Identifier: GPL-2.0-only
//! Limits that the original's users rely on. 256 buses are in module.rs.

use crate::raw::*;
use crate::{eq, tests};

tests![
    limit_1000_ksocks_at_once.limit(60),
    limit_2000_replier_bindings_on_one.limit(60),
    limit_400_kib_messages.limit(60),
    limit_a_thousand_large_messages_queued.limit(60),
    limit_ten_thousand_messages_in_one_queue.limit(60),
    limit_many_bindings_do_not_slow_the_others.limit(60),
];

fn limit_1000_ksocks_at_once() {
    let r = Ksock::new();
    r.serve("$.R").limit(2000);
    let all: Vec<Ksock> = (0..1000).map(|_| Ksock::new()).collect();
    for (n, k) in all.iter().enumerate() {
        eq!(k.id(), r.id() + 1 + n as u32);
        k.listen("$.A").ask("$.R");
    }
    r.say("$.A");
    for request in r.drain() {
        r.answer(&request);
    }
    for k in &all {
        let got = k.drain();
        eq!(got.len(), 2);
        assert!(got[1].in_reply_to != NO_ID);
    }
}

fn limit_2000_replier_bindings_on_one() {
    let (k, asker) = (Ksock::new(), Ksock::new());
    k.limit(2000);
    asker.limit(2000);
    for n in 0..2000 {
        k.serve(&format!("$.R.n{n}"));
    }
    for n in [0, 1, 999, 1999] {
        eq!(k.replier(format!("$.R.n{n}")), Ok(Some(k.id())));
        let asked = asker.ask(&format!("$.R.n{n}"));
        eq!(k.take().id, asked);
    }
    eq!(crate::harness::bindings().len(), 2000);
    drop(k);
    eq!(asker.drain().len(), 4);
    eq!(asker.replier("$.R.n7"), Ok(None));
}

fn limit_400_kib_messages() {
    let (k, l) = (Ksock::new(), Ksock::new());
    k.listen("$.A");
    l.listen("$.A");
    let d = ABS_MAX_SIZE as usize - entire_len(3, 0);
    let data: Vec<u8> = (0..d).map(|i| (i * 13 + i / 4096) as u8).collect();
    let msg = Msg::new("$.A").data(&data);
    eq!(msg.len(), ABS_MAX_SIZE as usize);
    for pointy in [false, true] {
        if pointy {
            k.post_pointy(&msg)
        } else {
            k.post(&msg)
        }
        .unwrap();
        assert!(
            k.take().data == data && l.take().data == data,
            "pointy {pointy}"
        );
    }
    let more = Msg::new("$.A").data(vec![0; d + 1]);
    eq!(k.put(&more), Err(EMSGSIZE));
    eq!(k.put_pointy(&more.pointy()), Err(EMSGSIZE));
}

fn limit_a_thousand_large_messages_queued() {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A").limit(1050);
    let msg = Msg::new("$.A").data(vec![0x77; 65_536]);
    let pointy = msg.pointy();
    for _ in 0..1050 {
        k.put_pointy(&pointy).unwrap();
        k.send().unwrap();
    }
    eq!(l.count(), 1050);
    assert!(l.take().data == msg.data);
}

fn limit_ten_thousand_messages_in_one_queue() {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A").limit(20_000);
    let first = k.say("$.A");
    for _ in 1..10_000 {
        k.say("$.A");
    }
    eq!(l.count(), 10_000);
    for n in 0..10_000 {
        eq!(l.take().id.serial, first.serial + n);
    }
    l.nothing();
}

/// No timing is claimed; only that it ends, and is right.
fn limit_many_bindings_do_not_slow_the_others() {
    let crowd = Ksock::new();
    for n in 0..10_000 {
        crowd.listen(&format!("$.Crowd.n{n}.*"));
    }
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.R");
    for _ in 0..2_000 {
        let asked = b.ask("$.R");
        a.answer(&a.take());
        eq!(b.take().in_reply_to, asked);
    }
    crowd.nothing();
    b.say("$.Crowd.n77.x");
    eq!(crowd.count(), 1);
}
