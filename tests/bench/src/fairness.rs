// SPDX-License-Identifier: GPL-2.0-only
//! One user floods the bus, another has a conversation: how much longer that
//! takes than beside processes that are as busy and leave the bus alone. On one
//! processor; what the scheduler does with busy processes is the same for both.

use crate::clock::Times;
use crate::ksock::{Ksock, Message, Role};
use crate::roundtrip::round_trip;
use crate::sys::{self, Child};
use crate::table::{Cell, Table};
use crate::transport::Carrier;

const FLOODING: u32 = 1001;
const TALKING: u32 = 1002;
const TIMES: Times = Times::new(5, 100);
/// What the flood is called. Nobody reads it.
const FLOOD: &str = "$.Bench.Flood";
/// A flood costs others no more than this.
const TARGET: f64 = 1.3;

pub fn run() {
    println!("\nRequest and reply of 64 B by one user while another keeps the machine busy:");
    println!("  instructions for a round trip, of all processes, and times that beside four");
    println!("  processes that only compute; four that announce to a queue nobody reads");
    let mut table = Table::new("", &["alone", "4 compute", "4 flood"], true);
    let alone = talk();
    let beside_computing = {
        let _busy: Vec<Child> = (0..4).map(|_| busy(|| compute)).collect();
        talk()
    };
    let beside_flood = {
        let hoard = sys::as_user(FLOODING, || Ksock::bound(Role::Listener, FLOOD));
        hoard.set_limit(u32::MAX);
        let _busy: Vec<Child> = (0..4).map(|_| busy(flood)).collect();
        talk()
    };
    let cells = [alone, beside_computing, beside_flood];
    let cells = cells.map(|cost| Cell::times(cost, beside_computing));
    table.row("round trip", &cells, Some((2, TARGET)));
}

/// What a round trip of the other user costs now.
fn talk() -> f64 {
    sys::as_user(TALKING, || round_trip(Carrier::Kbus, 64, true, TIMES)).unwrap_or(f64::NAN)
}

/// A process of the flooding user's that does something again and again.
fn busy<F: FnMut()>(prepare: impl FnOnce() -> F) -> Child {
    Child::new(|| {
        sys::become_user(FLOODING);
        let mut act = prepare();
        loop {
            act();
        }
    })
}

fn compute() {
    std::hint::black_box((0..1000).fold(0_u32, |sum, n| std::hint::black_box(sum ^ n)));
}

fn flood() -> impl FnMut() {
    let ksock = Ksock::open();
    let message = Message::announcement(FLOOD, 64);
    move || {
        ksock.write(&message);
        ksock.send();
    }
}
