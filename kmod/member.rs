// SPDX-License-Identifier: GPL-2.0

//! The user of an open file, and what is said when it has as much as it may have.

use crate::bus::quota::{AccountKey, Limit, Limits, NewUser, User};
use crate::bus::BusError;
use crate::device::Devices;
use crate::kapi::{caller, log};
use crate::param;
use kernel::prelude::*;
use kernel::sync::Arc;

/// One Ksock on the account of a user, as long as this lives.
pub(crate) struct Member {
    pub(crate) devices: Arc<Devices>,
    pub(crate) user: Arc<User>,
}

impl Member {
    /// On the account of who is calling.
    pub(crate) fn caller(devices: &Arc<Devices>) -> Result<Self> {
        let key = AccountKey {
            uid: caller::user(),
            exempt: caller::may_exceed_limits(),
        };
        let new = NewUser::new(key, limits(key))?;
        let joined = devices.users.lock().join(new);
        match joined {
            Ok(user) => Ok(Member {
                devices: devices.clone(),
                user,
            }),
            Err(user) => {
                warn(&user, Limit::Ksocks);
                Err(BusError::TooManyKsocks.into())
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.devices.users.lock().leave(self.user.key);
    }
}

/// How much this user may have.
fn limits(key: AccountKey) -> Limits {
    if key.exempt {
        return Limits::UNLIMITED;
    }
    Limits {
        ksocks: param::MAX_USER_KSOCKS.get(),
        bindings: param::MAX_USER_BINDINGS.get(),
        bytes: param::MAX_USER_BYTES.get().into(),
        buses: param::MAX_USER_BUSES.get(),
    }
}

/// Says in the kernel's log that a user has as much as it may have: once for each account and
/// limit, and not too often for all of them together.
pub(crate) fn warn(user: &User, limit: Limit) {
    if !user.warn_once(limit) || !log::may_warn() {
        return;
    }
    let (uid, most) = (user.key.uid, user.limit(limit));
    let (what, parameter) = match limit {
        Limit::Ksocks => ("Ksocks", "ksocks"),
        Limit::Bindings => ("bindings", "bindings"),
        Limit::Bytes => ("bytes of unread messages, one queue half of them", "bytes"),
        Limit::Buses => ("buses made", "buses"),
    };
    pr_warn!("user {uid} has reached its limit: {most} {what} (kbus_max_user_{parameter})\n");
}
