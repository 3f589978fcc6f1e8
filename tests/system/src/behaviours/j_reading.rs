// SPDX-License-Identifier: GPL-2.0-only
//! J. Reading.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b153_nextmsg_says_how_long_it_is,
    b154_reading_that_much_gives_it_all,
    b157_one_byte_at_a_time,
    b158_afterwards_nothing_is_left,
    b159_nextmsg_abandons_the_unread,
    b160_six_messages_by_different_methods,
    b161_after_all_nextmsg_gives_0,
];

fn b153_nextmsg_says_how_long_it_is() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"1234567");
    k.post(&msg).unwrap();
    eq!(k.next(), Ok(Some(msg.entire().len() as u32)));
}

fn b154_reading_that_much_gives_it_all() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"1234567");
    k.post(&msg).unwrap();
    let len = k.next().unwrap().unwrap();
    let bytes = k.bytes(len as usize);
    eq!(bytes.len(), len as usize);
    assert!(Msg::parse(&bytes).unwrap().equivalent(&msg));
}

fn b157_one_byte_at_a_time() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"12345");
    let sent = k.post(&msg).unwrap();
    let len = k.next().unwrap().unwrap();
    let mut bytes = Vec::new();
    for n in 0..len {
        eq!(k.left(), len - n);
        let one = k.bytes(1);
        eq!(one.len(), 1);
        bytes.extend(one);
    }
    let got = Msg::parse(&bytes).unwrap();
    assert!(got.equivalent(&msg));
    eq!(got.id, sent);
}

fn b158_afterwards_nothing_is_left() {
    let k = Ksock::new();
    k.listen("$.Fred").say("$.Fred");
    let len = k.next().unwrap().unwrap();
    eq!(k.left(), len);
    k.bytes(len as usize);
    eq!(k.left(), 0);
    eq!(k.bytes(1), b"");
}

fn b159_nextmsg_abandons_the_unread() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let ids: Vec<Id> = (0..3).map(|_| k.say("$.Fred")).collect();
    k.next().unwrap().unwrap();
    eq!(k.take().id, ids[1]);
    k.next().unwrap().unwrap();
    k.bytes(30);
    eq!(k.next(), Ok(None));
    // Nothing at all is current after a NEXTMSG that found nothing: the
    // remainder was abandoned first (3.7).
    eq!(k.left(), 0);
    eq!(k.bytes(1), b"");
}

/// Six messages, each read in another way.
fn six() -> Ksock {
    let k = Ksock::new();
    k.listen("$.Fred");
    let ids: Vec<Id> = (0..6)
        .map(|n| k.post(&Msg::new("$.Fred").data([n; 9])).unwrap())
        .collect();
    for (n, &id) in ids.iter().enumerate() {
        let len = k.next().unwrap().unwrap() as usize;
        let mut bytes = Vec::new();
        match n {
            0 => bytes = k.bytes(len),
            1 => bytes = k.bytes(len + 1000),
            2 => (0..len).for_each(|_| bytes.extend(k.bytes(1))),
            3 => {
                bytes = k.bytes(HEADER);
                bytes.extend(k.bytes(len - HEADER));
            }
            4 => {
                while bytes.len() < len {
                    bytes.extend(k.bytes(13));
                }
            }
            _ => {
                bytes = k.bytes(HEADER - 1);
                bytes.extend(k.bytes(2));
                bytes.extend(k.bytes(len));
            }
        }
        let got = Msg::parse(&bytes).unwrap();
        eq!((got.id, got.data), (id, vec![n as u8; 9]), "method {n}");
    }
    k
}

fn b160_six_messages_by_different_methods() {
    six();
}

fn b161_after_all_nextmsg_gives_0() {
    eq!(six().next(), Ok(None));
}
