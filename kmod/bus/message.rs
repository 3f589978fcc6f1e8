// SPDX-License-Identifier: GPL-2.0-only

//! A message: what was sent, once, however many read it.
//!
//! A `Message` is whole and valid by construction, and does not change once it is shared. What
//! differs from copy to copy (whether its reader is to answer) is with the queue entry.

use super::error::BusError;
use super::id::{KsockId, MsgId, OrigFrom};
use super::name::{CheckedName, Name};
use crate::kapi::bytes::Bytes;
use crate::uapi;
use kernel::prelude::*;

/// A message's fields, whichever layout they were written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: MsgId,
    pub(crate) in_reply_to: MsgId,
    pub(crate) to: u32,
    pub(crate) from: u32,
    pub(crate) orig_from: OrigFrom,
    pub(crate) final_to: OrigFrom,
    pub(crate) flags: u32,
    pub(crate) name_len: u32,
    pub(crate) data_len: u32,
}

impl Header {
    /// Returns whether this message wants an answer: a request, stateful or not.
    pub(crate) fn is_request(&self) -> bool {
        self.flags & uapi::KBUS_BIT_WANT_A_REPLY != 0
    }

    /// Returns whether this is an answer. Nothing but `in_reply_to` is looked at.
    pub(crate) fn is_reply(&self) -> bool {
        self.in_reply_to != MsgId::NONE
    }

    pub(crate) fn is_urgent(&self) -> bool {
        self.flags & uapi::KBUS_BIT_URGENT != 0
    }

    pub(crate) fn all_or_wait(&self) -> bool {
        self.flags & uapi::KBUS_BIT_ALL_OR_WAIT != 0
    }

    pub(crate) fn all_or_fail(&self) -> bool {
        self.flags & uapi::KBUS_BIT_ALL_OR_FAIL != 0
    }

    /// Returns how many bytes follow the header of the entire form: name, data, their paddings,
    /// end guard.
    /// They are the same in every layout. No overflow: two lengths of 32 bits in 64.
    pub(crate) fn body_len(&self) -> u64 {
        padded_name_len(self.name_len) + padded_data_len(self.data_len) + GUARD.len() as u64
    }
}

/// The four bytes that end an entire message.
pub(crate) const GUARD: [u8; 4] = uapi::KBUS_MSG_END_GUARD.to_ne_bytes();

/// Returns the length of a name with its padding, 1 to 4 zero bytes.
pub(crate) const fn padded_name_len(len: u32) -> u64 {
    (len as u64 + 4) / 4 * 4
}

/// Returns the length of data with its padding, 0 to 3 zero bytes.
pub(crate) const fn padded_data_len(len: u32) -> u64 {
    (len as u64 + 3) / 4 * 4
}

/// A whole message with a name that may be sent.
pub(crate) struct Message {
    header: Header,
    sender: Option<KsockId>,
    name: CheckedName,
    /// The body (see [`Header::body_len`]) from `start` on. What lies before it is of no use,
    /// but moving the body would cost a copy.
    storage: Bytes,
    start: usize,
}

impl Message {
    /// Makes a message of a header and the body that begins at `start` in `storage`, with the
    /// name that was checked there.
    ///
    /// What a sender may not say is corrected: SYNTHETIC is cleared, paddings are zeroed.
    ///
    /// # Errors
    ///
    /// `Unfinished` when the body is not all there, or the name that was checked is not its.
    pub(crate) fn new(
        header: Header,
        name: CheckedName,
        mut storage: Bytes,
        start: usize,
    ) -> Result<Message, BusError> {
        let name_len = header.name_len as usize;
        let data_len = header.data_len as usize;
        let name_room = padded_name_len(header.name_len) as usize;
        let data_room = padded_data_len(header.data_len) as usize;
        let body = storage
            .get_mut(start..)
            .filter(|body| body.len() as u64 == header.body_len())
            .filter(|_| name.len() == header.name_len)
            .ok_or(BusError::Unfinished)?;

        let (name_part, rest) = body.split_at_mut(name_room);
        let (data, guard) = rest.split_at_mut(data_room);
        name_part.split_at_mut(name_len).1.fill(0);
        data.split_at_mut(data_len).1.fill(0);
        guard.copy_from_slice(&GUARD);

        let mut header = header;
        header.flags &= !uapi::KBUS_BIT_SYNTHETIC;
        Ok(Message {
            header,
            sender: None,
            name,
            storage,
            start,
        })
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The bus says who sent it and, unless the sender brought its own, under which id.
    pub(super) fn stamp(&mut self, id: MsgId, from: KsockId) {
        self.header.id = id;
        self.header.from = from.get();
        self.sender = Some(from);
    }

    /// Returns the Ksock that sent it, once it is sent.
    pub(super) fn sender(&self) -> Option<KsockId> {
        self.sender
    }

    pub(crate) fn name(&self) -> Name<'_> {
        let text = self.body().get(..self.header.name_len as usize);
        Name::of_message(text.unwrap_or(&[]), self.name)
    }

    /// Name, data, paddings and end guard, as a reader gets them behind the header.
    pub(crate) fn body(&self) -> &[u8] {
        self.storage.get(self.start..).unwrap_or(&[])
    }
}
