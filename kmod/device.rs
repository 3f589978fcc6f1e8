// SPDX-License-Identifier: GPL-2.0-only

//! One `/dev/kbusN`, which is a bus and the lock around it.
//!
//! # Locks
//!
//! Taken in this order, each at most once at a time:
//!
//! 1. `Session::state`, one for each open file: what it is writing and reading, and the memory
//!    for its verbs.
//! 2. `Devices::users`: the accounts of users. Only opening and closing a file take it.
//! 3. `Devices::list`: which buses there are. Held while a node is made, so that nodes appear in
//!    order. Only opening a file, NEWDEVICE, REMOVEDEVICE and reading `/proc/kbus` take it.
//! 4. `Device::bus`, one for each bus. Two are never held together. Only [`Device::look`] and
//!    [`Device::act`] take it. It is a spinlock: whoever holds it is not preempted, so that nobody
//!    waits longer for it than it is held, whatever the priority of the one that has it.
//! 5. `Log::shares`: how much was said of whom. Only `log` takes it, and under it no other.
//!
//! No user memory is touched under any of them: a page fault there may take for ever. Nothing
//! is allocated or waited for under that of a bus, and nothing is freed but small nodes: no message,
//! whose pages may not be given back under a spinlock.

use crate::bus::id::KsockId;
use crate::bus::{self, BusError, Refusal};
use crate::kapi::bytes;
use crate::limits::{MAX_MESSAGE, MIN_MESSAGE};
use crate::lock;
use crate::log::Log;
use crate::notify::FileNotify;
use core::fmt;
use core::ops::Deref;
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::{new_spinlock, Arc, SpinLock};

/// A bus whose Ksocks are open files.
pub(crate) type Bus = bus::Bus<Arc<FileNotify>>;

/// Memory for a verb of such a bus.
pub(crate) type Prealloc = bus::Prealloc<Arc<FileNotify>>;

/// A bus and the lock around it.
#[pin_data]
pub(crate) struct Device {
    pub(crate) number: u32,
    /// The user that made it with NEWDEVICE.
    pub(crate) maker: Option<u32>,
    /// How many open files it has, and such as are being opened. It grows under
    /// `Devices::list` only.
    files: Atomic<u32>,
    /// How long a message may be, header and all, in bytes. Looked at as one is written, and so
    /// not under the lock of the bus.
    max_message: Atomic<u32>,
    /// The log tells what is done on it: 1, or 0.
    verbose: Atomic<u32>,
    log: Arc<Log>,
    #[pin]
    bus: SpinLock<Bus>,
}

impl Device {
    /// A bus without Ksocks.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new(number: u32, maker: Option<u32>, log: Arc<Log>) -> Result<Arc<Self>> {
        // They are freed under the lock, and so are small. It is here, where sizes are the kernel's.
        const { assert!(bus::queue::CHUNK_BYTES <= 1024) };
        // Users pay for what messages take in fact.
        const { assert!(bus::quota::LONGEST_ROUNDED == bytes::LONGEST_ROUNDED as u64) };
        let bus = Bus::new(number)?;
        Arc::pin_init(
            pin_init!(Device {
                number,
                maker,
                log,
                files: Atomic::new(0),
                verbose: Atomic::new(0),
                max_message: Atomic::new(MAX_MESSAGE),
                bus <- new_spinlock!(bus, "kbus::Device::bus"),
            }),
            GFP_KERNEL,
        )
    }

    /// Returns whether it has no open file. Nobody opens one while `Devices::list` is locked.
    pub(crate) fn is_unused(&self) -> bool {
        self.files.load(Relaxed) == 0
    }

    /// Returns how long a message may be, header and all, in bytes.
    pub(crate) fn max_message(&self) -> u32 {
        self.max_message.load(Relaxed)
    }

    /// Sets how long a message may be, in bytes, and returns it. The sizes 0 and 1 set nothing:
    /// 0 asks how long one may be now, 1 how long it might be at the most (3.7 MAXMSGSIZE).
    ///
    /// # Errors
    ///
    /// `BadValue` for what no bus allows.
    pub(crate) fn set_max_message(&self, size: u32) -> Result<u32, BusError> {
        match size {
            0 => Ok(self.max_message()),
            1 => Ok(MAX_MESSAGE),
            MIN_MESSAGE..=MAX_MESSAGE => {
                self.max_message.store(size, Relaxed);
                Ok(size)
            }
            _ => Err(BusError::BadValue),
        }
    }

    /// Sets whether it is verbose, if told to. Returns what it was (3.7 VERBOSE).
    pub(crate) fn verbose(&self, set: Option<bool>) -> bool {
        match set {
            Some(set) => self.verbose.xchg(set.into(), Relaxed) != 0,
            None => self.verbose.load(Relaxed) != 0,
        }
    }

    /// Says what a Ksock of this user does, if the bus is verbose.
    pub(crate) fn say(&self, ksock: KsockId, uid: u32, what: fmt::Arguments<'_>) {
        if self.verbose(None) {
            let (number, ksock) = (self.number, ksock.get());
            self.log.say(
                uid,
                fmt!("bus {number}: Ksock {ksock} of user {uid} {what}"),
            );
        }
    }

    /// Looks at the bus. (What goes from one thing to the next wants to be able to change it.)
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut Bus) -> R) -> R {
        lock::locked(&self.bus, look)
    }

    /// Does one verb of the bus, with as much memory as it wants. Wakes the files that it wants
    /// woken when the bus is unlocked.
    ///
    /// # Errors
    ///
    /// What the verb returns, and `NoMemory` when there is not as much memory as it wants.
    pub(crate) fn act<R>(
        &self,
        prealloc: &mut Prealloc,
        mut verb: impl FnMut(&mut Bus, &mut Prealloc) -> Result<R, Refusal>,
    ) -> Result<R, BusError> {
        loop {
            let outcome = lock::locked(&self.bus, |bus| {
                bus.stock(prealloc);
                verb(bus, prealloc)
            });
            let error = match outcome {
                Ok(done) => {
                    self.finish(prealloc);
                    if prealloc.has_rest() {
                        self.go_on(prealloc);
                    }
                    return Ok(done);
                }
                Err(Refusal::No(error)) => error,
                // Between unlocking and locking the bus may have changed, and may want more
                // still; each time around it has as much as it ever wanted.
                Err(Refusal::Need(need)) => match prealloc.supply(need) {
                    Ok(()) => continue,
                    Err(error) => error,
                },
            };
            self.finish(prealloc);
            return Err(error);
        }
    }

    /// Does what a verb could not do at once, in steps between which others get the lock.
    #[cold]
    fn go_on(&self, prealloc: &mut Prealloc) {
        while prealloc.has_rest() {
            prealloc.prepare_to_go_on();
            let outcome = lock::locked(&self.bus, |bus| {
                bus.stock(prealloc);
                bus.go_on(prealloc)
            });
            let is_short = match outcome {
                Ok(()) => false,
                Err(Refusal::Need(need)) => match prealloc.supply(need) {
                    Ok(()) => continue,
                    Err(_) => true,
                },
                Err(Refusal::No(_)) => true,
            };
            if is_short {
                lock::locked(&self.bus, |bus| bus.go_on_without(prealloc));
            }
            self.finish(prealloc);
        }
    }

    /// Does what is left to be done after a verb, without the lock.
    fn finish(&self, prealloc: &mut Prealloc) {
        prealloc.finish();
        if let Some((user, limit)) = prealloc.over_limit.take() {
            self.log.warn(&user, limit);
        }
    }
}

/// A bus that has an open file, so that it is not taken away.
pub(crate) struct InUse(Arc<Device>);

impl InUse {
    /// `Devices::list` is locked.
    pub(crate) fn new(device: Arc<Device>) -> Self {
        device.files.add(1, Relaxed);
        InUse(device)
    }
}

impl Deref for InUse {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.files.fetch_sub(1, Relaxed);
    }
}
