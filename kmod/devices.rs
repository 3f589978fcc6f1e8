// SPDX-License-Identifier: GPL-2.0-only

//! All buses, and the accounts of all who use them. Locks: see `device`.

use crate::bus::quota::{AccountKey, Limit, NewUser, User, Users};
use crate::bus::BusError;
use crate::device::{Device, InUse};
use crate::kapi::class::{Class, Node};
use crate::limits::{self, MAX_DEVICES};
use crate::log::Log;
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
    pub(crate) log: Arc<Log>,
    /// By number.
    #[pin]
    list: Mutex<KVec<Option<Entry>>>,
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
        let log = Log::new()?;
        Arc::pin_init(
            pin_init!(Devices {
                class,
                log,
                list <- new_mutex!(KVec::new(), "kbus::Devices::list"),
                users <- new_mutex!(Users::new(), "kbus::Devices::users"),
            }),
            GFP_KERNEL,
        )
    }

    /// Adds a bus and its node, for the user that asked for it, and returns its number: the
    /// lowest that is free.
    ///
    /// # Errors
    ///
    /// EINVAL when there are as many as there can be, EDQUOT when this user has made as many as
    /// it may, ENOMEM.
    pub(crate) fn add(&self, maker: Option<&User>) -> Result<u32> {
        let mut list = self.list.lock();
        let free = list.iter().position(Option::is_none);
        let number = free.unwrap_or(list.len()) as u32;
        if number >= MAX_DEVICES {
            return Err(EINVAL);
        }
        if let Some(user) = maker {
            let uid = Some(user.key.uid);
            let made = list.iter().flatten().filter(|it| it.device.maker == uid);
            if made.count() as u32 >= user.limits.buses {
                drop(list);
                self.log.warn(user, Limit::Buses);
                return Err(BusError::TooManyBuses.into());
            }
        }
        if free.is_none() {
            list.push(None, GFP_KERNEL)?;
        }
        let maker = maker.map(|user| user.key.uid);
        let device = Device::new(number, maker, self.log.clone())?;
        // Who opens the node at once waits for the list, and then the bus is in it.
        let node = Node::new(&self.class, c"kbus", number)?;
        if let Some(place) = list.get_mut(number as usize) {
            *place = Some(Entry {
                _node: node,
                device,
            });
        }
        show_count(&list);
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

    /// Takes a bus away that NEWDEVICE has made, and that nobody has open.
    ///
    /// # Errors
    ///
    /// ENXIO when there is no such bus, EPERM when another user or nobody made it, unless
    /// `is_admin` says that it does not matter who; EBUSY while it is open.
    pub(crate) fn remove(
        &self,
        number: u32,
        uid: u32,
        is_admin: impl FnOnce() -> bool,
    ) -> Result<()> {
        let mut list = self.list.lock();
        let place = list.get_mut(number as usize).ok_or(ENXIO)?;
        let Entry { device, .. } = place.as_ref().ok_or(ENXIO)?;
        let maker = device.maker.ok_or(EPERM)?;
        if maker != uid && !is_admin() {
            return Err(EPERM);
        }
        if !device.is_unused() {
            return Err(EBUSY);
        }
        // The node goes while the list is locked: the next of this number comes after it.
        *place = None;
        show_count(&list);
        Ok(())
    }

    /// Returns the bus of this number, for a file that is being opened.
    pub(crate) fn open(&self, number: u32) -> Option<InUse> {
        let list = self.list.lock();
        let entry = list.get(number as usize)?.as_ref()?;
        Some(InUse::new(entry.device.clone()))
    }

    /// Returns the first bus with this number or a higher one.
    pub(crate) fn from(&self, number: u32) -> Option<Arc<Device>> {
        let list = self.list.lock();
        let entry = list.get(number as usize..)?.iter().flatten().next()?;
        Some(entry.device.clone())
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

/// Shows in `/sys/module` how many there are.
fn show_count(list: &[Option<Entry>]) {
    limits::NUM_DEVICES.set(list.iter().flatten().count() as u32);
}
