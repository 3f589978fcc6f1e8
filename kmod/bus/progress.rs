// SPDX-License-Identifier: GPL-2.0-only

//! How far a file has got with the message it reads and the one it writes: for
//! `/proc/kbus/stats`, and of no importance to the bus.

/// How far reading and writing have got, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes read of the current message; 0 if there is none.
    pub(crate) read: u32,
    /// The length of the current message; 0 if there is none.
    pub(crate) read_of: u32,
    /// Bytes written of the current part.
    pub(crate) wrote: u32,
    /// The part that is being written.
    pub(crate) part: Part,
    /// All of the message is written.
    pub(crate) finished: bool,
}

impl Progress {
    /// Returns the same when all that was written is gone.
    pub(super) fn nothing_written(self) -> Progress {
        Progress {
            wrote: 0,
            part: Part::Header,
            finished: false,
            ..self
        }
    }
}

/// The parts of a message in the order in which they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    #[default]
    Header,
    Name,
    NamePadding,
    Data,
    DataPadding,
    Guard,
    /// An entire message is finished.
    End,
}
