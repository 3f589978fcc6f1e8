// SPDX-License-Identifier: GPL-2.0-only

//! A wait queue for `poll`.
//!
//! `kernel::sync::poll::PollCondVar` waits for an RCU grace period when it is dropped, for the
//! sake of queues that may go while somebody polls them. Ours belongs to an open file and goes
//! after the file's `release`, when no poll can be under way and epoll has let go of the file:
//! so it needs no such wait, and closing stays fast.

use kernel::bindings;
use kernel::ffi::c_void;
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

    /// Returns whether somebody waits. Who waits looks under a lock whether it must, after it has
    /// entered the queue: asked under the same lock, after a change, nobody is missed.
    pub(crate) fn is_waited_in(&self) -> bool {
        // SAFETY: The queue is initialised by the invariant, and its list is never empty of its own
        // head. It is only looked at, as `waitqueue_active` does.
        unsafe {
            let list = &raw const (*self.head.get()).head;
            !core::ptr::eq((&raw const (*list).next).read_volatile(), list)
        }
    }

    /// From now on a wake of this queue wakes the poll that `table` is of. Look at what it waits
    /// for only afterwards.
    ///
    /// # Safety
    ///
    /// `file` is valid and `table` null, or valid and of a poll of it. The queue lives until the
    /// file is released.
    pub(super) unsafe fn watch(&self, file: *mut bindings::file, table: *mut bindings::poll_table) {
        // SAFETY: File and table are valid, as the caller says. Whoever polls the file has let go
        // of the queue when the file is released, and until then it lives.
        unsafe { bindings::poll_wait(file, self.head.get(), table) };
    }
}
