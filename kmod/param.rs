// SPDX-License-Identifier: GPL-2.0

//! The module's parameters, as `insmod kbus.ko name=value` sets and `/sys/module/kbus` shows them.

use crate::device::MAX_DEVICES;
use crate::kapi::param::{parameter, Number};

/// How many buses there are: first what was asked for, then what there really are.
pub(crate) static NUM_DEVICES: Number = Number::new(1, 1, MAX_DEVICES);

/// The permissions of `/dev/kbusN`.
pub(crate) static MODE: Number = Number::new(0o600, 0, 0o777).octal();

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
