// SPDX-License-Identifier: GPL-2.0

//! The user of an open file, and what is said when it has as much as it may have.

use crate::bus::user::{Cap, Caps, NewUser, User, Who};
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
        let who = Who {
            uid: caller::user(),
            exempt: caller::may_exceed_limits(),
        };
        let new = NewUser::new(who, caps(who))?;
        let joined = devices.users.lock().join(new);
        match joined {
            Ok(user) => Ok(Member {
                devices: devices.clone(),
                user,
            }),
            Err(user) => {
                warn(&user, Cap::Ksocks);
                Err(BusError::TooManyKsocks.into())
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.devices.users.lock().leave(self.user.who);
    }
}

/// How much this user may have.
fn caps(who: Who) -> Caps {
    if who.exempt {
        return Caps::NONE;
    }
    Caps {
        ksocks: param::MAX_USER_KSOCKS.get(),
        bindings: param::MAX_USER_BINDINGS.get(),
        bytes: param::MAX_USER_BYTES.get().into(),
        buses: param::MAX_USER_BUSES.get(),
    }
}

/// Says in the kernel's log that a user has as much as it may have: once for each account and
/// limit, and not too often for all of them together.
pub(crate) fn warn(user: &User, cap: Cap) {
    if !user.is_news(cap) || !log::may_warn() {
        return;
    }
    let (uid, most) = (user.who.uid, user.most(cap));
    let (what, parameter) = match cap {
        Cap::Ksocks => ("Ksocks", "ksocks"),
        Cap::Bindings => ("bindings", "bindings"),
        Cap::Bytes => ("bytes of unread messages, one queue half of them", "bytes"),
        Cap::Buses => ("buses made", "buses"),
    };
    pr_warn!("user {uid} has reached its limit: {most} {what} (kbus_max_user_{parameter})\n");
}
