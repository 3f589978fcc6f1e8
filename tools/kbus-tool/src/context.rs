// SPDX-License-Identifier: GPL-2.0-only
//! The options that all verbs share: which bus, and in which form to print.

use clap::Args;
use kbus::{Access, Ksock};

use crate::exit::Failure;
use crate::output::Output;

/// What all verbs need to know.
#[derive(Debug, Args)]
pub(crate) struct Context {
    /// Which bus: 0 is /dev/kbus0 (list, stats, top: all, if not given)
    #[arg(long, short, global = true, value_name = "N", env = "KBUS_BUS")]
    bus: Option<u32>,

    /// Print JSON: one object a line
    #[arg(long, global = true)]
    json: bool,
}

impl Context {
    /// Returns the number of the bus to work with.
    pub(crate) fn bus(&self) -> u32 {
        self.bus.unwrap_or(0)
    }

    /// Returns whether a bus is one of those to look at.
    pub(crate) fn includes(&self, bus: u32) -> bool {
        self.bus.is_none_or(|only| only == bus)
    }

    pub(crate) fn open(&self) -> Result<Ksock, Failure> {
        Ok(Ksock::open(self.bus(), Access::ReadWrite)?)
    }

    pub(crate) fn output(&self) -> Output {
        Output::new(self.json)
    }
}
