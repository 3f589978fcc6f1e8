// SPDX-License-Identifier: GPL-2.0
use crate::harness::Test;
pub const TESTS: &[Test] = &[];
pub fn run(_seed: u64, _seconds: u32) {}
