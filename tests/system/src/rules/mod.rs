// SPDX-License-Identifier: GPL-2.0
//! Sections 2 to 9 of the specification, where section 11 does not reach.

use crate::harness::Test;

pub const ALL: &[&[Test]] = &[];
