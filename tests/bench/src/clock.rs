// SPDX-License-Identifier: GPL-2.0-only
//! How much something costs. With `-icount shift=0` one instruction takes one
//! nanosecond, so the guest's clock counts instructions.

use std::sync::OnceLock;
use std::time::Duration;

use crate::sys;

/// What the kernel does when it has just booted makes all else look dear.
/// Nobody is waited for here; and while the machine is idle, this time passes
/// in no time.
pub fn wait_out_boot() {
    const QUIET: Duration = Duration::from_secs(30);
    let up = Duration::from_nanos(sys::uptime());
    std::thread::sleep(QUIET.saturating_sub(up));
}

/// How often something is done: in batches, after one that does not count.
#[derive(Clone, Copy)]
pub struct Times {
    pub batches: usize,
    pub each: u32,
}

impl Times {
    pub const fn new(batches: usize, each: u32) -> Self {
        Times { batches, each }
    }

    /// What doing it once costs: the median of the batches.
    pub fn cost_of(self, mut act: impl FnMut()) -> f64 {
        self.costs_of(|| {
            let start = sys::now();
            for _ in 0..self.each {
                act();
            }
            [(sys::now() - start) as f64 / f64::from(self.each)]
        })[0]
    }

    /// What the parts of something cost. `act` reads the clock before the
    /// first part and after each.
    pub fn cost_of_parts<const N: usize>(self, mut act: impl FnMut(&mut Laps<N>)) -> [f64; N] {
        self.costs_of(|| {
            let mut laps = Laps {
                spent: [0.0; N],
                last: 0,
            };
            for _ in 0..self.each {
                act(&mut laps);
            }
            laps.spent.map(|spent| spent / f64::from(self.each))
        })
    }

    fn costs_of<const N: usize>(self, mut batch: impl FnMut() -> [f64; N]) -> [f64; N] {
        batch();
        let batches: Vec<[f64; N]> = (0..self.batches).map(|_| batch()).collect();
        std::array::from_fn(|n| median(batches.iter().map(|costs| costs[n]).collect()))
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// What the parts of something took so far.
pub struct Laps<const N: usize> {
    spent: [f64; N],
    last: u64,
}

impl<const N: usize> Laps<N> {
    /// The next part starts.
    #[inline]
    pub fn start(&mut self) {
        self.last = sys::now();
    }

    /// What was timed since the last call is of part number `n`; the next
    /// lap starts.
    #[inline]
    pub fn lap(&mut self, n: usize) {
        let now = sys::now();
        self.spent[n] += (now - self.last) as f64 - clock_cost();
        self.last = sys::now();
    }
}

/// What is measured when there is nothing between two looks at the clock.
fn clock_cost() -> f64 {
    static COST: OnceLock<f64> = OnceLock::new();
    *COST.get_or_init(|| {
        let costs = (0..2001).map(|_| {
            let start = sys::now();
            (sys::now() - start) as f64
        });
        median(costs.collect())
    })
}
