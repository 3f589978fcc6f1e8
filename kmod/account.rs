// SPDX-License-Identifier: GPL-2.0-only

//! An open file's place on the account of its user.

use crate::bus::quota::{AccountKey, Limit, NewUser, User};
use crate::bus::BusError;
use crate::devices::Devices;
use crate::kapi::caller;
use crate::limits;
use kernel::prelude::*;
use kernel::sync::Arc;

/// One Ksock on the account of a user, as long as this lives.
pub(crate) struct Account {
    devices: Arc<Devices>,
    user: Arc<User>,
}

impl Account {
    /// Puts one more Ksock on the account of the calling user.
    ///
    /// # Errors
    ///
    /// EDQUOT when the user has as many as it may have, ENOMEM.
    pub(crate) fn of_caller(devices: &Arc<Devices>) -> Result<Self> {
        let key = AccountKey {
            uid: caller::user(),
            exempt: caller::may_exceed_limits(),
        };
        let new = NewUser::new(key, limits::of_user(key))?;
        match devices.join(new) {
            Ok(user) => Ok(Account {
                devices: devices.clone(),
                user,
            }),
            Err(user) => {
                devices.log.warn(&user, Limit::Ksocks);
                Err(BusError::TooManyKsocks.into())
            }
        }
    }

    /// Says that this user has reached a limit.
    pub(crate) fn warn(&self, limit: Limit) {
        self.devices.log.warn(&self.user, limit);
    }

    /// Returns the user that pays.
    pub(crate) fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// Makes the next bus, at the expense of this user, and returns its number.
    ///
    /// # Errors
    ///
    /// As [`Devices::add`].
    pub(crate) fn add_device(&self) -> Result<u32> {
        self.devices.add(Some(&self.user))
    }

    /// Takes a bus away that the calling user has made, or an administrator.
    ///
    /// # Errors
    ///
    /// As [`Devices::remove`].
    pub(crate) fn remove_device(&self, number: u32) -> Result<()> {
        let user = caller::user();
        self.devices.remove(number, user, caller::is_admin)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.devices.leave(self.user.key);
    }
}
