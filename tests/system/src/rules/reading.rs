// SPDX-License-Identifier: GPL-2.0-only
//! Section 3.3: read; and LENLEFT, NEXTMSG, the odd calls of 3.6.

use crate::harness::Dice;
use kbus_test_conformance::expect_status;

use crate::raw::*;
use crate::{eq, tests};

tests![
    read_nothing_current_is_end_of_file,
    read_any_split_and_lenleft,
    read_lenleft_is_true_at_every_byte,
    read_never_runs_into_the_next_message,
    read_efault_does_not_advance,
    read_efault_in_the_middle_delivers_what_fits,
    read_pread_ignores_the_offset,
    read_readv_is_consecutive_reads,
    read_lseek_is_espipe,
    read_does_not_change_counts,
    read_write_only_is_ebadf,
    read_nextmsg_with_a_bad_pointer_pops,
    read_after_unbind_goes_on,
    read_large_in_pieces,
    other_calls,
    status_ignored_unread_current,
];

fn one(data: &[u8]) -> (Ksock, Msg, u32) {
    let k = Ksock::new();
    k.listen("$.Fred");
    let mut msg = Msg::new("$.Fred").data(data);
    msg.id = k.post(&msg).unwrap();
    msg.from = k.id();
    let len = k.next().unwrap().unwrap();
    (k, msg, len)
}

fn read_nothing_current_is_end_of_file() {
    for flags in [0, libc::O_NONBLOCK] {
        let k = Ksock::open(0, libc::O_RDWR | flags).unwrap();
        k.listen("$.A").say("$.A");
        eq!(k.bytes(1), b"", "queued is not current");
        eq!(k.bytes(0), b"");
        eq!(k.left(), 0);
        k.take();
        eq!(k.bytes(0), b"");
        eq!(k.bytes(100), b"");
        // No current message: the buffer is not touched, so even a bad one
        // is end of file.
        eq!(read(k.fd, std::ptr::null_mut(), 0), Ok(0));
    }
}

fn read_any_split_and_lenleft() {
    let mut dice = Dice::new(33);
    for round in 0..40 {
        let data: Vec<u8> = (0..dice.below(50)).map(|_| dice.below(256) as u8).collect();
        let (k, msg, len) = one(&data);
        let mut bytes = Vec::new();
        while bytes.len() < len as usize {
            eq!(k.left() as usize, len as usize - bytes.len());
            let ask = dice.below(30) as usize;
            let got = k.bytes(ask);
            eq!(
                got.len(),
                ask.min(len as usize - bytes.len()),
                "round {round}"
            );
            bytes.extend(got);
        }
        eq!(Msg::parse(&bytes), Ok(msg));
        eq!((k.left(), k.bytes(5)), (0, vec![]));
    }
}

/// `[FIX]` 3.7 LENLEFT; defect 31.
pub fn read_lenleft_is_true_at_every_byte() {
    let (k, _, len) = one(&[1; 37]);
    for n in 0..len {
        eq!(k.left(), len - n);
        k.bytes(1);
    }
    eq!(k.left(), 0);
}

fn read_never_runs_into_the_next_message() {
    let k = Ksock::new();
    k.listen("$.A");
    k.say("$.A");
    k.say("$.A");
    let len = k.next().unwrap().unwrap() as usize;
    eq!(k.bytes(10_000).len(), len);
    eq!(k.bytes(10_000).len(), 0);
    eq!(k.count(), 1);
}

/// `[FIX]` 3.3; defect 11.
pub fn read_efault_does_not_advance() {
    let (k, msg, len) = one(b"0123456789abcdef");
    for at in [
        0,
        40,
        HEADER,
        HEADER + 3,
        HEADER + 8,
        HEADER + 17,
        HEADER + 24,
    ] {
        let (k, msg, len) = one(b"0123456789abcdef");
        let mut bytes = k.bytes(at);
        eq!(read(k.fd, std::ptr::null_mut(), 10), Err(EFAULT), "at {at}");
        eq!(k.left() as usize, len as usize - at);
        bytes.extend(k.bytes(1000));
        eq!(Msg::parse(&bytes), Ok(msg), "at {at}");
    }
    let ro = super::Pages::new(1, libc::PROT_READ);
    eq!(read(k.fd, ro.start, 10), Err(EFAULT));
    eq!(k.current(len), msg);
}

/// A buffer that ends at an unmapped page in the middle of a part: what is
/// said to be delivered was delivered, and what was not comes next.
pub fn read_efault_in_the_middle_delivers_what_fits() {
    let page = super::PageEnd::new();
    for fit in [0, 1, 3, 6, 10, 17, 23]
        .map(|past| HEADER - 1 + past)
        .into_iter()
        .chain([1, 50])
    {
        let (k, msg, len) = one(b"0123456789abcdef");
        let p = page.put(&vec![0xEE; fit]);
        let (delivered, mut bytes) = match read(k.fd, p.cast_mut(), len as usize) {
            Err(EFAULT) => (0, vec![]),
            Ok(n) => {
                assert!(n <= fit, "more than fits: {n} of {fit}");
                // SAFETY: `fit` bytes are mapped there.
                (n, unsafe { std::slice::from_raw_parts(p, n) }.to_vec())
            }
            Err(e) => panic!("read: {e:?}"),
        };
        eq!(k.left() as usize, len as usize - delivered, "fit {fit}");
        bytes.extend(k.bytes(1000));
        eq!(
            Msg::parse(&bytes),
            Ok(msg),
            "fit {fit}, delivered {delivered}"
        );
    }
}

fn read_pread_ignores_the_offset() {
    let (k, msg, len) = one(b"data");
    let mut bytes = vec![0u8; len as usize];
    for at in 0..4usize {
        let piece = len as usize / 4;
        // SAFETY: a slice of `bytes`.
        let n = unsafe {
            libc::pread(
                k.fd,
                bytes[at * piece..].as_mut_ptr().cast(),
                piece,
                (1000 * at + 7) as libc::off_t,
            )
        };
        eq!(n, piece as isize, "pread at {at}: {:?}", errno());
    }
    let done = len as usize / 4 * 4;
    let rest = k.bytes(1000);
    bytes.truncate(done);
    bytes.extend(rest);
    eq!(Msg::parse(&bytes), Ok(msg));
}

fn read_readv_is_consecutive_reads() {
    let (k, msg, len) = one(b"0123456789");
    let mut bytes = vec![0xEEu8; len as usize + 30];
    let parts: Vec<libc::iovec> = bytes
        .chunks_mut(25)
        .map(|c| libc::iovec {
            iov_base: c.as_mut_ptr().cast(),
            iov_len: c.len(),
        })
        .collect();
    // SAFETY: the parts are slices of `bytes`.
    let n = unsafe { libc::readv(k.fd, parts.as_ptr(), parts.len() as i32) };
    eq!(n, len as isize);
    bytes.truncate(len as usize);
    eq!(Msg::parse(&bytes), Ok(msg));
}

fn read_lseek_is_espipe() {
    let (k, msg, len) = one(b"data");
    for whence in [libc::SEEK_SET, libc::SEEK_CUR, libc::SEEK_END] {
        // SAFETY: no pointers.
        eq!(unsafe { libc::lseek(k.fd, 0, whence) }, -1);
        eq!(errno(), ESPIPE);
    }
    eq!(k.current(len), msg);
}

fn read_does_not_change_counts() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.ask("$.A");
    b.ask("$.A");
    eq!((a.count(), a.owed(), a.readable()), (2, 0, true));
    let len = a.next().unwrap().unwrap();
    eq!((a.count(), a.owed(), a.readable()), (1, 1, true));
    a.bytes(10);
    eq!((a.count(), a.owed(), a.readable()), (1, 1, true));
    a.bytes(len as usize);
    eq!((a.count(), a.owed(), a.readable()), (1, 1, true));
    a.next().unwrap();
    eq!((a.count(), a.owed(), a.readable()), (0, 2, false));
    assert!(a.left() > 0, "popped and unread is not readable (3.5)");
}

fn read_write_only_is_ebadf() {
    let k = Ksock::write_only();
    let len = entire_len(3, 0) as u32;
    k.listen("$.A").say("$.A");
    eq!(k.read(&mut [0; 10]), Err(EBADF));
    eq!(k.next(), Ok(Some(len)), "ioctls work in every mode");
    eq!(k.left(), len);
    eq!(k.read(&mut [0; 10]), Err(EBADF));
}

fn read_nextmsg_with_a_bad_pointer_pops() {
    let k = Ksock::new();
    k.listen("$.A");
    let first = k.say("$.A");
    k.say("$.A");
    // An address in user range that is not mapped passes the range check.
    eq!(ioctl(k.fd, NEXTMSG, 0x10 as *mut _), Err(EFAULT));
    eq!(k.count(), 1);
    let len = entire_len(3, 0) as u32;
    eq!(k.left(), len);
    eq!(k.current(len).id, first);
}

fn read_after_unbind_goes_on() {
    let (k, msg, len) = one(b"data");
    k.say("$.Fred");
    let mut bytes = k.bytes(50);
    k.unbind("$.Fred", LISTENER).unwrap();
    eq!(k.count(), 0);
    bytes.extend(k.bytes(len as usize));
    eq!(Msg::parse(&bytes), Ok(msg));
}

fn read_large_in_pieces() {
    let data: Vec<u8> = (0..200_000u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let (k, msg, len) = one(&data);
    let mut bytes = Vec::new();
    for n in [1, 87, 4000, 4096, 4097, 65536, 100_000, 1_000_000] {
        bytes.extend(k.bytes(n));
        eq!(k.left() as usize, len as usize - bytes.len());
    }
    assert!(Msg::parse(&bytes) == Ok(msg), "differs");
}

/// 3.6.
fn other_calls() {
    let k = Ksock::new();
    // SAFETY: the mapping is refused; no other pointers.
    unsafe {
        for (prot, flags) in [
            (libc::PROT_READ, libc::MAP_SHARED),
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE),
        ] {
            let p = libc::mmap(std::ptr::null_mut(), 4096, prot, flags, k.fd, 0);
            assert!(p == libc::MAP_FAILED);
            eq!(errno(), ENODEV);
        }
        eq!(libc::fsync(k.fd), -1);
        eq!(errno(), EINVAL);
        eq!(libc::flock(k.fd, libc::LOCK_EX | libc::LOCK_NB), 0);
        eq!(libc::flock(k.fd, libc::LOCK_UN), 0);
        let flags = libc::fcntl(k.fd, libc::F_GETFL);
        assert!(flags >= 0 && flags & libc::O_ACCMODE == libc::O_RDWR);
        eq!(
            libc::fcntl(k.fd, libc::F_SETFL, flags | libc::O_NONBLOCK),
            0
        );
        eq!(libc::ftruncate(k.fd, 0), -1);
    }
    eq!(k.bytes(1), b"", "O_NONBLOCK makes no difference");
}

/// Popped and only half read: still owed, hence Ignored (9.1 step 1).
fn status_ignored_unread_current() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = b.ask("$.A");
    a.next().unwrap().unwrap();
    a.bytes(20);
    let replier = a.id();
    drop(a);
    expect_status(&b.take(), IGNORED, replier, b.id(), asked);
    b.nothing();
}
