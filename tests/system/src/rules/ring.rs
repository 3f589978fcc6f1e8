// SPDX-License-Identifier: GPL-2.0-only
//! Sections 3.3 and 3.4 by io_uring: a read or write that is put into a ring does what the call
//! does, at once, or by a worker of the kernel's for a program of either width.

use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_long, c_ulong, c_void, POLLIN, POLLOUT};

use super::{Pages, PAGE};
use crate::raw::*;
use crate::{eq, tests};

tests![
    ring_reads_the_current_message,
    ring_reads_nothing_where_there_is_no_message,
    ring_writes_a_message,
    ring_write_is_refused_as_the_call_is,
    ring_read_that_faults_takes_nothing,
    ring_poll_tells_that_a_send_was_delivered,
    ring_poll_tells_that_a_send_was_given_up,
    ring_aio_poll_tells_that_a_send_was_delivered,
];

// include/uapi/linux/io_uring.h
const OP_POLL_ADD: u8 = 6;
const OP_READ: u8 = 22;
const OP_WRITE: u8 = 23;
const SQE_ASYNC: u8 = 1 << 4;
const ENTER_GETEVENTS: u32 = 1;
const FEAT_SINGLE_MMAP: u32 = 1;
const OFF_SQES: i64 = 0x1000_0000;

#[repr(C)]
#[derive(Default)]
struct Offsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    /// Flags, dropped and the array of submissions; overflow, the entries of completions.
    rest: [u32; 3],
    more: [u32; 3],
}

#[repr(C)]
#[derive(Default)]
struct Params {
    entries: [u32; 2],
    flags: u32,
    cpu: u32,
    idle: u32,
    features: u32,
    more: [u32; 4],
    submissions: Offsets,
    completions: Offsets,
}

#[repr(C)]
#[derive(Default)]
struct Submission {
    opcode: u8,
    flags: u8,
    priority: u16,
    fd: i32,
    offset: u64,
    address: u64,
    len: u32,
    more: [u32; 9],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Completion {
    data: u64,
    result: i32,
    flags: u32,
}

/// How a request is carried out.
#[derive(Clone, Copy, Debug)]
enum By {
    /// In the call that hands it in.
    TheCall,
    /// By a worker.
    AWorker,
}

/// A ring for one request at a time.
struct Ring {
    fd: i32,
    rings: *mut u8,
    entries: *mut Submission,
    params: Params,
}

fn map(fd: i32, len: usize, at: i64) -> *mut u8 {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    let offset = at as libc::off_t;
    // SAFETY: fresh memory wherever there is room.
    let p = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, fd, offset) };
    assert!(p != libc::MAP_FAILED, "mmap: {:?}", errno());
    p.cast()
}

impl Ring {
    fn new() -> Ring {
        let mut params = Params::default();
        // SAFETY: the parameters are ours to be written.
        let fd = check(unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, &mut params) } as i64);
        let fd = fd.expect("io_uring_setup") as i32;
        assert!(params.features & FEAT_SINGLE_MMAP != 0);
        Ring {
            fd,
            rings: map(fd, PAGE, 0),
            entries: map(fd, PAGE, OFF_SQES).cast(),
            params,
        }
    }

    fn word(&self, offset: u32) -> &AtomicU32 {
        // SAFETY: one of the words of the ring, which is mapped as long as we are.
        unsafe { &*self.rings.add(offset as usize).cast::<AtomicU32>() }
    }

    /// Hands one request in, and waits until it is done.
    fn does(&self, opcode: u8, by: By, fd: i32, at: *mut u8, len: usize) -> Result<usize> {
        let flags = match by {
            By::TheCall => 0,
            By::AWorker => SQE_ASYNC,
        };
        self.begins(Submission {
            opcode,
            flags,
            fd,
            offset: u64::MAX,
            address: at as usize as u64,
            len: len as u32,
            ..Submission::default()
        });
        self.ends()
    }

    /// Hands one request in.
    fn begins(&self, entry: Submission) {
        let submissions = &self.params.submissions;
        let tail = self.word(submissions.tail);
        let (n, mask) = (
            tail.load(Ordering::Acquire),
            self.word(submissions.ring_mask).load(Ordering::Relaxed),
        );
        let slot = n & mask;
        // SAFETY: one of the ring's entries; no request is under way.
        unsafe { self.entries.add(slot as usize).write(entry) };
        self.word(submissions.rest[2] + 4 * slot)
            .store(slot, Ordering::Relaxed);
        tail.store(n.wrapping_add(1), Ordering::Release);
        eq!(self.enters(1, 0), 1, "io_uring_enter: {:?}", errno());
    }

    /// Hands in so many, and waits for so many.
    fn enters(&self, requests: c_long, wait_for: c_long) -> c_long {
        let (flags, none): (c_long, *const c_void) = (ENTER_GETEVENTS as c_long, std::ptr::null());
        // SAFETY: numbers only; what a request points to is the caller's affair, and checked.
        unsafe {
            let call = libc::SYS_io_uring_enter;
            libc::syscall(call, self.fd, requests, wait_for, flags, none, 0)
        }
    }

    /// Is the one request still under way?
    fn is_busy(&self) -> bool {
        eq!(self.enters(0, 0), 0);
        let completions = &self.params.completions;
        let head = self.word(completions.head).load(Ordering::Relaxed);
        self.word(completions.tail).load(Ordering::Acquire) == head
    }

    /// Waits until the one request is done.
    fn ends(&self) -> Result<usize> {
        eq!(self.enters(0, 1), 0, "io_uring_enter: {:?}", errno());
        let completions = &self.params.completions;
        let head = self.word(completions.head);
        let n = head.load(Ordering::Relaxed);
        eq!(
            self.word(completions.tail).load(Ordering::Acquire),
            n.wrapping_add(1)
        );
        let mask = self.word(completions.ring_mask).load(Ordering::Relaxed);
        let at = completions.rest[1] as usize + 16 * (n & mask) as usize;
        // SAFETY: the entry of the ring that the kernel has just filled.
        let done = unsafe { self.rings.add(at).cast::<Completion>().read() };
        head.store(n.wrapping_add(1), Ordering::Release);
        if done.result < 0 {
            return Err(Errno(-done.result));
        }
        Ok(done.result as usize)
    }
}

impl Ring {
    fn writes(&self, by: By, k: &Ksock, bytes: &[u8]) -> Result<usize> {
        self.does(OP_WRITE, by, k.fd, bytes.as_ptr().cast_mut(), bytes.len())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: both mapped in new, and our own descriptor.
        unsafe {
            libc::munmap(self.rings.cast(), PAGE);
            libc::munmap(self.entries.cast(), PAGE);
            libc::close(self.fd);
        }
    }
}

const BOTH: [By; 2] = [By::TheCall, By::AWorker];

fn ring_reads_the_current_message() {
    let (ring, k) = (Ring::new(), Ksock::new());
    k.listen("$.A");
    for by in BOTH {
        let msg = Msg::new("$.A").data(b"by a ring");
        k.post(&msg).unwrap();
        let len = k.next().unwrap().expect("a message") as usize;
        // More than there is, and no other message: it does not wait for one.
        let mut bytes = vec![0_u8; len + 100];
        let (first, rest) = bytes.split_at_mut(7);
        eq!(ring.does(OP_READ, by, k.fd, first.as_mut_ptr(), 7), Ok(7));
        let got = ring.does(OP_READ, by, k.fd, rest.as_mut_ptr(), rest.len());
        eq!(got, Ok(len - 7));
        eq!(k.left(), 0);
        let got = Msg::parse(&bytes[..len]).expect("a message");
        assert!(got.data == b"by a ring", "{by:?}: {got:?}");
    }
}

fn ring_reads_nothing_where_there_is_no_message() {
    let (ring, k, byte) = (Ring::new(), Ksock::new(), &mut 0_u8);
    for by in BOTH {
        eq!(ring.does(OP_READ, by, k.fd, byte, 1), Ok(0));
    }
}

fn ring_writes_a_message() {
    let (ring, k) = (Ring::new(), Ksock::new());
    k.listen("$.A");
    for by in BOTH {
        let bytes = Msg::new("$.A").data(b"by a ring").entire();
        let (first, rest) = bytes.split_at(9);
        eq!(ring.writes(by, &k, first), Ok(9));
        eq!(ring.writes(by, &k, rest), Ok(rest.len()));
        k.send().unwrap();
        eq!(k.take().data, b"by a ring", "{by:?}");
    }
}

fn ring_write_is_refused_as_the_call_is() {
    let (ring, k) = (Ring::new(), Ksock::new());
    let bytes = [b'x'; 200];
    let call = write(k.fd, bytes.as_ptr(), bytes.len());
    assert!(call.is_err());
    for by in BOTH {
        eq!(ring.writes(by, &k, &bytes), call);
    }
    eq!(k.send(), Err(ENOMSG), "nothing is left of it");
}

fn ring_read_that_faults_takes_nothing() {
    let (ring, k) = (Ring::new(), Ksock::new());
    let nowhere = Pages::new(1, libc::PROT_NONE);
    k.listen("$.A").say("$.A");
    let len = k.next().unwrap().expect("a message");
    for by in BOTH {
        let got = ring.does(OP_READ, by, k.fd, nowhere.start, len as usize);
        eq!(got, Err(EFAULT));
        eq!(k.left(), len);
    }
    k.current(len);
}

/// A full listener, and a message that waits for it.
fn waiting() -> (Ksock, Ksock, Id) {
    let (l, k) = (Ksock::new(), Ksock::new());
    l.listen("$.A").limit(1);
    l.say("$.A");
    let msg = Msg::new("$.A").flags(ALL_OR_WAIT);
    eq!(k.post(&msg), Err(EAGAIN));
    let id = k.last();
    (l, k, id)
}

impl Ring {
    fn polls(&self, k: &Ksock, events: i16) {
        let mut more = [0; 9];
        more[0] = events as u32;
        self.begins(Submission {
            opcode: OP_POLL_ADD,
            fd: k.fd,
            more,
            ..Submission::default()
        });
    }
}

/// The ring takes the events of the wake for its result, and asks no more.
fn ring_poll_tells_that_a_send_was_delivered() {
    let ring = Ring::new();
    let (l, k, id) = waiting();
    ring.polls(&k, POLLOUT);
    assert!(ring.is_busy());
    l.take();
    eq!(ring.ends(), Ok(POLLOUT as usize));
    eq!(l.count(), 1, "it was delivered");
    eq!(l.take().id, id);
    assert!(
        k.put(&Msg::new("$.A")).is_ok(),
        "and another can be written"
    );
}

fn ring_poll_tells_that_a_send_was_given_up() {
    let ring = Ring::new();
    let (r, k) = (Ksock::new(), Ksock::new());
    for events in [POLLIN, POLLOUT] {
        r.serve("$.R").limit(1);
        r.ask("$.R");
        let ask = Msg::ask("$.R").flags(ALL_OR_WAIT);
        eq!(k.post(&ask), Err(EAGAIN));
        ring.polls(&k, events);
        assert!(ring.is_busy());
        r.limit(2).unbind("$.R", REPLIER).unwrap();
        // What is to be read of it comes with the next call, whichever that is.
        assert!(ring.ends().is_ok_and(|got| got & events as usize != 0));
        let told = k.take();
        eq!(told.text(), DISAPPEARED);
        eq!(told.in_reply_to, k.last());
        assert!(k.put(&Msg::new("$.A")).is_ok());
        k.discard().unwrap();
        r.drain();
    }
}

// include/uapi/linux/aio_abi.h, as little-endian machines have it
#[repr(C)]
#[derive(Default)]
struct ControlBlock {
    data: u64,
    key: [u32; 2],
    opcode: u16,
    priority: i16,
    fd: u32,
    buffer: u64,
    more: [u64; 4],
}

const IOCB_CMD_POLL: u16 = 5;

fn ring_aio_poll_tells_that_a_send_was_delivered() {
    let (l, k, id) = waiting();
    let (mut context, mut done): (c_ulong, _) = (0, [0_u64; 4]);
    let mut block = ControlBlock {
        opcode: IOCB_CMD_POLL,
        fd: k.fd as u32,
        buffer: POLLOUT as u64,
        ..ControlBlock::default()
    };
    let mut blocks = [&raw mut block];
    let none: *const c_void = std::ptr::null();
    // SAFETY: all that is pointed to is ours, and there until it is done.
    unsafe {
        eq!(libc::syscall(libc::SYS_io_setup, 1, &mut context), 0);
        eq!(
            libc::syscall(libc::SYS_io_submit, context, 1, blocks.as_mut_ptr()),
            1
        );
    }
    l.take();
    // SAFETY: as before.
    let got = unsafe {
        let done = done.as_mut_ptr();
        libc::syscall(libc::SYS_io_getevents, context, 1, 1, done, none)
    };
    eq!(got, 1);
    // And POLLWRNORM.
    assert!(done[2] & POLLOUT as u64 != 0, "{:#x}", done[2]);
    eq!(l.count(), 1, "it was delivered");
    eq!(l.take().id, id);
    assert!(
        k.put(&Msg::new("$.A")).is_ok(),
        "and another can be written"
    );
    // SAFETY: a number only.
    eq!(unsafe { libc::syscall(libc::SYS_io_destroy, context) }, 0);
}
