// SPDX-License-Identifier: GPL-2.0-only
//! The C library as a subject: the functions of `kbus/kbus.h`, called as a C program calls them.
//! Their prototypes and the layout of a message are written from there, and from section 2.3.

use std::ffi::{c_char, c_int, c_void, CString};
use std::ptr::null_mut;

use kbus_test_conformance::{
    proc_bindings, proc_stats, Binding, Errno, Handle, Id, Msg, Need, Result, Subject, ASK, EAGAIN,
    EBADMSG, ENAMETOOLONG, MAX_NAME, NO_ID,
};

// For its symbols, which are C's.
use kbus_capi as _;

/// `struct kbus_message_header`.
#[repr(C)]
struct Header {
    start_guard: u32,
    id: [u32; 2],
    in_reply_to: [u32; 2],
    to: u32,
    from: u32,
    orig_from: [u32; 2],
    final_to: [u32; 2],
    extra: u32,
    flags: u32,
    name_len: u32,
    data_len: u32,
    name: *mut c_char,
    data: *mut c_void,
    end_guard: u32,
}

const READABLE: c_int = 1;
const WRITABLE: c_int = 2;

#[rustfmt::skip]
extern "C" {
    fn kbus_ksock_open_cloexec(device: u32, flags: c_int) -> c_int;
    fn kbus_ksock_close(ksock: c_int) -> c_int;
    fn kbus_ksock_bind(ksock: c_int, name: *const c_char, is_replier: u32) -> c_int;
    fn kbus_ksock_unbind(ksock: c_int, name: *const c_char, is_replier: u32) -> c_int;
    fn kbus_ksock_find_replier(ksock: c_int, name: *const c_char, replier: *mut u32) -> c_int;
    fn kbus_ksock_id(ksock: c_int, id: *mut u32) -> c_int;
    fn kbus_ksock_last_msg_id(ksock: c_int, id: *mut [u32; 2]) -> c_int;
    fn kbus_ksock_num_messages(ksock: c_int, count: *mut u32) -> c_int;
    fn kbus_ksock_num_unreplied_to(ksock: c_int, count: *mut u32) -> c_int;
    fn kbus_ksock_max_messages(ksock: c_int, limit: *mut u32) -> c_int;
    fn kbus_ksock_max_message_size(ksock: c_int, bytes: *mut u32) -> c_int;
    fn kbus_ksock_only_once(ksock: c_int, request: u32) -> c_int;
    fn kbus_ksock_report_replier_binds(ksock: c_int, request: u32) -> c_int;
    fn kbus_ksock_kernel_module_verbose(ksock: c_int, request: u32) -> c_int;
    fn kbus_ksock_is_only_once(ksock: c_int, is_on: *mut u32) -> c_int;
    fn kbus_ksock_is_reporting_replier_binds(ksock: c_int, is_on: *mut u32) -> c_int;
    fn kbus_ksock_is_verbose(ksock: c_int, is_on: *mut u32) -> c_int;
    fn kbus_ksock_wait(ksock: c_int, wait_for: c_int, milliseconds: c_int) -> c_int;
    fn kbus_ksock_read_next_msg(ksock: c_int, msg: *mut *mut Header) -> c_int;
    fn kbus_ksock_send(ksock: c_int, id: *mut [u32; 2]) -> c_int;
    fn kbus_ksock_send_msg(ksock: c_int, msg: *const Header, id: *mut [u32; 2]) -> c_int;
    fn kbus_ksock_discard(ksock: c_int) -> c_int;
    fn kbus_msg_create_entire(msg: *mut *mut Header, name: *const c_char, name_len: u32, data: *const c_void, data_len: u32, flags: u32) -> c_int;
    fn kbus_msg_delete(msg: *mut *mut Header);
    fn kbus_msg_sizeof(msg: *const Header) -> c_int;
}

/// What functions return: a number, or a negative errno.
fn check(returned: c_int) -> Result<c_int> {
    if returned < 0 {
        Err(Errno(-returned))
    } else {
        Ok(returned)
    }
}

/// A function that takes a Ksock, and a variable for one word.
type Word = unsafe extern "C" fn(c_int, *mut u32) -> c_int;

fn word(function: Word, ksock: Handle, mut value: u32) -> Result<u32> {
    // SAFETY: it reads and writes a u32, which `value` is.
    check(unsafe { function(ksock as c_int, &mut value) })?;
    Ok(value)
}

fn told(function: Word, ksock: Handle) -> u32 {
    word(function, ksock, 0).expect("a number")
}

/// Sets what a function sets, which does not say what it was; another one does.
fn switch(
    is_on: Word,
    set: unsafe extern "C" fn(c_int, u32) -> c_int,
    ksock: Handle,
    value: u32,
) -> Result<u32> {
    let was = word(is_on, ksock, ASK)?;
    // SAFETY: numbers only.
    check(unsafe { set(ksock as c_int, value) }).map(|_| was)
}

fn id([net, serial]: [u32; 2]) -> Id {
    Id { net, serial }
}

/// A name as functions take it. One that has a NUL in it C cannot say: it is refused here, as the
/// bus refuses it.
fn string(name: &[u8]) -> Result<CString> {
    let refused = match name.len() {
        0..=MAX_NAME => EBADMSG,
        _ => ENAMETOOLONG,
    };
    CString::new(name).map_err(|_| refused)
}

/// A message of the library's.
struct Message(*mut Header);

impl Message {
    fn new(msg: &Msg) -> Result<Message> {
        let mut message = Message(null_mut());
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a message");
        // SAFETY: name and data are as long as is said, and copied; the pointer is ours to
        // be written to.
        let made = unsafe {
            kbus_msg_create_entire(
                &mut message.0,
                msg.name.as_ptr().cast(),
                len(&msg.name),
                msg.data.as_ptr().cast(),
                len(&msg.data),
                msg.flags,
            )
        };
        assert!(message.0.is_null() == (made < 0));
        check(made)?;
        // SAFETY: not null, so a message, and ours.
        let header = unsafe { &mut *message.0 };
        header.id = [msg.id.net, msg.id.serial];
        header.in_reply_to = [msg.in_reply_to.net, msg.in_reply_to.serial];
        header.to = msg.to;
        header.from = msg.from;
        header.orig_from = msg.orig_from.into();
        header.final_to = msg.final_to.into();
        header.extra = msg.extra;
        Ok(message)
    }

    fn msg(&self) -> Msg {
        // SAFETY: not null where this is called, so an entire message.
        let header = unsafe { &*self.0 };
        assert!(header.name.is_null() && header.data.is_null());
        let (name_len, data_len) = (header.name_len as usize, header.data_len as usize);
        let data_at = (name_len / 4 + 1) * 4;
        // SAFETY: as above.
        let len = check(unsafe { kbus_msg_sizeof(self.0) }).expect("its length") as usize;
        assert!(len == size_of::<Header>() + data_at + data_len.next_multiple_of(4) + 4);
        // SAFETY: an entire message is this long, and name, data and a guard follow the header.
        let rest = unsafe {
            std::slice::from_raw_parts(self.0.add(1).cast::<u8>(), len - size_of::<Header>())
        };
        Msg {
            id: id(header.id),
            in_reply_to: id(header.in_reply_to),
            to: header.to,
            from: header.from,
            orig_from: header.orig_from.into(),
            final_to: header.final_to.into(),
            extra: header.extra,
            flags: header.flags,
            name: rest[..name_len].to_vec(),
            data: rest[data_at..][..data_len].to_vec(),
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: null, or from the library, which frees it.
        unsafe { kbus_msg_delete(&mut self.0) };
        assert!(self.0.is_null());
    }
}

/// Handles are Ksocks, which are descriptors.
#[derive(Default)]
pub struct C {
    open: usize,
}

impl C {
    fn ready(&self, ksock: Handle, wait_for: c_int, milliseconds: c_int) -> (bool, bool) {
        // SAFETY: numbers only.
        let ready = check(unsafe { kbus_ksock_wait(ksock as c_int, wait_for, milliseconds) });
        let ready = ready.expect("poll");
        (ready & READABLE != 0, ready & WRITABLE != 0)
    }
}

impl Subject for C {
    fn can(&self, need: Need) -> bool {
        match need {
            Need::OtherBus
            | Need::MaxSize
            | Need::Fields
            | Need::SendAgain
            | Need::Roles
            | Need::Speed => true,
        }
    }

    fn open(&mut self, bus: u32) -> Result<Handle> {
        // SAFETY: numbers only.
        let ksock = check(unsafe { kbus_ksock_open_cloexec(bus, libc::O_RDWR) })?;
        self.open += 1;
        Ok(ksock as Handle)
    }

    fn close(&mut self, ksock: Handle) {
        // SAFETY: a Ksock that `open` has opened, and that is used no more.
        check(unsafe { kbus_ksock_close(ksock as c_int) }).expect("close");
        self.open -= 1;
    }

    fn id(&mut self, ksock: Handle) -> u32 {
        told(kbus_ksock_id, ksock)
    }

    fn bind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()> {
        let name = string(name)?;
        // SAFETY: the string outlives the call.
        check(unsafe { kbus_ksock_bind(ksock as c_int, name.as_ptr(), role) }).map(drop)
    }

    fn unbind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()> {
        let name = string(name)?;
        // SAFETY: the string outlives the call.
        check(unsafe { kbus_ksock_unbind(ksock as c_int, name.as_ptr(), role) }).map(drop)
    }

    fn replier(&mut self, ksock: Handle, name: &[u8]) -> Result<Option<u32>> {
        let name = string(name)?;
        let mut replier = u32::MAX;
        // SAFETY: the string outlives the call, and the variable is ours.
        check(unsafe { kbus_ksock_find_replier(ksock as c_int, name.as_ptr(), &mut replier) })?;
        Ok(Some(replier).filter(|&replier| replier != 0))
    }

    fn send(&mut self, ksock: Handle, msg: &Msg) -> Result<Id> {
        let message = Message::new(msg)?;
        let mut sent = [0; 2];
        // SAFETY: a message of the library's, and our variable.
        let returned = unsafe { kbus_ksock_send_msg(ksock as c_int, message.0, &mut sent) };
        match check(returned) {
            Ok(_) => Ok(id(sent)),
            // It has an id all the same (7).
            Err(EAGAIN) => {
                assert!(id(sent) == self.last_sent(ksock), "the id {sent:?}");
                Err(EAGAIN)
            }
            Err(errno) => {
                assert!(id(sent) == NO_ID, "the id {sent:?} and {errno:?}");
                Err(errno)
            }
        }
    }

    fn send_again(&mut self, ksock: Handle) -> Result<Id> {
        let mut sent = [0; 2];
        // SAFETY: the variable is ours.
        check(unsafe { kbus_ksock_send(ksock as c_int, &mut sent) })?;
        Ok(id(sent))
    }

    fn discard(&mut self, ksock: Handle) {
        // SAFETY: a number only.
        check(unsafe { kbus_ksock_discard(ksock as c_int) }).expect("DISCARD");
    }

    fn next(&mut self, ksock: Handle) -> Result<Option<Msg>> {
        let mut message = Message(null_mut());
        // SAFETY: the pointer is ours to be written to.
        check(unsafe { kbus_ksock_read_next_msg(ksock as c_int, &mut message.0) })?;
        Ok((!message.0.is_null()).then(|| message.msg()))
    }

    fn poll(&mut self, ksock: Handle) -> (bool, bool) {
        self.ready(ksock, READABLE | WRITABLE, 0)
    }

    fn wait(&mut self, ksock: Handle, reading: bool) -> (bool, bool) {
        // The limit of the test ends it.
        let wait_for = if reading { READABLE } else { WRITABLE };
        let ready = self.ready(ksock, wait_for, -1);
        assert!(ready == (reading, !reading), "{ready:?}");
        self.poll(ksock)
    }

    fn count(&mut self, ksock: Handle) -> u32 {
        told(kbus_ksock_num_messages, ksock)
    }

    fn owed(&mut self, ksock: Handle) -> u32 {
        told(kbus_ksock_num_unreplied_to, ksock)
    }

    fn last_sent(&mut self, ksock: Handle) -> Id {
        let mut last = [u32::MAX; 2];
        // SAFETY: the variable is ours.
        check(unsafe { kbus_ksock_last_msg_id(ksock as c_int, &mut last) }).expect("LASTSENT");
        id(last)
    }

    fn max_messages(&mut self, ksock: Handle, limit: u32) -> Result<u32> {
        word(kbus_ksock_max_messages, ksock, limit)
    }

    fn only_once(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        switch(kbus_ksock_is_only_once, kbus_ksock_only_once, ksock, value)
    }

    fn verbose(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        switch(
            kbus_ksock_is_verbose,
            kbus_ksock_kernel_module_verbose,
            ksock,
            value,
        )
    }

    fn report(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        switch(
            kbus_ksock_is_reporting_replier_binds,
            kbus_ksock_report_replier_binds,
            ksock,
            value,
        )
    }

    fn max_size(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        word(kbus_ksock_max_message_size, ksock, value)
    }

    fn bindings(&mut self) -> Vec<Binding> {
        proc_bindings()
    }

    fn stats(&mut self) -> String {
        proc_stats()
    }

    fn end(self: Box<Self>) {
        assert!(self.open == 0);
    }
}
