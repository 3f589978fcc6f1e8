// SPDX-License-Identifier: GPL-2.0-only

//! The bus's end of an open file: how to wake it, and how far it is.

use crate::bus::progress::{Part, Progress};
use crate::bus::{Notify, Wake};
use crate::kapi::memcg::{self, Memcg};
use crate::kapi::waitq::{Events, WaitQueue};
use kernel::alloc::Flags;
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::{static_lock_class, Arc};

/// What the bus wakes an open file by. It may outlive the file by the length of a wake.
#[pin_data]
pub(crate) struct FileNotify {
    #[pin]
    pub(crate) queue: WaitQueue,
    /// The memory cgroup of the process that opened the file, which pays for what waits in it to
    /// be read.
    memcg: Memcg,
    // For /proc/kbus/stats, which may see one of these newer than another.
    read: Atomic<u32>,
    read_of: Atomic<u32>,
    wrote: Atomic<u32>,
    part: Atomic<u32>,
    finished: Atomic<bool>,
}

impl FileNotify {
    /// For a file that the current process opens, which reads and writes nothing yet.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(FileNotify {
                queue <- WaitQueue::new(c"kbus::poll", static_lock_class!()),
                memcg: Memcg::of_caller(),
                read: Atomic::new(0),
                read_of: Atomic::new(0),
                wrote: Atomic::new(0),
                part: Atomic::new(0),
                finished: Atomic::new(false),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Shows how far reading has got: `at` of `total` bytes.
    pub(crate) fn show_read(&self, (at, total): (u32, u32)) {
        self.read.store(at, Relaxed);
        self.read_of.store(total, Relaxed);
    }

    /// Shows how far writing has got: `wrote` bytes of `part`, and whether that was the last of
    /// the message.
    pub(crate) fn show_written(&self, (part, wrote, finished): (Part, u32, bool)) {
        self.part.store(part as u32, Relaxed);
        self.wrote.store(wrote, Relaxed);
        self.finished.store(finished, Relaxed);
    }
}

impl Notify for Arc<FileNotify> {
    const ON_ACCOUNT: Flags = memcg::ON_ACCOUNT;

    fn wake(&self, why: Wake) {
        // With one direction alone the kernel knows which of several that wait is enough.
        self.queue.wake(match why {
            Wake::Readable => Events::READABLE,
            Wake::Writable => Events::WRITABLE,
            Wake::Retry => Events::READABLE.or(Events::WRITABLE),
        });
    }

    fn is_waited_for(&self) -> bool {
        self.queue.is_waited_in()
    }

    fn on_account<R>(&self, allocate: impl FnOnce() -> R) -> R {
        self.memcg.charged_to(allocate)
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
