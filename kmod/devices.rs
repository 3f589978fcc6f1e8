// SPDX-License-Identifier: GPL-2.0

//! All buses, and the accounts of all who use them. Locks: see `device`.

use crate::bus::quota::{AccountKey, Limit, NewUser, User, Users};
use crate::bus::BusError;
use crate::device::Device;
use crate::kapi::class::Class;
use crate::limits::{self, MAX_DEVICES};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// All buses.
#[pin_data(PinnedDrop)]
pub(crate) struct Devices {
    pub(crate) class: Class,
    #[pin]
    list: Mutex<KVec<Arc<Device>>>,
    #[pin]
    users: Mutex<Users>,
}

impl Devices {
    /// No buses yet.
    ///
    /// # Errors
    ///
    /// ENOMEM.
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
            let made = list.iter().filter(|device| device.maker == uid).count();
            if made as u32 >= user.limits.buses {
                drop(list);
                limits::warn(user, Limit::Buses);
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
        limits::NUM_DEVICES.set(number + 1);
        Ok(number)
    }

    /// Returns the bus of this number.
    pub(crate) fn get(&self, number: u32) -> Option<Arc<Device>> {
        self.list.lock().get(number as usize).cloned()
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

#[pinned_drop]
impl PinnedDrop for Devices {
    fn drop(self: Pin<&mut Self>) {
        for device in self.list.lock().iter() {
            self.class.remove_node(device.number);
        }
    }
}
