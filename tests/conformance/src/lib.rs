// SPDX-License-Identifier: GPL-2.0-only
//! What a bus must do, each rule once: a function over whatever says that it is a bus.
//!
//! * `subject`: the trait, with the verbs of the specification. Messages (`message`) and errors
//!   (`errno`) are plain values.
//! * `ksock`: the words in which rules are said.
//! * `rules`: the rules, a file for each matter.
//! * `serve`: rules run for another program, as that names them.
//! * `table`: the list of all rules, from which every runner makes its own.
//! * `bin/kbus-test-python`: the runner for the Python package, here since it is a program alone.
//!
//! The runners are where their subjects are: the model, and the bus on the host beside it, in
//! `tests/bus/src/conformance.rs`; the device, by system calls, in `tests/system/src/subject.rs`,
//! and by the calls of the Rust and the C library in `tests/library`. What is only about one of
//! them (memory that fails, signals, the bytes on the wire) is tested there.
//! This crate shares nothing with the module or the libraries.

#![forbid(unsafe_code)]

/// Compares, and says both sides when they differ.
#[macro_export]
macro_rules! eq {
    ($got:expr, $want:expr $(,)?) => {
        match (&$got, &$want) {
            (got, want) => {
                if !(*got == *want) {
                    panic!("{}: expected {:?}, got {:?}", stringify!($got), want, got);
                }
            }
        }
    };
    ($got:expr, $want:expr, $($what:tt)+) => {
        match (&$got, &$want) {
            (got, want) => {
                if !(*got == *want) {
                    panic!("{}: expected {:?}, got {:?}", format_args!($($what)+), want, got);
                }
            }
        }
    };
}

pub mod errno;
mod expect;
mod ksock;
pub mod message;
mod proc;
mod rule;
mod rules;
mod serve;
mod subject;
mod table;

pub use errno::*;
pub use expect::*;
pub use ksock::*;
pub use message::*;
pub use proc::*;
pub use rule::*;
pub use serve::*;
pub use subject::*;
