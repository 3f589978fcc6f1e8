// SPDX-License-Identifier: GPL-2.0-only
//! Prints what is said: `listen [PATTERN [SECONDS]]`. Without a pattern, all.

use kbus::{Access, Deadline, Ksock, Pattern, Role};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let pattern = Pattern::new(&args.next().unwrap_or("$.*".into()))?;
    let deadline = match args.next() {
        Some(seconds) => Duration::from_secs(seconds.parse()?).into(),
        None => Deadline::NEVER,
    };

    let bus = Ksock::open(0, Access::Read)?;
    bus.bind(Role::Listener, pattern)?;
    for message in bus.messages_until(deadline) {
        println!("{}", message?);
    }
    Ok(())
}
