// SPDX-License-Identifier: GPL-2.0-only
//! Answers requests with what was asked, in capitals, and declines what is not
//! text: `answer [NAME [SECONDS]]`.

use kbus::{Access, Deadline, Ksock, Name, Role};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = Name::new(&args.next().unwrap_or("$.Echo".into()))?;
    let deadline = match args.next() {
        Some(seconds) => Duration::from_secs(seconds.parse()?).into(),
        None => Deadline::NEVER,
    };

    let bus = Ksock::open(0, Access::ReadWrite)?;
    bus.bind(Role::Replier, name)?;
    bus.serve(deadline, |request| {
        let text = std::str::from_utf8(request.data());
        text.ok().map(str::to_uppercase)
    })?;
    Ok(())
}
