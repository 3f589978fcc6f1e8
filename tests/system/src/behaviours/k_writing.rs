// SPDX-License-Identifier: GPL-2.0-only
//! K. Writing in pieces.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b163_one_byte_per_write,
    b164_nothing_is_seen_while_writing,
    b166_write_and_send_apart,
    b168_with_a_network_id_and_no_data,
];

fn bytewise(k: &Ksock, msg: &Msg, mut each: impl FnMut()) {
    for byte in msg.entire() {
        eq!(k.write(&[byte]), Ok(1));
        each();
    }
}

fn b163_one_byte_per_write() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"123456789");
    bytewise(&b, &msg, || {});
    let id = b.send().unwrap();
    let got = a.take();
    assert!(got.equivalent(&msg));
    eq!((got.id, got.from), (id, b.id()));
}

fn b164_nothing_is_seen_while_writing() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred");
    bytewise(&b, &Msg::new("$.Fred").data(b"12345"), || {
        eq!(a.count(), 0);
        assert!(!a.readable());
    });
    eq!(a.next(), Ok(None));
    b.send().unwrap();
    eq!(a.count(), 1);
}

fn b166_write_and_send_apart() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"abc");
    b.put(&msg).unwrap();
    a.nothing();
    let first = b.send().unwrap();
    let second = b.post(&msg).unwrap();
    let (x, y) = (a.take(), a.take());
    eq!((x.id, y.id), (first, second));
    assert!(x.equivalent(&y));
}

fn b168_with_a_network_id_and_no_data() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred");
    let msg = Msg::new("$.Fred").id(123, 456);
    bytewise(&b, &msg, || eq!(a.count(), 0));
    eq!(b.send(), Ok(id(123, 456)));
    let got = a.take();
    eq!(got.id, id(123, 456));
    assert!(got.equivalent(&msg));
}
