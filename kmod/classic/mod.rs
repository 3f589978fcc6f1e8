// SPDX-License-Identifier: GPL-2.0-only

//! The classic calls: a message goes in by `write` and SEND, and out by NEXTMSG and `read`, in
//! pieces of any size. This is what they keep from one call to the next, and how a message looks
//! outside the bus. No locks, no user memory.

pub(crate) mod header;
pub(crate) mod partial_message;
pub(crate) mod read_cursor;

use crate::bus::progress::Part;
use crate::bus::BusError;
use crate::kapi::bytes::Bytes;
use header::Layout;
use kernel::prelude::*;
use partial_message::PartialMessage;
use read_cursor::ReadCursor;

/// What the classic calls of one Ksock have begun.
pub(crate) struct Classic {
    /// The message being written.
    partial: Option<PartialMessage>,
    /// A send waited for capacity, and was left to the bus. What has become of it the bus alone
    /// knows; this says that it is to be asked.
    pub(crate) pending: bool,
    /// The message being read, and how many there have been.
    cursor: Option<ReadCursor>,
    messages_read: u64,
}

/// The current message as it was when a read looked at it.
pub(crate) struct CurrentMessage {
    /// Where the read begins. It shares the message, so that having one costs a reference count.
    pub(crate) cursor: ReadCursor,
    number: u64,
}

impl Classic {
    /// Nothing has begun.
    pub(crate) const fn new() -> Self {
        Classic {
            partial: None,
            pending: false,
            cursor: None,
            messages_read: 0,
        }
    }

    /// Appends `bytes` to the message being written, or begins one.
    ///
    /// `max_message` is the longest message allowed, in bytes, now.
    ///
    /// # Errors
    ///
    /// Those of [`PartialMessage::append`]. The message is to be [given up](Self::give_up) then.
    pub(crate) fn append(
        &mut self,
        layout: Layout,
        bytes: Bytes,
        max_message: u32,
    ) -> Result<(), BusError> {
        self.partial
            .get_or_insert_with(|| PartialMessage::new(layout))
            .append(bytes, max_message)
    }

    /// Throws away what was written.
    pub(crate) fn give_up(&mut self) {
        self.partial = None;
    }

    /// Takes what was written, to be sent.
    pub(crate) fn take_partial(&mut self) -> Option<PartialMessage> {
        self.partial.take()
    }

    /// Returns which part is being written, how many bytes of it there are, and whether the
    /// message is finished.
    pub(crate) fn written(&self) -> (Part, u32, bool) {
        match &self.partial {
            Some(partial) => partial.position(),
            None => (Part::Header, 0, false),
        }
    }

    /// Replaces the current message by the next one, and returns the one before.
    pub(crate) fn replace_current(&mut self, next: Option<ReadCursor>) -> Option<ReadCursor> {
        self.messages_read += 1;
        core::mem::replace(&mut self.cursor, next)
    }

    /// Returns the current message, to be copied to its reader.
    pub(crate) fn current(&self) -> Option<CurrentMessage> {
        Some(CurrentMessage {
            cursor: self.cursor.clone()?,
            number: self.messages_read,
        })
    }

    /// Goes on behind the `count` bytes that were copied of `seen`. A message that has been read
    /// to its end is returned, to be freed outside the lock.
    ///
    /// # Errors
    ///
    /// If other bytes are the next ones now, nothing changes.
    pub(crate) fn advance(
        &mut self,
        seen: &CurrentMessage,
        count: usize,
    ) -> Result<Option<ReadCursor>, Overtaken> {
        match &mut self.cursor {
            Some(now) if self.messages_read == seen.number && now.at() == seen.cursor.at() => {
                Ok(if now.advance(count) {
                    self.cursor.take()
                } else {
                    None
                })
            }
            _ => Err(Overtaken),
        }
    }

    /// Returns how many bytes of the current message have been read, and its length; 0 and 0 if
    /// there is none.
    pub(crate) fn read(&self) -> (u32, u32) {
        match &self.cursor {
            Some(cursor) => (cursor.at() as u32, cursor.total() as u32),
            None => (0, 0),
        }
    }
}

/// Another thread read the same bytes meanwhile, or NEXTMSG came.
pub(crate) struct Overtaken;
