// SPDX-License-Identifier: GPL-2.0-only
//! What the C library makes of messages that it reads from a bus, and of those that a limpet's
//! peer sends. Each message lies in memory that is as long as it says, and no longer; so under
//! AddressSanitizer a look beside it is noticed, and what is not given back as well. The bus is a
//! file in memory, whose ioctls answer what the input says.

use crate::uapi::{kbus_bind_query, kbus_bind_request, kbus_message_header as Header};
use arbitrary::Unstructured;
use libc::{c_char, c_int, c_uint, c_ulong, c_void, FILE};
use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::{null_mut, NonNull};

// For its symbols, which are C's.
use kbus_capi as _;

/// As `kbus/limpet.h` has it: nobody looks into it.
#[repr(C)]
struct Context {
    _private: [u8; 0],
}

#[rustfmt::skip]
extern "C" {
    fn kbus_ksock_read_msg(ksock: c_int, msg: *mut *mut Header, len: usize) -> c_int;
    fn kbus_msg_delete(msg: *mut *mut Header);
    fn kbus_msg_sizeof(msg: *const Header) -> c_int;
    fn kbus_msg_split_bind_event(msg: *const Header, is_bind: *mut u32, binder: *mut u32, name: *mut *mut c_char) -> c_int;
    fn kbus_msg_print2(stream: *mut FILE, msg: *const Header, flags: c_uint);
    fn kbus_msg_create_reply_to(msg: *mut *mut Header, to: *const Header, data: *const c_void, data_len: u32, flags: u32) -> c_int;
    fn kbus_msg_create_entire_reply_to(msg: *mut *mut Header, to: *const Header, data: *const c_void, data_len: u32, flags: u32) -> c_int;
    fn kbus_msg_create_entire_stateful_request(msg: *mut *mut Header, earlier: *const Header, name: *const c_char, name_len: u32, data: *const c_void, data_len: u32, flags: u32) -> c_int;
    fn kbus_serialise_message_header(msg: *mut Header, result: *mut u32);
    fn kbus_unserialise_message_header(serial: *mut u32, msg: *mut Header);
    fn kbus_limpet_ReplierBindEvent_hton(msg: *mut Header);
    fn kbus_limpet_ReplierBindEvent_ntoh(msg: *mut Header);
    fn kbus_limpet_new_context(ksock: c_int, network: u32, other: u32, name: *mut c_char, verbosity: u32, context: *mut *mut Context) -> c_int;
    fn kbus_limpet_free_context(context: *mut *mut Context);
    fn kbus_limpet_amend_msg_from_kbus(context: *mut Context, msg: *mut Header) -> c_int;
    fn kbus_limpet_amend_msg_to_kbus(context: *mut Context, msg: *mut Header, error: *mut *mut Header) -> c_int;
    fn kbus_limpet_could_not_send_to_kbus_msg(context: *mut Context, msg: *mut Header, errnum: c_int, error: *mut *mut Header) -> c_int;
}

pub fn run(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let mut play = Play::new();
    while let (false, Ok([what, len])) = (bytes.is_empty(), bytes.arbitrary::<[u8; 2]>()) {
        let mut message = || {
            let len = bytes.len().min(len.into());
            bytes.bytes(len).unwrap_or_default()
        };
        match what {
            b'R' => play.read(message()),
            b'W' => play.hear(message()),
            _ => ANSWER.set(len),
        }
    }
    play.end();
}

// ---- The bus ----------------------------------------------------------------

thread_local! {
    /// What the next ioctls answer: an errno (0: none), and Ksock numbers.
    static ANSWER: Cell<u8> = const { Cell::new(0) };
}

/// Stands before the C library's own, in this program. That one takes any arguments after the
/// second; where this runs they come in the same registers as one that is named.
///
/// # Safety
///
/// As ioctl: `arg` is what `code` transfers.
#[no_mangle]
unsafe extern "C" fn ioctl(_ksock: c_int, code: c_ulong, arg: *mut c_void) -> c_int {
    let answer = ANSWER.get();
    let (magic, number) = ((code >> 8) & 0xff, code & 0xff);
    let errno = match answer & 7 {
        _ if magic != u64::from(b'k') => libc::ENOTTY,
        1 => libc::EADDRINUSE,
        2 => libc::EINVAL,
        3 => libc::ENOMEM,
        _ => 0,
    };
    let ksock = u32::from(answer >> 3);
    // SAFETY: the caller's promise, and that of kbus: what each number transfers.
    unsafe {
        match number {
            _ if magic != u64::from(b'k') => {}
            2 | 3 => {
                let request = arg.cast::<kbus_bind_request>().read();
                touch(request.name.cast(), request.name_len);
            }
            5 => {
                let query = arg.cast::<kbus_bind_query>();
                touch((*query).name.cast(), (*query).name_len);
                (*query).return_id = ksock;
            }
            _ => arg.cast::<u32>().write(ksock),
        }
        if errno != 0 {
            *libc::__errno_location() = errno;
            return -1;
        }
    }
    0
}

/// Reads all of it, so that who watches memory sees whether it is there.
///
/// # Safety
///
/// `len` bytes from `at` on: that is what is to be seen.
unsafe fn touch(at: *const u8, len: u32) {
    // SAFETY: the caller's promise.
    let sum: u32 = unsafe { std::slice::from_raw_parts(at, len as usize) }
        .iter()
        .map(|&byte| u32::from(byte))
        .sum();
    std::hint::black_box(sum);
}

// ---- A program --------------------------------------------------------------

struct Play {
    bus: File,
    context: *mut Context,
    /// Where messages are printed.
    paper: NonNull<FILE>,
}

/// A message and what it points to, which lives as long.
struct Pointy {
    header: Box<Header>,
    _name: Box<[u8]>,
    _data: Box<[u8]>,
}

impl Play {
    fn new() -> Play {
        ANSWER.set(5 << 3);
        // SAFETY: a string, and a file that nobody else has.
        let bus = unsafe {
            let file = libc::memfd_create(c"bus".as_ptr(), libc::MFD_CLOEXEC);
            assert!(file >= 0);
            File::from_raw_fd(file)
        };
        let mut context = null_mut();
        let name = CString::from(c"$.*").into_raw();
        // SAFETY: strings, and a place for a result; the name comes from into_raw.
        let paper = unsafe {
            let made = kbus_limpet_new_context(bus.as_raw_fd(), 1, 2, name, 0, &raw mut context);
            drop(CString::from_raw(name));
            assert_eq!(made, 0);
            libc::fopen(c"/dev/null".as_ptr(), c"w".as_ptr())
        };
        Play {
            bus,
            context,
            paper: NonNull::new(paper).expect("something to write on"),
        }
    }

    /// A message of the bus.
    fn read(&mut self, bytes: &[u8]) {
        let mut rewritten = || {
            self.bus.set_len(0)?;
            self.bus.rewind()?;
            self.bus.write_all(bytes)?;
            self.bus.rewind()
        };
        rewritten().expect("a file in memory");
        let mut msg = null_mut();
        // SAFETY: a place for a result.
        let read = unsafe { kbus_ksock_read_msg(self.bus.as_raw_fd(), &raw mut msg, bytes.len()) };
        assert_eq!(read < 0, msg.is_null());
        if msg.is_null() {
            return;
        }
        // SAFETY: a message that the library has made, and that is deleted last.
        unsafe {
            assert_eq!(kbus_msg_sizeof(msg), bytes.len() as c_int);
            self.look_at(msg);
            assert!(kbus_limpet_amend_msg_from_kbus(self.context, msg) <= 1);
            kbus_limpet_ReplierBindEvent_hton(msg);
            kbus_limpet_ReplierBindEvent_ntoh(msg);
            kbus_msg_delete(&raw mut msg);
        }
        assert!(msg.is_null());
    }

    /// A message of a limpet's peer: sixteen words, name, data.
    fn hear(&mut self, bytes: &[u8]) {
        let Some(mut pointy) = Pointy::read(bytes) else {
            return;
        };
        let msg = &raw mut *pointy.header;
        let mut error = null_mut();
        // SAFETY: a message with its name and data, which live on to the end of this function,
        // and a place for a result.
        unsafe {
            self.look_at(msg);
            kbus_limpet_ReplierBindEvent_ntoh(msg);
            let sent = kbus_limpet_amend_msg_to_kbus(self.context, msg, &raw mut error);
            assert_eq!(sent == 2, !error.is_null());
            self.delete(error);
            error = null_mut();
            let told =
                kbus_limpet_could_not_send_to_kbus_msg(self.context, msg, 11, &raw mut error);
            assert_eq!(told == 0, !error.is_null());
            self.delete(error);
            // And back again, as if it had come from here.
            kbus_limpet_amend_msg_from_kbus(self.context, msg);
        }
    }

    /// All that can be done with a message without changing it.
    ///
    /// # Safety
    ///
    /// It is one.
    unsafe fn look_at(&self, msg: *mut Header) {
        let (mut is_bind, mut binder, mut name) = (0, 0, null_mut());
        let (mut words, mut again) = ([0; 16], std::mem::MaybeUninit::<Header>::zeroed());
        // SAFETY: the caller's promise, and places for results.
        unsafe {
            for flags in [0, 1] {
                kbus_msg_print2(self.paper.as_ptr(), msg, flags);
            }
            let split =
                kbus_msg_split_bind_event(msg, &raw mut is_bind, &raw mut binder, &raw mut name);
            assert_eq!(split == 0, !name.is_null());
            libc::free(name.cast());

            let data = b"data";
            let (data, len) = (data.as_ptr().cast(), data.len() as u32);
            for create in [kbus_msg_create_reply_to, kbus_msg_create_entire_reply_to] {
                let mut reply = null_mut();
                let made = create(&raw mut reply, msg, data, len, 0);
                assert_eq!(made == 0, !reply.is_null());
                self.delete(reply);
            }
            let (name, mut request) = (c"$.A", null_mut());
            let made = kbus_msg_create_entire_stateful_request(
                &raw mut request,
                msg,
                name.as_ptr(),
                3,
                data,
                len,
                0,
            );
            assert_eq!(made == 0, !request.is_null());
            self.delete(request);

            kbus_serialise_message_header(msg, words.as_mut_ptr());
            kbus_unserialise_message_header(words.as_mut_ptr(), again.as_mut_ptr());
            let (msg, again) = (&*msg, again.assume_init());
            assert_eq!(
                (msg.name_len, msg.data_len, msg.flags, msg.to, msg.from),
                (
                    again.name_len,
                    again.data_len,
                    again.flags,
                    again.to,
                    again.from
                )
            );
        }
    }

    /// Prints a message that the library has made, and deletes it; null is none.
    ///
    /// # Safety
    ///
    /// It is one.
    unsafe fn delete(&self, mut msg: *mut Header) {
        if !msg.is_null() {
            // SAFETY: the caller's promise.
            unsafe {
                kbus_msg_print2(self.paper.as_ptr(), msg, 0);
                kbus_msg_delete(&raw mut msg);
            }
            assert!(msg.is_null());
        }
    }

    fn end(mut self) {
        // SAFETY: both were made in `new` and are not used any more.
        unsafe {
            kbus_limpet_free_context(&raw mut self.context);
            libc::fclose(self.paper.as_ptr());
        }
        assert!(self.context.is_null());
    }
}

impl Pointy {
    /// As a limpet reads it: first the header, then as much as that says.
    fn read(bytes: &[u8]) -> Option<Pointy> {
        let (words, rest) = bytes.split_first_chunk::<64>()?;
        let mut serial = [0_u32; 16];
        for (word, bytes) in serial.iter_mut().zip(words.chunks_exact(4)) {
            *word = u32::from_ne_bytes(bytes.try_into().ok()?);
        }
        let mut header = Box::new(std::mem::MaybeUninit::<Header>::zeroed());
        // SAFETY: sixteen words, and a place for a header, all of which is written or zero.
        let mut header: Box<Header> = unsafe {
            kbus_unserialise_message_header(serial.as_mut_ptr(), header.as_mut_ptr());
            Box::from_raw(Box::into_raw(header).cast())
        };
        let mut name: Box<[u8]> = rest.get(..header.name_len as usize)?.into();
        let rest = rest.get(name.len()..)?;
        let mut data: Box<[u8]> = rest.get(..header.data_len as usize)?.into();
        header.name = name.as_mut_ptr().cast();
        if !data.is_empty() {
            header.data = data.as_mut_ptr().cast();
        }
        Some(Pointy {
            header,
            _name: name,
            _data: data,
        })
    }
}
