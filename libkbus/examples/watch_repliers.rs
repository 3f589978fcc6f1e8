// SPDX-License-Identifier: GPL-2.0-only
//! Tells who becomes a replier for what, and who ceases to be: `watch_repliers
//! [SECONDS]`. Those that are there already are told first.

use kbus::{Access, Deadline, Ksock, Name, Role};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let deadline = match std::env::args().nth(1) {
        Some(seconds) => Duration::from_secs(seconds.parse()?).into(),
        None => Deadline::NEVER,
    };

    let bus = Ksock::open(0, Access::Read)?;
    bus.bind(Role::Listener, Name::new("$.KBUS.ReplierBindEvent")?)?;
    // A switch of the bus, not ours alone: it stays on for others.
    bus.set_report_replier_binds(true)?;
    for message in bus.messages_until(deadline) {
        if let Some(event) = message?.bind_event() {
            let what = if event.bound { "answers" } else { "has left" };
            println!("Ksock {} {what} {}", event.binder, event.name);
        }
    }
    Ok(())
}
