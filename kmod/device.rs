// SPDX-License-Identifier: GPL-2.0

//! One `/dev/kbusN`, which is a bus and the lock around it; and all of them.
//!
//! # Locks
//!
//! Taken in this order, each at most once at a time:
//!
//! 1. `File::state`, one for each open file: what it is writing and reading.
//! 2. `Devices::users`: the accounts of users. Only opening and closing a file take it.
//! 3. `Devices::list`: which buses there are. Held while a node is made, so that nodes appear in
//!    order. Only opening a file and NEWDEVICE take it.
//! 4. `Device::bus`, one for each bus. Two are never held together.
//!
//! No user memory is touched under any of them: a page fault there may take for ever. Nothing
//! is allocated or waited for under the last, and nothing is freed but small nodes.

use crate::bus::quota::{Limit, User, Users};
use crate::bus::{Bus, BusError, Prealloc, Refusal};
use crate::kapi::class::Class;
use crate::member;
use crate::param;
use crate::port::FilePort;
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::{new_mutex, Arc, Mutex};

/// What the bus knows files by.
pub(crate) type Port = Arc<FilePort>;

/// The most buses there can be.
pub(crate) const MAX_DEVICES: u32 = 256;

/// How long a message may be at the most, in bytes; also what a new bus allows.
pub(crate) const MAX_MESSAGE: u32 = 409_600;

/// How long a message may always be, in bytes.
pub(crate) const MIN_MESSAGE: u32 = 100;

/// A bus.
#[pin_data]
pub(crate) struct Device {
    pub(crate) number: u32,
    /// Which user made it with NEWDEVICE.
    maker: Option<u32>,
    /// How long a message may be, header and all, in bytes. Looked at as one is written, and so
    /// not under the lock of the bus.
    pub(crate) max_message: Atomic<u32>,
    #[pin]
    pub(crate) bus: Mutex<Bus<Port>>,
}

impl Device {
    fn new(number: u32, maker: Option<u32>) -> Result<Arc<Self>> {
        let bus = Bus::new()?;
        Arc::pin_init(
            pin_init!(Device {
                number,
                maker,
                max_message: Atomic::new(MAX_MESSAGE),
                bus <- new_mutex!(bus, "kbus::Device::bus"),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn max_message(&self) -> u32 {
        self.max_message.load(Relaxed)
    }

    /// Does one verb of the bus, with as much memory as it wants; wakes whom it would have woken
    /// when the bus is unlocked.
    pub(crate) fn act<R>(
        &self,
        room: &mut Prealloc<Port>,
        mut verb: impl FnMut(&mut Bus<Port>, &mut Prealloc<Port>) -> Result<R, Refusal>,
    ) -> Result<R, BusError> {
        loop {
            let outcome = verb(&mut self.bus.lock(), room);
            let error = match outcome {
                Ok(done) => {
                    tidy(room);
                    return Ok(done);
                }
                Err(Refusal::No(error)) => error,
                // Between unlocking and locking the bus may have changed, and may want more
                // still; each time around it has as much as it ever wanted.
                Err(Refusal::Need(need)) => match room.supply(need) {
                    Ok(()) => continue,
                    Err(error) => error,
                },
            };
            tidy(room);
            return Err(error);
        }
    }
}

/// What is left to be done after a verb, without the lock.
fn tidy(room: &mut Prealloc<Port>) {
    room.finish();
    if let Some(user) = room.over_limit.take() {
        member::warn(&user, Limit::Bytes);
    }
}

/// All buses.
#[pin_data(PinnedDrop)]
pub(crate) struct Devices {
    pub(crate) class: Class,
    #[pin]
    list: Mutex<KVec<Arc<Device>>>,
    #[pin]
    pub(crate) users: Mutex<Users>,
}

impl Devices {
    /// No buses yet.
    pub(crate) fn new(class: Class) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Devices {
                class,
                list <- new_mutex!(KVec::new(), "kbus::Devices::list"),
                users <- new_mutex!(Users::new(), "kbus::Devices::users"),
            }),
            GFP_KERNEL,
        )
    }

    /// Adds the next bus and its node, for who asked for it; answers with its number.
    ///
    /// # Errors
    ///
    /// EINVAL when there are as many as there can be, EDQUOT when this user has made as many as
    /// it may, ENOMEM.
    pub(crate) fn add(&self, maker: Option<&User>) -> Result<u32> {
        let mut list = self.list.lock();
        let number = list.len() as u32;
        if number >= MAX_DEVICES {
            return Err(EINVAL);
        }
        if let Some(user) = maker {
            let uid = Some(user.key.uid);
            let made = list.iter().filter(|device| device.maker == uid).count();
            if made as u32 >= user.limits.buses {
                drop(list);
                member::warn(user, Limit::Buses);
                return Err(BusError::TooManyBuses.into());
            }
        }
        let maker = maker.map(|user| user.key.uid);
        list.push(Device::new(number, maker)?, GFP_KERNEL)?;
        // The bus is complete before its node can be seen.
        if let Err(error) = self.class.add_node(c"kbus", number) {
            list.pop();
            return Err(error);
        }
        param::NUM_DEVICES.set(number + 1);
        Ok(number)
    }

    /// The bus of this number.
    pub(crate) fn get(&self, number: u32) -> Option<Arc<Device>> {
        self.list.lock().get(number as usize).cloned()
    }
}

#[pinned_drop]
impl PinnedDrop for Devices {
    fn drop(self: Pin<&mut Self>) {
        for device in self.list.lock().iter() {
            self.class.remove_node(device.number);
        }
    }
}
