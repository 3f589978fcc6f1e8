// SPDX-License-Identifier: GPL-2.0-only
//! kbus-tool from outside, on a real bus: what it prints and how it ends. Each
//! test has a bus of its own, on which the first Ksock is number 1 and the
//! first message [0:1].
//!
//! Ignored where there is no bus. `tools/kbus-tool/tests/run` runs it in the VM,
//! where kbus-tool is in the PATH and README.md in the working directory.

mod advice;
mod asking;
mod bus;
mod ending;
mod listening;
mod looking;
mod reading;
mod recording;
mod settings;
