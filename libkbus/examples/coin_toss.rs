// SPDX-License-Identifier: GPL-2.0-only
//! A coin is tossed: a conversation of two requests, where the second makes
//! sense only to the replier that answered the first. It is a stateful request, which
//! goes to that one or fails.

use kbus::{Access, Error, Incoming, Ksock, KsockId, Message, Name, Role};
use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

/// Tosses a coin for each requester, and remembers how it fell until that calls.
fn thrower(ready: &mpsc::Sender<()>) -> Result<(), Error> {
    let bus = Ksock::open(0, Access::ReadWrite)?;
    bus.bind(Role::Replier, Name::new("$.Coin.Toss")?)?;
    bus.bind(Role::Replier, Name::new("$.Coin.Call")?)?;
    // The other one waits for this; if it has gone, no request comes.
    let _ = ready.send(());
    let mut tossed: HashMap<KsockId, &str> = HashMap::new();
    while let Some(incoming) = bus.incoming(SOON)? {
        let Incoming::Asked(request) = incoming else {
            continue;
        };
        let Some(caller) = request.from() else {
            continue; // dropped, and so declined
        };
        if *request.name() == *"$.Coin.Toss" {
            let side = if request.id().serial % 2 == 0 {
                "heads"
            } else {
                "tails"
            };
            tossed.insert(caller, side);
            request.answer("it is in the air")?;
        } else {
            let Some(side) = tossed.remove(&caller) else {
                continue; // nothing was tossed for them
            };
            let won = request.data() == side.as_bytes();
            request.answer(format!("{side}: you {}", if won { "win" } else { "lose" }))?;
            return Ok(());
        }
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let (ready, is_ready) = mpsc::channel();
    let thrower = thread::spawn(move || thrower(&ready));
    if is_ready.recv().is_ok() {
        let bus = Ksock::open(0, Access::ReadWrite)?;
        let toss = bus.request(&Name::new("$.Coin.Toss")?, "").call(SOON)?;
        println!("{}", String::from_utf8_lossy(toss.data()));
        // To the very one that tossed.
        let call = Message::stateful_request(&toss, &Name::new("$.Coin.Call")?, "heads")?;
        let result = bus.call(&call, SOON)?;
        println!("{}", String::from_utf8_lossy(result.data()));
    }
    thrower.join().unwrap_or(Ok(()))
}
