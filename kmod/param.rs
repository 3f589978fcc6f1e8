// SPDX-License-Identifier: GPL-2.0

//! The module's parameters, as `insmod kbus.ko name=value` sets and `/sys/module/kbus` shows them.

use crate::device::MAX_DEVICES;
use crate::kapi::param::{parameter, Number};

/// How many buses there are: first what was asked for, then what there really are.
pub(crate) static NUM_DEVICES: Number = Number::new(1, 1, MAX_DEVICES);

/// The permissions of `/dev/kbusN`.
pub(crate) static MODE: Number = Number::new(0o600, 0, 0o777).octal();

/// What one user may have on all buses together; see `bus::user`.
pub(crate) static MAX_USER_KSOCKS: Number = Number::new(4096, 1, u32::MAX);
pub(crate) static MAX_USER_BINDINGS: Number = Number::new(16_384, 1, u32::MAX);
pub(crate) static MAX_USER_BYTES: Number = Number::new(256 << 20, 1, u32::MAX);
pub(crate) static MAX_USER_BUSES: Number = Number::new(MAX_DEVICES, 0, MAX_DEVICES);

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
    "How many bytes of messages may wait to be read by a user (268435456)"
);
parameter!(
    DECLARED,
    MAX_USER_BUSES,
    "kbus_max_user_buses",
    "How many buses a user may make, 0 to 256 (256)"
);
