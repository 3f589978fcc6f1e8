// SPDX-License-Identifier: GPL-2.0-only

//! How much there may be: constants, the module's parameters (`insmod kbus.ko name=value` sets
//! them, `/sys/module/kbus/parameters` shows them). What a user has is counted in `bus::quota`.

use crate::bus::quota::{AccountKey, Limits};
use crate::kapi::param::{parameter, Number};

/// The most buses there can be.
pub(crate) const MAX_DEVICES: u32 = 256;

/// How long a message may be at the most, in bytes; also what a new bus allows.
pub(crate) const MAX_MESSAGE: u32 = 409_600;

/// How long a message may always be, in bytes.
pub(crate) const MIN_MESSAGE: u32 = 100;

/// How many buses there are: first what was asked for, then what there really are.
pub(crate) static NUM_DEVICES: Number = Number::new(1, 1, MAX_DEVICES);

/// The permissions of `/dev/kbusN`.
pub(crate) static MODE: Number = Number::new(0o600, 0, 0o777).octal();

/// How many Ksocks one user may have, on all buses together.
static MAX_USER_KSOCKS: Number = Number::new(4096, 1, u32::MAX);

/// How many bindings one user may have, on all buses together.
static MAX_USER_BINDINGS: Number = Number::new(16_384, 1, u32::MAX);

/// How many bytes of messages may wait to be read by one user, on all buses together, beyond
/// [`KSOCK_BYTES`] for each Ksock.
static MAX_USER_BYTES: Number = Number::new(256 << 20, 1, u32::MAX);

/// How many bytes of messages may wait to be read from any one Ksock, whatever else waits for its
/// user.
const KSOCK_BYTES: u64 = 64 << 10;

/// How many copies of one message one user gets.
static MAX_USER_COPIES: Number = Number::new(1024, 1, u32::MAX);

/// How many buses one user may make.
static MAX_USER_BUSES: Number = Number::new(MAX_DEVICES, 0, MAX_DEVICES);

/// Who may change what concerns everybody on a bus, or on all: 0 all, 1 the administrator and
/// the owner of the node.
static SETTINGS: Number = Number::new(0, 0, 1);

/// What a reader of `/proc/kbus` sees: 0 all, 1 what is its own.
static HIDE: Number = Number::new(0, 0, 1);

parameter!(
    DECLARED,
    NUM_DEVICES,
    "kbus_num_devices",
    "How many buses to make at first, 1 to 256 (1)"
);
parameter!(
    DECLARED,
    MODE,
    "kbus_mode",
    "Permissions of the nodes /dev/kbusN (0600)"
);
parameter!(
    DECLARED,
    MAX_USER_KSOCKS,
    "kbus_max_user_ksocks",
    "How many Ksocks (open files) a user may have (4096)"
);
parameter!(
    DECLARED,
    MAX_USER_BINDINGS,
    "kbus_max_user_bindings",
    "How many bindings a user may have (16384)"
);
parameter!(
    DECLARED,
    MAX_USER_BYTES,
    "kbus_max_user_bytes",
    "How many bytes of messages may wait to be read by a user, beyond 64 KiB for each Ksock (268435456)"
);
parameter!(
    DECLARED,
    MAX_USER_COPIES,
    "kbus_max_user_copies",
    "How many copies of one message a user gets (1024)"
);
parameter!(
    DECLARED,
    MAX_USER_BUSES,
    "kbus_max_user_buses",
    "How many buses a user may make, 0 to 256 (256)"
);

parameter!(
    DECLARED,
    SETTINGS,
    "kbus_settings",
    "Who may change settings of a bus and make buses: 0 all, 1 CAP_SYS_ADMIN and owners of nodes (0)"
);
parameter!(
    DECLARED,
    HIDE,
    "kbus_hide",
    "What is seen in /proc/kbus: 0 everybody all, 1 a user without CAP_SYS_PTRACE only its own (0)"
);

/// Returns whether settings that concern everybody are not for everybody.
pub(crate) fn are_settings_guarded() -> bool {
    SETTINGS.get() != 0
}

/// Returns whether users do not see each other.
pub(crate) fn are_users_hidden() -> bool {
    HIDE.get() != 0
}

/// Returns how much the user of this account may have.
pub(crate) fn of_user(key: AccountKey) -> Limits {
    if key.exempt {
        return Limits::UNLIMITED;
    }
    Limits {
        ksocks: MAX_USER_KSOCKS.get(),
        bindings: MAX_USER_BINDINGS.get(),
        bytes: MAX_USER_BYTES.get().into(),
        share: KSOCK_BYTES,
        buses: MAX_USER_BUSES.get(),
        copies: MAX_USER_COPIES.get(),
    }
}
