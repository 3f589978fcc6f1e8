// SPDX-License-Identifier: GPL-2.0-only
//! See `src/message.rs`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kbus_fuzz::message::run(bytes));

#[cfg(not(fuzzing))]
fn main() {
    kbus_fuzz::replay_arguments(kbus_fuzz::message::run);
}
