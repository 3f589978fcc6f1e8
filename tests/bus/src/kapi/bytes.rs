// SPDX-License-Identifier: GPL-2.0-only
//! Stands for `kmod/kapi/bytes.rs`.

use kernel::prelude::*;

pub(crate) type Bytes = KVVec<u8>;
