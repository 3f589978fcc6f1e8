// SPDX-License-Identifier: GPL-2.0
use crate::harness::Test;
pub const TESTS: &[Test] = &[];
