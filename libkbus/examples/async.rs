// SPDX-License-Identifier: GPL-2.0-only
//! A replier and a requester, as two tasks of one thread, on tokio.
//! Needs the feature `tokio`.

use kbus::{Access, AsyncKsock, Error, Incoming, Message, Name, Role};
use std::time::Duration;
use tokio::time::timeout;

async fn replier(bus: &AsyncKsock) -> Result<(), Error> {
    loop {
        match bus.incoming().await? {
            Incoming::Asked(request) => {
                let text = String::from_utf8_lossy(request.data()).to_uppercase();
                bus.answer(request, text).await?;
            }
            Incoming::Told(message) => println!("heard {message}"),
        }
    }
}

async fn asker(bus: &AsyncKsock, name: &Name) -> Result<(), Error> {
    for word in ["to", "be"] {
        // Whether this waits too long is tokio's business.
        match timeout(
            Duration::from_secs(5),
            bus.call(&Message::request(name, word)),
        )
        .await
        {
            Ok(answer) => println!("{}", String::from_utf8_lossy(answer?.data())),
            Err(_) => println!("no answer in time"),
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let name = Name::new("$.Async.Echo")?;
    let theirs = AsyncKsock::open(0, Access::ReadWrite)?;
    theirs.ksock().bind(Role::Replier, &name)?;
    let ours = AsyncKsock::open(0, Access::ReadWrite)?;
    tokio::select! {
        ended = replier(&theirs) => ended,
        done = asker(&ours, &name) => done,
    }
}
