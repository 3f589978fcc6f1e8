// SPDX-License-Identifier: GPL-2.0

//! What an open file shows the bus of itself: how to wake it, and how far it is.

use crate::bus::progress::{Part, Progress};
use crate::bus::Notify;
use crate::classic::partial_message::PartialMessage;
use crate::classic::read_cursor::ReadCursor;
use crate::kapi::waitq::{Events, WaitQueue};
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::{static_lock_class, Arc};

/// The bus's end of an open file. It may outlive the file by the length of a wake.
#[pin_data]
pub(crate) struct FilePort {
    #[pin]
    pub(crate) queue: WaitQueue,
    // For /proc/kbus/stats, which may see one of these newer than another.
    read: Atomic<u32>,
    read_of: Atomic<u32>,
    wrote: Atomic<u32>,
    part: Atomic<u32>,
    finished: Atomic<bool>,
}

impl FilePort {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(FilePort {
                queue <- WaitQueue::new(c"kbus::poll", static_lock_class!()),
                read: Atomic::new(0),
                read_of: Atomic::new(0),
                wrote: Atomic::new(0),
                part: Atomic::new(0),
                finished: Atomic::new(false),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Shows how far reading has got.
    pub(crate) fn show_reading(&self, reading: Option<&ReadCursor>) {
        let (at, total) = reading.map_or((0, 0), |r| (r.at(), r.total()));
        self.read.store(at as u32, Relaxed);
        self.read_of.store(total as u32, Relaxed);
    }

    /// Shows how far writing has got.
    pub(crate) fn show_draft(&self, partial: Option<&PartialMessage>) {
        let (part, wrote, finished) =
            partial.map_or((Part::Header, 0, false), PartialMessage::position);
        self.part.store(part as u32, Relaxed);
        self.wrote.store(wrote, Relaxed);
        self.finished.store(finished, Relaxed);
    }
}

impl Notify for Arc<FilePort> {
    fn wake(&self) {
        // Room is seldom what a poll waits for, and then one look too many is no harm.
        self.queue.wake(Events::READABLE.or(Events::WRITABLE));
    }

    fn progress(&self) -> Progress {
        const PARTS: [Part; 7] = [
            Part::Header,
            Part::Name,
            Part::NamePadding,
            Part::Data,
            Part::DataPadding,
            Part::Guard,
            Part::End,
        ];
        let part = self.part.load(Relaxed) as usize;
        Progress {
            read: self.read.load(Relaxed),
            read_of: self.read_of.load(Relaxed),
            wrote: self.wrote.load(Relaxed),
            part: PARTS.get(part).copied().unwrap_or_default(),
            finished: self.finished.load(Relaxed),
        }
    }
}
