// SPDX-License-Identifier: GPL-2.0

//! All buses, and the accounts of all who use them. Locks: see `device`.

use crate::bus::quota::{AccountKey, Limit, NewUser, User, Users};
use crate::bus::BusError;
use crate::device::Device;
use crate::kapi::class::{Class, Node};
use crate::limits::{self, MAX_DEVICES};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// A bus and its node.
struct Entry {
    _node: Node,
    device: Arc<Device>,
}

/// All buses.
#[pin_data]
pub(crate) struct Devices {
    class: Arc<Class>,
    #[pin]
    list: Mutex<KVec<Entry>>,
    #[pin]
    users: Mutex<Users>,
}

impl Devices {
    /// No buses yet.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new(class: Arc<Class>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Devices {
                class,
                list <- new_mutex!(KVec::new(), "kbus::Devices::list"),
                users <- new_mutex!(Users::new(), "kbus::Devices::users"),
            }),
            GFP_KERNEL,
        )
    }

    /// Adds the next bus and its node, for the user that asked for it, and returns its number.
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
            let made = list.iter().filter(|entry| entry.device.maker == uid);
            if made.count() as u32 >= user.limits.buses {
                drop(list);
                limits::warn(user, Limit::Buses);
                return Err(BusError::TooManyBuses.into());
            }
        }
        let maker = maker.map(|user| user.key.uid);
        list.reserve(1, GFP_KERNEL)?;
        let device = Device::new(number, maker)?;
        // Who opens the node at once waits for the list, and then the bus is in it.
        let node = Node::new(&self.class, c"kbus", number)?;
        list.push(
            Entry {
                _node: node,
                device,
            },
            GFP_KERNEL,
        )?;
        limits::NUM_DEVICES.set(number + 1);
        Ok(number)
    }

    /// Adds the buses that the module is loaded with, or as many of them as can be had.
    pub(crate) fn add_first(&self) {
        let wanted = limits::NUM_DEVICES.get();
        limits::NUM_DEVICES.set(0);
        for number in 0..wanted {
            if let Err(error) = self.add(None) {
                pr_warn!("{number} buses instead of {wanted}: {error:?}\n");
                return;
            }
        }
    }

    /// Returns the bus of this number.
    pub(crate) fn get(&self, number: u32) -> Option<Arc<Device>> {
        let list = self.list.lock();
        Some(list.get(number as usize)?.device.clone())
    }

    /// Returns the first bus of this number or a higher one.
    pub(crate) fn from(&self, number: u32) -> Option<Arc<Device>> {
        self.get(number)
    }

    /// Puts one more Ksock on a user's account, and returns its user.
    ///
    /// # Errors
    ///
    /// The user, if it has as many Ksocks as it may have.
    pub(crate) fn join(&self, new: NewUser) -> Result<Arc<User>, Arc<User>> {
        self.users.lock().join(new)
    }

    /// Takes one Ksock from an account.
    pub(crate) fn leave(&self, key: AccountKey) {
        self.users.lock().leave(key);
    }
}
