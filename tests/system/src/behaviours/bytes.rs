// SPDX-License-Identifier: GPL-2.0-only
//! Of C, D, E, H, N, P, Q and Z what takes more than the verbs of a bus: messages in pieces and in
//! the pointy form, bad addresses, other devices, what /proc says byte for byte.

use crate::harness::USUAL;
use crate::raw::*;
use crate::{eq, tests};

tests![
    b23_before_anything_is_sent_there_is_nothing,
    b27_the_same_in_pointy_form,
    b31_after_the_last_there_is_none_repeatedly,
    b36_nextmsg_gives_the_entire_length,
    b45_unbind_with_a_null_pointer,
    b62_proc_lines_split_into_five_fields,
    b83_sending_1002_characters,
    b84_star_can_be_written_pointy,
    b85_star_cannot_be_sent,
    b86_percent_cannot_be_sent,
    b142_interleavings_on_two_ksocks,
    b143_a_reply_after_the_interleavings,
    b193_asking_for_the_limit,
    b194_raising_the_limit,
    b206_both_flags,
    b211_then_write_gives_ealready,
    b228_sizes_around_pages,
    b229_65563_bytes,
    b230_the_maximum_may_be_lowered_before_reading,
    b235_one_after_a_request,
    b362_a_new_device_can_be_addressed.load(USUAL),
];

fn b23_before_anything_is_sent_there_is_nothing() {
    let k = Ksock::new();
    k.listen("$.A");
    eq!(k.bytes(1), b"");
    eq!(k.bytes(0), b"");
    eq!(k.next(), Ok(None));
    eq!(k.get(), None);
}

fn b27_the_same_in_pointy_form() {
    let k = Ksock::new();
    k.nothing();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"data");
    k.post_pointy(&msg).unwrap();
    assert!(k.take().equivalent(&msg));
    k.post_pointy(&Msg::new("$.William").data(b"data")).unwrap();
    k.nothing();
}

fn b31_after_the_last_there_is_none_repeatedly() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    k.take();
    for _ in 0..3 {
        eq!(k.get(), None);
        eq!(k.bytes(10), b"");
    }
}

fn b36_nextmsg_gives_the_entire_length() {
    let k = Ksock::new();
    k.listen("$.*");
    for (n, d) in [(3, 0), (4, 3), (6, 7), (7, 1), (8, 64), (1000, 5)] {
        let name = format!("$.{}", "a".repeat(n - 2));
        k.post(&Msg::new(name).data(vec![7; d])).unwrap();
        eq!(k.next(), Ok(Some(entire_len(n, d) as u32)));
    }
    // Worked values of 2.3.
    eq!(entire_len(3, 0), 96);
    eq!(entire_len(6, 0), 100);
    eq!(entire_len(6, 7), 108);
    eq!(entire_len(3, 3), 100);
}

fn b45_unbind_with_a_null_pointer() {
    let k = Ksock::new();
    eq!(ioctl(k.fd, UNBIND, std::ptr::null_mut()), Err(EFAULT));
    eq!(ioctl(k.fd, BIND, std::ptr::null_mut()), Err(EFAULT));
}

fn b62_proc_lines_split_into_five_fields() {
    let k = Ksock::on(1);
    k.serve("$.Door.%").listen("$.Door");
    let text = std::fs::read_to_string("/proc/kbus/bindings").unwrap();
    let mut seen = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            continue;
        }
        let f: Vec<&str> = line.split_whitespace().collect();
        eq!(f.len(), 5);
        eq!(f[0], "1:", "8.1: \"%3u:\"");
        eq!(f[1].parse(), Ok(k.id()));
        eq!(f[2].parse(), Ok(std::process::id()));
        seen.push((f[3].to_string(), f[4].to_string()));
    }
    // Newest binding first (8.1).
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    eq!(seen, vec![pair("L", "$.Door"), pair("R", "$.Door.%")]);
}

fn long() -> String {
    format!("$.{}", "a".repeat(1000))
}

fn b83_sending_1002_characters() {
    let k = Ksock::new();
    eq!(k.put_pointy(&Msg::new(long()).pointy()), Err(ENAMETOOLONG));
    eq!(k.put(&Msg::new(long())), Err(ENAMETOOLONG));
    eq!(k.send(), Err(ENOMSG));
}

fn b84_star_can_be_written_pointy() {
    let k = Ksock::new();
    eq!(k.put_pointy(&Msg::new("$.Fred.*").pointy()), Ok(()));
}

fn b85_star_cannot_be_sent() {
    let k = Ksock::new();
    k.listen("$.Fred.*");
    let pointy = Msg::new("$.Fred.*").pointy();
    k.put_pointy(&pointy).unwrap();
    eq!(k.send(), Err(EBADMSG));
    k.nothing();
}

fn b86_percent_cannot_be_sent() {
    let k = Ksock::new();
    k.listen("$.Fred.%");
    eq!(k.post_pointy(&Msg::new("$.Fred.%")), Err(EBADMSG));
    eq!(k.post(&Msg::new("$.Fred.%")), Err(EBADMSG));
    k.nothing();
}

/// Two requests on their way and a third being written, `a` answering the
/// first in the middle of it; the second request as `a` got it.
fn interleaved() -> (Ksock, Ksock, Msg) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    let request = |n: u8| Msg::ask("$.Fred").data([n]);
    b.put(&request(1)).unwrap();
    let one = b.send().unwrap();
    let first = a.take();
    eq!(first.id, one);
    b.put(&request(2)).unwrap();
    a.put(&Msg::reply_to(&first)).unwrap();
    let two = b.send().unwrap();
    b.put(&request(3)).unwrap();
    a.send().unwrap();
    let three = b.send().unwrap();
    eq!(b.take().in_reply_to, one);
    let second = a.take();
    eq!((second.id, second.data.clone()), (two, vec![2]));
    let third = a.take();
    eq!((third.id, third.data), (three, vec![3]));
    eq!(a.owed(), 2);
    (a, b, second)
}

fn b142_interleavings_on_two_ksocks() {
    interleaved();
}

fn b143_a_reply_after_the_interleavings() {
    let (a, b, second) = interleaved();
    a.answer(&second);
    eq!(b.take().in_reply_to, second.id);
    eq!(a.owed(), 1);
}

fn b193_asking_for_the_limit() {
    let k = Ksock::read_only();
    eq!(k.max(0), Ok(100));
    eq!(k.max(0), Ok(100));
}

fn b194_raising_the_limit() {
    let k = Ksock::read_only();
    let now = k.max(0).unwrap();
    eq!(k.max(now + 100), Ok(now + 100));
    eq!(k.max(0), Ok(now + 100));
}

fn b206_both_flags() {
    let k = Ksock::new();
    let msg = Msg::new("$.A").flags(ALL_OR_WAIT | ALL_OR_FAIL);
    eq!(k.put(&msg), Err(EINVAL));
    eq!(k.put_pointy(&msg.pointy()), Err(EINVAL));
    eq!(k.put(&msg.flags(WANT_A_REPLY)), Err(EINVAL));
}

/// Two listeners, one with room for another message and one without.
fn one_full() -> (Ksock, Ksock, Ksock, Id) {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.listen("$.A").limit(1);
    b.listen("$.A").limit(2);
    let id = c.say("$.A");
    (a, b, c, id)
}

fn b211_then_write_gives_ealready() {
    let (_a, _b, c, _) = one_full();
    eq!(c.post(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!(c.put(&Msg::new("$.A")), Err(EALREADY));
    eq!(c.put_pointy(&Msg::new("$.A").pointy()), Err(EALREADY));
}

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

fn b362_a_new_device_can_be_addressed() {
    let n = Ksock::new().new_device().unwrap();
    let k = super::open_soon(n);
    eq!(k.report(ASK), Ok(0));
    eq!(k.max_size(0), Ok(ABS_MAX_SIZE));
}
