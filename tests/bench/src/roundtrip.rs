// SPDX-License-Identifier: GPL-2.0-only
//! Requests and replies between two processes.

use crate::clock::Times;
use crate::sys::Child;
use crate::table::{Cell, Table};
use crate::transport::Carrier;

pub fn run() {
    println!("\nRequest and reply between two processes: instructions for a round trip");
    println!("  kbus: write, SEND, poll, NEXTMSG, read, by both; peers: a send and a receive, by");
    println!("  both (plain: these count), or poll before each receive as well (poll)");
    let mut table = Table::of_carriers(true);
    for (size, label, times) in [
        (64, "64 B", Times::new(9, 500)),
        (1024, "1 KiB", Times::new(9, 300)),
        (64 * 1024, "64 KiB", Times::new(5, 60)),
    ] {
        let kbus = round_trip(Carrier::Kbus, size, true, times);
        for (polled, how) in [(false, "plain"), (true, "poll")] {
            let mut cells = vec![Cell::cost(kbus)];
            for peer in Carrier::PEERS {
                let cost = round_trip(peer, size, polled, times);
                cells.push(Cell::beside(kbus, cost));
            }
            let target = (size == 64 && !polled).then_some((1, 1.6));
            table.row(&format!("{label}, {how}"), &cells, target);
        }
    }
}

pub fn round_trip(carrier: Carrier, size: usize, polled: bool, times: Times) -> Option<f64> {
    let (mut requester, mut replier) = carrier.pair(size, polled)?;
    let _replier = Child::new(|| loop {
        replier.receive();
        replier.send();
    });
    Some(times.cost_of(|| {
        requester.send();
        requester.receive();
    }))
}
