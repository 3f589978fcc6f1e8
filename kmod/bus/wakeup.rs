// SPDX-License-Identifier: GPL-2.0-only

//! Waking files: noted while the bus is locked, done when it is unlocked.

use super::error::BusError;
use super::progress::Progress;
use kernel::alloc::Flags;
use kernel::prelude::*;

/// The file at the other end of a Ksock: cheap to clone, still there when all else is closed.
pub(crate) trait Notify: Clone {
    /// With which flags to allocate at another's expense: it fails rather than harm them.
    const ON_ACCOUNT: Flags;

    /// Wakes those who wait for this.
    fn wake(&self, why: Wake);

    /// Returns whether somebody waits to be woken, or may soon. Asked under the lock of the bus,
    /// after what it waits for has happened: who comes later finds it.
    fn is_waited_for(&self) -> bool;

    /// Allocates at the expense of whoever opened the file, with [`Self::ON_ACCOUNT`].
    fn on_account<R>(&self, allocate: impl FnOnce() -> R) -> R;

    /// Returns how far reading and writing have got.
    fn progress(&self) -> Progress;
}

/// What a file is woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// A message was queued.
    Readable,
    /// A send waits no more.
    Writable,
    /// A send that waits is to be tried again, which whoever polls does, whatever for.
    Retry,
}

/// Files to be woken once the bus is unlocked.
///
/// Waking takes far longer than queueing, and those who wake want the bus at once. Where there
/// is no space to note one more it is woken then and there, which is late for no reader.
pub(crate) struct WakeQueue<N>(KVVec<(N, Wake)>);

impl<N: Notify> WakeQueue<N> {
    pub(super) fn new() -> Self {
        WakeQueue(KVVec::new())
    }

    /// Gets space for `count` files in all.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(super) fn reserve(&mut self, count: usize) -> Result<(), BusError> {
        let more = count.saturating_sub(self.0.len());
        Ok(self.0.reserve(more, GFP_KERNEL_ACCOUNT)?)
    }

    /// Returns how many more files can be noted.
    pub(super) fn space(&self) -> usize {
        self.0.capacity() - self.0.len()
    }

    /// Notes a file to be woken, if somebody waits for it.
    #[inline]
    pub(super) fn add(&mut self, file: &N, why: Wake) {
        if !file.is_waited_for() {
            return;
        }
        if let Err(full) = self.0.push_within_capacity((file.clone(), why)) {
            drop(full);
            file.wake(why);
        }
    }

    /// Wakes them all. Call it when the bus is not locked.
    pub(crate) fn wake_all(&mut self) {
        while let Some((file, why)) = self.0.pop() {
            file.wake(why);
        }
    }
}
