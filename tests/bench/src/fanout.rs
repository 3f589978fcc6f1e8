// SPDX-License-Identifier: GPL-2.0-only
//! One announcement to many processes.

use std::sync::atomic::Ordering::Relaxed;

use crate::clock::Times;
use crate::sys::{self, Child};
use crate::table::{Cell, Table};
use crate::transport::Carrier;

pub fn run() {
    println!("\nAn announcement of 64 B to many processes: instructions until all of them have it");
    println!("  kbus: write, SEND; each listener: poll, NEXTMSG, read; peers: one connection for");
    println!("  each receiver, a send to each; receivers plain (these count), or with poll first");
    let mut table = Table::of_carriers(true);
    for (count, times) in [
        (1, Times::new(9, 400)),
        (8, Times::new(9, 200)),
        (64, Times::new(9, 40)),
    ] {
        let kbus = announcement(Carrier::Kbus, count, true, times);
        for (polled, how) in [(false, "plain"), (true, "poll")] {
            let mut cells = vec![Cell::cost(kbus)];
            for peer in Carrier::PEERS {
                let cost = announcement(peer, count, polled, times);
                cells.push(Cell::beside(kbus, cost));
            }
            let target = (count == 64 && !polled).then_some((1, 1.05));
            table.row(&format!("to {count}, {how}"), &cells, target);
        }
    }
}

fn announcement(carrier: Carrier, count: usize, polled: bool, times: Times) -> Option<f64> {
    let (mut sender, receivers) = carrier.fan(count, 64, polled)?;
    // The last one to receive says so; that costs the same for all carriers.
    let received = sys::shared_counter();
    let (all_done, say_done) = sys::pipe();
    let _receivers: Vec<Child> = receivers
        .into_iter()
        .map(|mut receiver| {
            Child::new(|| loop {
                receiver.receive();
                if received.fetch_add(1, Relaxed) + 1 == count as u32 {
                    sys::write(&say_done, &[0]);
                }
            })
        })
        .collect();
    Some(times.cost_of(|| {
        received.store(0, Relaxed);
        sender.send();
        sys::read(&all_done, &mut [0]);
    }))
}
