// SPDX-License-Identifier: GPL-2.0-only
//! A Ksock, through the classic calls, and the messages for it.

use std::mem::offset_of;
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::poll::PollTimeout;

use crate::sys;
use crate::uapi::{self, kbus_message_header as Header};

/// A message in its entire form.
pub struct Message(Vec<u8>);

impl Message {
    /// A message that announces `len` bytes.
    pub fn announcement(name: &str, len: usize) -> Message {
        let padded_name = name.len() / 4 * 4 + 4;
        let mut bytes = vec![0; size_of::<Header>() + padded_name + len.next_multiple_of(4)];
        bytes[size_of::<Header>()..][..name.len()].copy_from_slice(name.as_bytes());
        bytes[size_of::<Header>() + padded_name..][..len].fill(b'x');
        bytes.extend(uapi::KBUS_MSG_END_GUARD.to_ne_bytes());
        let mut message = Message(bytes);
        message.put(offset_of!(Header, start_guard), uapi::KBUS_MSG_START_GUARD);
        message.put(offset_of!(Header, name_len), name.len() as u32);
        message.put(offset_of!(Header, data_len), len as u32);
        message.put(offset_of!(Header, end_guard), uapi::KBUS_MSG_END_GUARD);
        message
    }

    /// A message that asks for an answer.
    pub fn request(name: &str, len: usize) -> Message {
        let mut message = Message::announcement(name, len);
        message.put(offset_of!(Header, flags), uapi::KBUS_BIT_WANT_A_REPLY);
        message
    }

    /// The same, but if one recipient has no room, nobody gets it, and it waits.
    pub fn all_or_wait(mut self) -> Message {
        self.put(offset_of!(Header, flags), uapi::KBUS_BIT_ALL_OR_WAIT);
        self
    }

    /// Makes this the answer to a request that was read.
    #[inline]
    pub fn answer(&mut self, request: &[u8]) {
        const ID: usize = offset_of!(Header, id);
        const FROM: usize = offset_of!(Header, from);
        self.0[offset_of!(Header, in_reply_to)..][..8].copy_from_slice(&request[ID..ID + 8]);
        self.0[offset_of!(Header, to)..][..4].copy_from_slice(&request[FROM..FROM + 4]);
    }

    #[inline]
    fn put(&mut self, at: usize, word: u32) {
        self.0[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Listen to a name, or reply to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Listener,
    Replier,
}

pub struct Ksock(OwnedFd);

impl Ksock {
    pub fn open() -> Ksock {
        Ksock(sys::open("/dev/kbus0", OFlag::O_RDWR))
    }

    /// One that is bound to a name.
    pub fn bound(role: Role, name: &str) -> Ksock {
        let ksock = Ksock::open();
        ksock.bind(role, name);
        ksock
    }

    #[inline]
    pub fn bind(&self, role: Role, name: &str) {
        sys::ioctl_bind(&self.0, uapi::KBUS_IOC_BIND, role == Role::Replier, name);
    }

    #[inline]
    pub fn unbind(&self, role: Role, name: &str) {
        sys::ioctl_bind(&self.0, uapi::KBUS_IOC_UNBIND, role == Role::Replier, name);
    }

    #[inline]
    pub fn write(&self, message: &Message) {
        let written = sys::write(&self.0, message.bytes());
        assert!(written == message.bytes().len());
    }

    /// Begins to write it, and does not end.
    pub fn write_but_the_end(&self, message: &Message) {
        let bytes = &message.bytes()[..message.bytes().len() - 1];
        assert!(sys::write(&self.0, bytes) == bytes.len());
    }

    #[inline]
    pub fn send(&self) {
        sys::ioctl_send(&self.0);
    }

    /// SENDs; whether it has to wait.
    pub fn send_waits(&self) -> bool {
        sys::ioctl_send_waits(&self.0)
    }

    /// The length of the next message, or 0.
    #[inline]
    pub fn next(&self) -> usize {
        let mut len = 0;
        sys::ioctl_number(&self.0, uapi::KBUS_IOC_NEXTMSG, &mut len);
        len as usize
    }

    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        sys::read(&self.0, buffer)
    }

    /// Waits for a message.
    #[inline]
    pub fn wait(&self) {
        sys::wait(&self.0);
    }

    /// Whether there is a message.
    #[inline]
    pub fn poll(&self) -> bool {
        sys::poll(&self.0, PollTimeout::ZERO)
    }

    #[inline]
    pub fn id(&self) -> u32 {
        let mut id = 0;
        sys::ioctl_number(&self.0, uapi::KBUS_IOC_KSOCKID, &mut id);
        id
    }

    /// How many messages may be queued.
    pub fn set_limit(&self, mut limit: u32) {
        sys::ioctl_number(&self.0, uapi::KBUS_IOC_MAXMSGS, &mut limit);
    }

    /// How many messages are queued.
    pub fn count(&self) -> u32 {
        let mut count = 0;
        sys::ioctl_number(&self.0, uapi::KBUS_IOC_NUMMSGS, &mut count);
        count
    }

    /// From now on one message is queued only once.
    pub fn set_only_once(&self) {
        sys::ioctl_number(&self.0, uapi::KBUS_IOC_MSGONLYONCE, &mut 1);
    }

    /// Whether bindings of repliers are announced, on the whole bus.
    pub fn report_replier_binds(&self, on: bool) {
        sys::ioctl_number(&self.0, uapi::KBUS_IOC_REPORTREPLIERBINDS, &mut on.into());
    }

    pub fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// Takes the next message, which is there, and is of this length.
    #[inline]
    pub fn take(&self, buffer: &mut [u8]) {
        let len = self.next();
        assert!(len == buffer.len());
        assert!(self.read(buffer) == len);
    }
}
