// SPDX-License-Identifier: GPL-2.0-only
//! Section 3.4: write, the checks as each part is complete, any split.

use crate::harness::Dice;
use crate::raw::*;
use crate::{eq, tests};

tests![
    write_returns_the_count,
    write_header_checks_in_order,
    write_header_checks_happen_at_the_88th_byte,
    write_size_check_counts_both_forms,
    write_size_check_does_not_wrap,
    write_name_is_checked_when_complete,
    write_final_guard_is_checked_when_complete,
    write_more_than_a_message,
    write_zero_bytes,
    write_padding_is_skipped_unread,
    write_header_padding_is_ignored,
    write_any_split,
    write_every_two_part_split,
    write_writev_is_consecutive_writes,
    write_pwrite_ignores_the_offset,
    write_errors_discard_and_a_new_message_starts,
    write_efault_discards,
    write_pointy_touches_nothing_before_send,
    write_pointy_follows_at_first_send,
    write_pointy_needs_the_byte_after_the_name,
    write_pointy_in_pieces,
    write_entire_with_only_one_pointer,
    write_does_not_look_at_routing_fields,
    write_two_ksocks_do_not_mix,
    closing_writing_is_dropped_silently,
];

/// A whole message whose header has one word changed.
fn with(at: usize, word: u32) -> Vec<u8> {
    let mut bytes = Msg::new("$.A").data(b"data").entire();
    poke(&mut bytes, at, word);
    bytes
}

fn with_pointer(base: &[u8], at: usize, address: usize) -> Vec<u8> {
    let mut bytes = base.to_vec();
    point(&mut bytes, at, address);
    bytes
}

fn write_returns_the_count() {
    let k = Ksock::new();
    let bytes = Msg::new("$.A").data(b"12345").entire();
    for part in bytes.chunks(17) {
        eq!(k.write(part), Ok(part.len()));
    }
    assert!(k.send().is_ok());
}

/// Each header with two faults gives the errno of the first in the table.
fn write_header_checks_in_order() {
    let x = 0x1000; // an address; nobody looks there
    let base = Msg::new("$.A").data(b"data").entire();
    let (name, data) = (NAME_AT, DATA_AT);
    let word = |b: &[u8], at: usize, w: u32| {
        let mut b = b.to_vec();
        poke(&mut b, at, w);
        b
    };
    let start = word(&base, 0, 1);
    let end = word(&base, END_AT, 1);
    let no_name = word(&base, 52, 0);
    let long = word(&base, 52, 1001);
    let both = ALL_OR_FAIL | ALL_OR_WAIT;
    let table: Vec<(&str, Vec<u8>, Errno)> = vec![
        ("start guard", start.clone(), EINVAL),
        ("end guard", end.clone(), EINVAL),
        ("start guard, long name", word(&start, 52, 1001), EINVAL),
        ("end guard, long name", word(&end, 52, 1001), EINVAL),
        ("end guard, too large", word(&end, 56, ABS_MAX_SIZE), EINVAL),
        ("no name", no_name.clone(), EINVAL),
        (
            "no name, too large",
            word(&no_name, 56, ABS_MAX_SIZE),
            EINVAL,
        ),
        ("long name", long.clone(), ENAMETOOLONG),
        ("longest name", word(&base, 52, u32::MAX), ENAMETOOLONG),
        (
            "long name, data only",
            with_pointer(&long, data, x),
            ENAMETOOLONG,
        ),
        ("long name, both flags", word(&long, 48, both), ENAMETOOLONG),
        (
            "long name, too large",
            word(&long, 56, ABS_MAX_SIZE),
            ENAMETOOLONG,
        ),
        (
            "data pointer without name",
            with_pointer(&base, data, x),
            EINVAL,
        ),
        (
            "data pointer without name, too large",
            with_pointer(&word(&base, 56, ABS_MAX_SIZE), data, x),
            EINVAL,
        ),
        (
            "name pointer, data missing",
            with_pointer(&base, name, x),
            EINVAL,
        ),
        (
            "name pointer, data missing, too large",
            with_pointer(&word(&base, 56, ABS_MAX_SIZE), name, x),
            EINVAL,
        ),
        (
            "data pointer for no data",
            with_pointer(&with_pointer(&word(&base, 56, 0), name, x), data, x),
            EINVAL,
        ),
        ("both flags", word(&base, 48, both), EINVAL),
        (
            "both flags, too large",
            word(&word(&base, 48, both), 56, ABS_MAX_SIZE),
            EINVAL,
        ),
        ("too large", word(&base, 56, ABS_MAX_SIZE), EMSGSIZE),
    ];
    let k = Ksock::new();
    for (what, bytes, want) in table {
        eq!(k.write(&bytes[..HEADER]), Err(want), "{what}");
        eq!(k.send(), Err(ENOMSG), "{what}: discarded");
    }
}

fn write_header_checks_happen_at_the_88th_byte() {
    let k = Ksock::new();
    let bytes = with(0, 0xdead_beef);
    eq!(k.write(&bytes[..HEADER - 1]), Ok(HEADER - 1));
    eq!(k.write(&bytes[HEADER - 1..HEADER]), Err(EINVAL));
    eq!(k.send(), Err(ENOMSG));
}

fn write_size_check_counts_both_forms() {
    let k = Ksock::new();
    k.max_size(1000).unwrap();
    for d in [1000 - 100 - 4, 1000 - 100, 1000 - 100 + 1] {
        let msg = Msg::new("$.Fred").data(vec![0; d]);
        let want = if msg.len() > 1000 {
            Err(EMSGSIZE)
        } else {
            Ok(())
        };
        eq!(k.put(&msg), want, "entire, {} bytes", msg.len());
        k.discard().unwrap();
        eq!(
            k.put_pointy(&msg.pointy()),
            want,
            "pointy, {} bytes",
            msg.len()
        );
        k.discard().unwrap();
    }
}

/// 2.3: 64-bit arithmetic.
fn write_size_check_does_not_wrap() {
    let k = Ksock::new();
    for d in [
        u32::MAX,
        u32::MAX - 3,
        u32::MAX - 95,
        u32::MAX - 96,
        u32::MAX - 100,
        1 << 31,
    ] {
        eq!(
            k.write(&with(56, d)[..HEADER]),
            Err(EMSGSIZE),
            "data_len {d:#x}"
        );
        let both = with_pointer(
            &with_pointer(&with(56, d), NAME_AT, 0x1000),
            DATA_AT,
            0x1000,
        );
        eq!(
            k.write(&both[..HEADER]),
            Err(EMSGSIZE),
            "pointy, data_len {d:#x}"
        );
    }
}

fn write_name_is_checked_when_complete() {
    let k = Ksock::new();
    let bytes = Msg::new("$.a_bc").data(b"data").entire();
    eq!(k.write(&bytes[..HEADER + 5]), Ok(HEADER + 5));
    eq!(k.write(&bytes[HEADER + 5..HEADER + 6]), Err(EBADMSG));
    eq!(k.send(), Err(ENOMSG));
}

fn write_final_guard_is_checked_when_complete() {
    let k = Ksock::new();
    for wrong in 0..4 {
        let mut bytes = Msg::new("$.A").data(b"data").entire();
        let last = bytes.len() - 1;
        bytes[last - wrong] ^= 0x40;
        eq!(k.write(&bytes[..last]), Ok(last));
        eq!(
            k.write(&bytes[last..]),
            Err(EINVAL),
            "byte {wrong} from the end"
        );
        eq!(k.send(), Err(ENOMSG));
    }
}

fn write_more_than_a_message() {
    let k = Ksock::new();
    k.listen("$.A");
    let mut bytes = Msg::new("$.A").entire();
    bytes.push(0);
    eq!(k.write(&bytes), Err(EMSGSIZE));
    eq!(
        k.send(),
        Err(ENOMSG),
        "one write with a byte too many loses it all"
    );
    k.put(&Msg::new("$.A")).unwrap();
    eq!(k.write(&[0]), Err(EMSGSIZE));
    eq!(k.send(), Err(ENOMSG), "so does a byte after it");
    let pointy = Msg::new("$.A").pointy();
    k.put_pointy(&pointy).unwrap();
    eq!(k.write(&[0, 0, 0, 0]), Err(EMSGSIZE));
    eq!(k.send(), Err(ENOMSG));
    let mut two = pointy.bytes.clone();
    two.extend(&pointy.bytes);
    eq!(k.write(&two), Err(EMSGSIZE));
    k.nothing();
    assert!(k.post(&Msg::new("$.A")).is_ok());
}

fn write_zero_bytes() {
    let k = Ksock::new();
    k.listen("$.A");
    eq!(k.write(&[]), Ok(0));
    eq!(k.send(), Err(EINVAL), "a message was begun");
    eq!(k.send(), Err(ENOMSG));
    k.put(&Msg::new("$.A")).unwrap();
    eq!(k.write(&[]), Ok(0), "finished: nothing happens");
    assert!(k.send().is_ok());
    k.take();
}

fn write_padding_is_skipped_unread() {
    let k = Ksock::new();
    k.listen("$.*");
    for (name, data) in [
        ("$.a", &b"x"[..]),
        ("$.ab", b"xy"),
        ("$.abc", b"xyz"),
        ("$.abcd", b""),
    ] {
        let msg = Msg::new(name).data(data);
        let mut bytes = msg.entire();
        let data_at = HEADER + padded_name(name.len());
        bytes[HEADER + name.len()..data_at].fill(0xA5);
        let end = bytes.len() - 4;
        bytes[data_at + data.len()..end].fill(0x5A);
        eq!(k.write(&bytes), Ok(bytes.len()));
        k.send().unwrap();
        // `take` insists on zero padding.
        assert!(k.take().equivalent(&msg));
    }
}

fn write_header_padding_is_ignored() {
    let k = Ksock::new();
    k.listen("$.A");
    let mut bytes = Msg::new("$.A").entire();
    bytes[60..NAME_AT].fill(0xff);
    bytes[END_AT + 4..HEADER].fill(0xff);
    eq!(k.write(&bytes), Ok(bytes.len()));
    k.send().unwrap();
    k.take();
}

fn write_any_split() {
    let (a, k) = (Ksock::new(), Ksock::new());
    a.listen("$.*");
    let mut dice = Dice::new(34);
    for round in 0..60u32 {
        let name = format!("$.{}", "n".repeat(1 + dice.below(9) as usize));
        let data: Vec<u8> = (0..dice.below(40)).map(|_| dice.below(256) as u8).collect();
        let mut msg = Msg::new(name).data(data);
        msg.orig_from = (round, 2);
        let bytes = msg.entire();
        let mut at = 0;
        while at < bytes.len() {
            let n = (dice.below(24) as usize).min(bytes.len() - at);
            eq!(k.write(&bytes[at..at + n]), Ok(n), "round {round} at {at}");
            at += n;
        }
        let id = k.send().unwrap();
        let got = a.take();
        eq!(got.id, id);
        assert!(
            got.equivalent(&msg) && got.orig_from == (round, 2),
            "{got:?}"
        );
    }
}

fn write_every_two_part_split() {
    let (a, k) = (Ksock::new(), Ksock::new());
    a.listen("$.*");
    let msg = Msg::new("$.abcd").data(b"12345");
    let bytes = msg.entire();
    for at in 0..=bytes.len() {
        eq!(k.write(&bytes[..at]), Ok(at));
        eq!(k.write(&bytes[at..]), Ok(bytes.len() - at));
        k.send().unwrap();
        assert!(a.take().equivalent(&msg), "split at {at}");
    }
}

fn write_writev_is_consecutive_writes() {
    let k = Ksock::new();
    k.listen("$.A");
    let msg = Msg::new("$.A").data(b"123456");
    let bytes = msg.entire();
    let parts: Vec<libc::iovec> = bytes
        .chunks(30)
        .map(|c| libc::iovec {
            iov_base: c.as_ptr().cast_mut().cast(),
            iov_len: c.len(),
        })
        .collect();
    // SAFETY: the parts are slices of `bytes`.
    let n = unsafe { libc::writev(k.fd, parts.as_ptr(), parts.len() as i32) };
    eq!(n, bytes.len() as isize);
    k.send().unwrap();
    assert!(k.take().equivalent(&msg));
}

fn write_pwrite_ignores_the_offset() {
    let k = Ksock::new();
    k.listen("$.A");
    let bytes = Msg::new("$.A").entire();
    // 3.6: a stream. Either pwrite is write, as pread is read (3.3), or the
    // file refuses offsets altogether.
    // SAFETY: a slice.
    let n = unsafe { libc::pwrite(k.fd, bytes.as_ptr().cast(), bytes.len(), 12345) };
    if n < 0 {
        eq!(errno(), ESPIPE);
        k.put(&Msg::new("$.A")).unwrap();
    } else {
        eq!(n, bytes.len() as isize);
    }
    k.send().unwrap();
    k.take();
}

fn write_errors_discard_and_a_new_message_starts() {
    let k = Ksock::new();
    k.listen("$.A");
    let good = Msg::new("$.A");
    for bad in [
        with(0, 1),
        with(52, 1001),
        with(56, 1 << 30),
        Msg::new("$.#").entire(),
    ] {
        assert!(k.write(&bad).is_err());
        eq!(k.send(), Err(ENOMSG));
        assert!(k.write(&bad).is_err());
        k.post(&good).unwrap();
        k.take();
    }
    // Unfinished at SEND: discarded too (3.8 step 2).
    let bytes = good.entire();
    for at in [1, HEADER - 1, HEADER, HEADER + 3, bytes.len() - 1] {
        k.write(&bytes[..at]).unwrap();
        eq!(k.send(), Err(EINVAL), "{at} bytes");
        eq!(k.send(), Err(ENOMSG));
    }
    k.nothing();
    eq!(k.last().serial, k.say("$.A").serial - 1);
}

fn write_efault_discards() {
    let k = Ksock::new();
    let bytes = Msg::new("$.A").data(b"data").entire();
    for at in [0, 10, HEADER, HEADER + 4] {
        k.write(&bytes[..at]).unwrap();
        eq!(write(k.fd, std::ptr::null(), 8), Err(EFAULT), "after {at}");
        eq!(k.send(), Err(ENOMSG), "after {at}");
    }
    // A buffer that ends in the middle: nothing of it counts.
    let page = super::PageEnd::new();
    let p = page.put(&bytes[..50]);
    eq!(write(k.fd, p, bytes.len()), Err(EFAULT));
    eq!(k.send(), Err(ENOMSG));
    k.post(&Msg::new("$.A")).unwrap();
}

fn write_pointy_touches_nothing_before_send() {
    let k = Ksock::new();
    let base = Msg::new("$.A").entire();
    let wild = with_pointer(&base, NAME_AT, 0x10);
    eq!(k.write(&wild[..HEADER]), Ok(HEADER));
    eq!(k.send(), Err(EFAULT));
    eq!(k.send(), Err(ENOMSG));
    let name = b"$.A\0";
    let mut both = with_pointer(&base, NAME_AT, name.as_ptr() as usize);
    poke(&mut both, 56, 10);
    let both = with_pointer(&both, DATA_AT, 0x10);
    eq!(k.write(&both[..HEADER]), Ok(HEADER));
    eq!(k.send(), Err(EFAULT), "data");
    eq!(k.send(), Err(ENOMSG));
    eq!(k.last(), NO_ID, "3.8: no id before step 8");
}

fn write_pointy_follows_at_first_send() {
    let k = Ksock::new();
    k.listen("$.*");
    let mut pointy = Msg::new("$.A").data(b"before").pointy();
    k.put_pointy(&pointy).unwrap();
    pointy.name[2] = b'B';
    pointy.data.copy_from_slice(b"after!");
    k.send().unwrap();
    // Free and overwritten after SEND.
    pointy.name[2] = b'C';
    pointy.data.copy_from_slice(b"beyond");
    let got = k.take();
    eq!(
        (got.text(), got.data),
        ("$.B".to_string(), b"after!".to_vec())
    );
}

fn write_pointy_needs_the_byte_after_the_name() {
    let k = Ksock::new();
    k.listen("$.A");
    let page = super::PageEnd::new();
    let base = Msg::new("$.A").entire();
    let last = page.put(b"$.A");
    k.write(&with_pointer(&base, NAME_AT, last as usize)[..HEADER])
        .unwrap();
    eq!(k.send(), Err(EFAULT));
    let before = page.put(b"$.Ax");
    k.write(&with_pointer(&base, NAME_AT, before as usize)[..HEADER])
        .unwrap();
    assert!(k.send().is_ok(), "its value is ignored");
    eq!(k.take().text(), "$.A");
    // The data may end with the page, though.
    let data = page.put(b"12345");
    let name = b"$.A\0";
    let mut bytes = with_pointer(&base, NAME_AT, name.as_ptr() as usize);
    poke(&mut bytes, 56, 5);
    k.write(&with_pointer(&bytes, DATA_AT, data as usize)[..HEADER])
        .unwrap();
    assert!(k.send().is_ok());
    eq!(k.take().data, b"12345".to_vec());
}

fn write_pointy_in_pieces() {
    let k = Ksock::new();
    k.listen("$.A");
    let pointy = Msg::new("$.A").data(b"1234567").pointy();
    for byte in &pointy.bytes {
        eq!(k.write(&[*byte]), Ok(1));
    }
    k.send().unwrap();
    eq!(k.take().data, b"1234567".to_vec());
}

fn write_entire_with_only_one_pointer() {
    let k = Ksock::new();
    // The form is decided solely by the name pointer (2.3.1): with one, what
    // follows the header is too much.
    let name = b"$.A\0";
    let mut bytes = Msg::new("$.A").entire();
    point(&mut bytes, NAME_AT, name.as_ptr() as usize);
    eq!(k.write(&bytes), Err(EMSGSIZE));
}

fn write_does_not_look_at_routing_fields() {
    let k = Ksock::new();
    let mut odd = Msg::new("$.Nobody")
        .to(4711)
        .re(id(9, 9))
        .flags(0xffff_fcff);
    odd.from = 99;
    odd.extra = 98;
    eq!(k.put(&odd), Ok(()));
    eq!(k.discard(), Ok(0));
}

fn write_two_ksocks_do_not_mix() {
    let (a, b, w) = (Ksock::new(), Ksock::new(), Ksock::new());
    w.listen("$.*");
    let (x, y) = (
        Msg::new("$.A").data(b"aaaaa"),
        Msg::new("$.B").data(b"bbbbb"),
    );
    for (p, q) in x.entire().iter().zip(y.entire()) {
        a.write(&[*p]).unwrap();
        b.write(&[q]).unwrap();
    }
    b.send().unwrap();
    a.send().unwrap();
    assert!(w.take().equivalent(&y));
    assert!(w.take().equivalent(&x));
}

fn closing_writing_is_dropped_silently() {
    let (l, k) = (Ksock::new(), Ksock::new());
    l.listen("$.*");
    k.put(&Msg::new("$.A")).unwrap();
    drop(k);
    let k = Ksock::new();
    k.write(&Msg::new("$.A").entire()[..90]).unwrap();
    drop(k);
    l.nothing();
}
