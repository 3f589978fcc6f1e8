// SPDX-License-Identifier: GPL-2.0-only
//! Asks and waits for the answer: `ask NAME [TEXT]`.

use kbus::{Access, Error, Ksock, Name};
use std::time::Duration;

fn main() -> Result<(), Error> {
    let mut args = std::env::args_os().skip(1);
    let name = args.next().unwrap_or("$.Echo".into());
    let name = Name::new(&name.to_string_lossy())?;
    // Data are any bytes.
    let text = args.next().unwrap_or_default().into_encoded_bytes();

    let bus = Ksock::open(0, Access::ReadWrite)?;
    match bus.request(&name, text).call(Duration::from_secs(5)) {
        Ok(answer) => println!("{}", String::from_utf8_lossy(answer.data())),
        // An error says what is the matter and what to do about it.
        Err(error) => println!("{error}"),
    }
    Ok(())
}
