// SPDX-License-Identifier: GPL-2.0

//! A wait queue for `poll`.
//!
//! `kernel::sync::poll::PollCondVar` waits for an RCU grace period when it is dropped, for the
//! sake of queues that may go while somebody polls them. Ours belongs to an open file and goes
//! after the file's `release`, when no poll can be under way and epoll has let go of the file:
//! so it needs no such wait, and closing stays fast.

use kernel::bindings;
use kernel::ffi::c_void;
use kernel::fs::File;
use kernel::prelude::*;
use kernel::sync::LockClassKey;
use kernel::types::Opaque;

/// What poll can tell, as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Events(u32);

impl Events {
    /// Nothing.
    pub(crate) const NONE: Events = Events(0);
    /// There is something to read.
    pub(crate) const READABLE: Events = Events(bindings::POLLIN | bindings::POLLRDNORM);
    /// A message can be written.
    pub(crate) const WRITABLE: Events = Events(bindings::POLLOUT | bindings::POLLWRNORM);

    /// Returns the events of both.
    pub(crate) const fn or(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

/// A wait queue that lives as long as an open file, and longer than anybody polls the file.
///
/// # Invariants
///
/// `head` is initialised.
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A `wait_queue_head` has a lock of its own and may be used from any thread.
unsafe impl Send for WaitQueue {}
// SAFETY: As above.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// Makes an empty queue; lockdep calls its lock by `name`.
    pub(crate) fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        // INVARIANT: C initialises it here.
        pin_init!(WaitQueue {
            // SAFETY: The slot is valid and pinned, name and key are static.
            head <- Opaque::ffi_init(|slot| unsafe {
                bindings::__init_waitqueue_head(slot, name.as_char_ptr(), key.as_ptr())
            }),
        })
    }

    /// Wakes those who wait for any of `events`. The caller is about to be done, so that the
    /// woken may as well run where it runs.
    pub(crate) fn wake(&self, events: Events) {
        let key = events.bits() as usize as *mut c_void;
        // SAFETY: The queue is initialised by the invariant. The key is a set of poll bits, as
        // those who wait with `poll_wait` expect.
        unsafe { bindings::__wake_up_sync_key(self.head.get(), bindings::TASK_INTERRUPTIBLE, key) };
    }
}

/// Where one poll call notes what wakes it.
///
/// # Invariants
///
/// `table` is null, or valid and of a poll of `file`.
pub(crate) struct PollTable<'a> {
    file: &'a File,
    table: *mut bindings::poll_table,
}

impl<'a> PollTable<'a> {
    /// # Safety
    ///
    /// `table` is null or valid for as long as the result lives, and belongs to a poll of `file`.
    pub(super) unsafe fn from_raw(file: &'a File, table: *mut bindings::poll_table) -> Self {
        // INVARIANT: The caller says so.
        PollTable { file, table }
    }

    /// From now on a wake of `queue` wakes this poll. Look at what it waits for only afterwards.
    ///
    /// The queue is to live until the file that is polled is released.
    pub(crate) fn watch(&self, queue: &WaitQueue) {
        // SAFETY: The file is valid, the table is null or valid by the invariant, and the queue
        // outlives the polling of the file: it is dropped after `release` only (see `chardev`,
        // which drops the open file's state there and nowhere else).
        unsafe { bindings::poll_wait(self.file.as_ptr(), queue.head.get(), self.table) };
    }
}
