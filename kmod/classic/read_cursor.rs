// SPDX-License-Identifier: GPL-2.0-only

//! The message that is being read: bytes out, in pieces of any size (specification 3.3).

use crate::bus::message::{padded_name_len, GUARD};
use crate::bus::queue::Content;
use crate::bus::synthetic::BindEvent;
use crate::classic::header::Layout;

/// The message that NEXTMSG took from the queue, and how far it has been read. A clone shares the
/// message.
#[derive(Clone)]
pub(crate) struct ReadCursor {
    content: Content,
    /// Its reader is the one to answer.
    yours: bool,
    layout: Layout,
    total: usize,
    at: usize,
}

const ZEROS: [u8; 4] = [0; 4];

impl ReadCursor {
    /// A copy of which nothing is read yet; `yours` says that its reader is the one to answer.
    pub(crate) fn new(layout: Layout, content: Content, yours: bool) -> Self {
        ReadCursor {
            // What was accepted is short enough.
            total: layout.message_len(&content.header()) as usize,
            content,
            yours,
            layout,
            at: 0,
        }
    }

    /// Returns the length of the message, in bytes.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Returns how many bytes have been read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns how many bytes have not been read.
    pub(crate) fn left(&self) -> usize {
        self.total - self.at
    }

    /// Goes on behind `count` more bytes, and returns whether that was the last of them.
    pub(crate) fn advance(&mut self, count: usize) -> bool {
        self.at = self.at.saturating_add(count).min(self.total);
        self.at == self.total
    }

    /// Calls `put` with the next bytes, piece by piece, `count` at the most in all.
    ///
    /// # Errors
    ///
    /// The first one of `put`, which is not called again then.
    pub(crate) fn copy<E>(
        &self,
        count: usize,
        mut put: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let header = self.layout.encode(&self.content, self.yours);
        let header = header.get(..self.layout.header_len()).unwrap_or(&[]);
        let event = self.event_data();
        let pieces: [&[u8]; 7] = match &self.content {
            Content::Message(message) => [header, message.body(), &[], &[], &[], &[], &[]],
            Content::Synthetic(said) => {
                let name = said.name();
                [header, name, padding(name), &GUARD, &[], &[], &[]]
            }
            Content::Event(bound) => {
                let (name, bound) = (BindEvent::name().text(), bound.bound_name());
                let (gap, end) = (padding(name), padding(bound));
                [header, name, gap, &event, bound, end, &GUARD]
            }
        };

        let mut skip = self.at;
        let mut left = count.min(self.left());
        for piece in pieces {
            if left == 0 {
                break;
            }
            let Some(piece) = piece.get(skip..) else {
                skip -= piece.len();
                continue;
            };
            skip = 0;
            let piece = piece.get(..left).unwrap_or(piece);
            if !piece.is_empty() {
                put(piece)?;
            }
            left -= piece.len();
        }
        Ok(())
    }

    /// Returns the fixed part of a bind event's data.
    fn event_data(&self) -> [u8; 12] {
        let mut data = [0; 12];
        if let Content::Event(event) = &self.content {
            for (bytes, word) in data.chunks_exact_mut(4).zip(event.data_start()) {
                bytes.copy_from_slice(&word.to_ne_bytes());
            }
        }
        data
    }
}

/// Returns the padding that follows a name.
fn padding(name: &[u8]) -> &'static [u8] {
    let padded = padded_name_len(name.len() as u32) as usize;
    ZEROS.get(..padded - name.len()).unwrap_or(&ZEROS)
}
