// SPDX-License-Identifier: GPL-2.0-only
//! Says something to all listeners: `say NAME [TEXT]`.

use kbus::{Access, Error, Ksock, Message, Name};

fn main() -> Result<(), Error> {
    let mut args = std::env::args_os().skip(1);
    let name = args.next().unwrap_or("$.Greeting.Morning".into());
    let name = Name::new(&name.to_string_lossy())?;
    // Data are any bytes.
    let text = args.next().unwrap_or_default().into_encoded_bytes();

    let bus = Ksock::open(0, Access::Write)?;
    let id = bus.send(&Message::announcement(&name, text))?;
    println!("said {name} {id}");
    Ok(())
}
