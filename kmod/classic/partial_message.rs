// SPDX-License-Identifier: GPL-2.0-only

//! The message that is being written: bytes in, in pieces of any size (specification 3.4).

use crate::bus::message::{padded_data_len, padded_name_len, Header, Message, GUARD};
use crate::bus::name::{CheckedName, Name};
use crate::bus::progress::Part;
use crate::bus::BusError;
use crate::classic::header::{Layout, RawHeader};
use crate::kapi::bytes::Bytes;
use kernel::prelude::*;

/// What has been written of a message so far.
pub(crate) struct PartialMessage {
    layout: Layout,
    bytes: Bytes,
    /// Known once the header is whole, and then checked.
    header: Option<RawHeader>,
    /// Known once the name is whole, if it does not lie elsewhere, and then checked.
    name: Option<CheckedName>,
}

/// A finished message.
pub(crate) enum Finished {
    /// With everything in it.
    Entire(Message),
    /// Its name and data still lie in the memory of the program.
    Pointy(RawHeader),
}

impl PartialMessage {
    /// A message of which nothing is written yet.
    pub(crate) fn new(layout: Layout) -> Self {
        PartialMessage {
            layout,
            bytes: Bytes::new(),
            header: None,
            name: None,
        }
    }

    /// Returns how many bytes of one write are of any use at the most: one more is too many for
    /// any message.
    pub(crate) fn longest_useful_write(max_message: u32) -> usize {
        max_message as usize + Layout::Long.header_len() + 1
    }

    /// Appends what was written.
    ///
    /// `max_message` is the longest message allowed, in bytes, now.
    ///
    /// # Errors
    ///
    /// `BadMessage`, `NameTooLong`, `BadName`, `TooLong` as soon as the part that is wrong is
    /// complete, and `NoMemory`. The message is to be thrown away then.
    pub(crate) fn append(&mut self, bytes: Bytes, max_message: u32) -> Result<(), BusError> {
        let before = self.bytes.len();
        if before == 0 {
            self.bytes = bytes;
        } else {
            // Once the length is known, memory is got in one go.
            let rest = match &self.header {
                Some(written) => self.layout.total(written).saturating_sub(before),
                None => 0,
            };
            self.bytes
                .reserve(rest.max(bytes.len()), GFP_KERNEL_ACCOUNT)?;
            self.bytes.extend_from_slice(&bytes, GFP_KERNEL_ACCOUNT)?;
        }
        let now = self.bytes.len();

        let header_len = self.layout.header_len();
        let written = match &self.header {
            Some(written) => written,
            None => {
                let Some(header) = self.bytes.get(..header_len) else {
                    return Ok(());
                };
                let written = self.layout.parse(header)?;
                if self.layout.message_len(&written.header) > u64::from(max_message) {
                    return Err(BusError::TooLong);
                }
                self.header.insert(written)
            }
        };
        let total = self.layout.total(written);
        if !written.is_pointy() {
            let name_end = header_len + written.header.name_len as usize;
            if self.name.is_none() {
                if let Some(name) = self.bytes.get(header_len..name_end) {
                    self.name = Some(Name::new(name)?.checked());
                }
            }
            if before < total {
                if let Some(guard) = self.bytes.get(total - GUARD.len()..total) {
                    if guard != GUARD {
                        return Err(BusError::BadMessage);
                    }
                }
            }
        }
        if now > total {
            return Err(BusError::TooLong);
        }
        Ok(())
    }

    /// Returns the message.
    ///
    /// # Errors
    ///
    /// `Unfinished` if not all of it is there, and those of [`Message::new`].
    pub(crate) fn finish(self) -> Result<Finished, BusError> {
        let Some(written) = self.header else {
            return Err(BusError::Unfinished);
        };
        if written.is_pointy() {
            return Ok(Finished::Pointy(written));
        }
        let header_len = self.layout.header_len();
        let name = self.name.ok_or(BusError::Unfinished)?;
        Message::new(written.header, name, self.bytes, header_len).map(Finished::Entire)
    }

    /// Returns which part is being written, how many bytes of it there are, and whether all is there.
    pub(crate) fn position(&self) -> (Part, u32, bool) {
        let Some(written) = &self.header else {
            return (Part::Header, self.bytes.len() as u32, false);
        };
        if written.is_pointy() {
            return (Part::Name, 0, true);
        }
        let Header {
            name_len, data_len, ..
        } = written.header;
        let parts = [
            (Part::Name, u64::from(name_len)),
            (
                Part::NamePadding,
                padded_name_len(name_len) - u64::from(name_len),
            ),
            (Part::Data, u64::from(data_len)),
            (
                Part::DataPadding,
                padded_data_len(data_len) - u64::from(data_len),
            ),
            (Part::Guard, GUARD.len() as u64),
        ];
        let mut left = (self.bytes.len() - self.layout.header_len()) as u64;
        for (part, len) in parts {
            if left < len {
                return (part, left as u32, false);
            }
            left -= len;
        }
        (Part::End, 0, true)
    }
}

impl RawHeader {
    /// Returns whether name and data lie elsewhere.
    pub(crate) fn is_pointy(&self) -> bool {
        self.name != 0
    }
}

impl Layout {
    /// Returns how many bytes are to be written of such a message. It was found to be short
    /// enough.
    fn total(self, written: &RawHeader) -> usize {
        if written.is_pointy() {
            self.header_len()
        } else {
            self.message_len(&written.header) as usize
        }
    }
}
