// SPDX-License-Identifier: GPL-2.0-only

//! What the kernel's log says of users: that one has reached a limit, and, of a bus that is
//! verbose, what they do.
//!
//! Each user has a share of the log of its own, which stays when its last Ksock is closed. So none
//! hides by noise what is said of another, and none makes more of it by beginning anew.

use crate::bus::quota::{Limit, User};
use crate::bus::BusError;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};
use kernel::time::{Delta, Instant, Monotonic};

/// How many lines may be said of one user in [`PERIOD`].
const LINES: u32 = 50;

const PERIOD: Delta = Delta::from_secs(5);

/// How long it is not said again that a user has reached a limit, whatever accounts it has.
const AGAIN: Delta = Delta::from_secs(3600);

/// The most users whose share is remembered: of more than those who have been quiet for a period
/// are forgotten.
const MOST_SHARES: usize = 256;

/// One user's share of the log.
struct Share {
    uid: u32,
    /// When the period began, how many lines were said in it, and how many more were not.
    since: Instant<Monotonic>,
    said: u32,
    unsaid: u32,
    /// When it was last said that a limit was reached.
    warned: [Option<Instant<Monotonic>>; Limit::COUNT],
}

impl Share {
    fn new(uid: u32) -> Self {
        Share {
            uid,
            since: Instant::now(),
            said: 0,
            unsaid: 0,
            warned: [None; Limit::COUNT],
        }
    }

    fn is_over(&self) -> bool {
        self.since.elapsed() >= PERIOD
    }
}

/// The shares that users have of the log.
#[pin_data]
pub(crate) struct Log {
    #[pin]
    shares: Mutex<KVec<Share>>,
}

impl Log {
    /// Nothing was said yet.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Log {
                shares <- new_mutex!(KVec::new(), "kbus::Log::shares"),
            }),
            GFP_KERNEL,
        )
    }

    /// Does something with a user's share. Nothing is done, and said, if there is no memory for
    /// it, or if there are too many users that say something at a time.
    fn with_share<R>(&self, uid: u32, act: impl FnOnce(&mut Share) -> Option<R>) -> Option<R> {
        let mut shares = self.shares.lock();
        if let Some(share) = shares.iter_mut().find(|share| share.uid == uid) {
            return act(share);
        }
        if shares.len() < MOST_SHARES {
            shares.push(Share::new(uid), GFP_KERNEL).ok()?;
            return act(shares.last_mut()?);
        }
        let quietest = shares.iter_mut().max_by_key(|it| it.since.elapsed())?;
        if !quietest.is_over() {
            return None;
        }
        *quietest = Share::new(uid);
        act(quietest)
    }

    /// Says in the kernel's log that a user has reached a limit: once for each of its accounts,
    /// and once in an hour for all of them.
    pub(crate) fn warn(&self, user: &User, limit: Limit) {
        if !user.warn_once(limit) {
            return;
        }
        let due = self.with_share(user.key.uid, |share| {
            let warned = share.warned.get_mut(limit as usize)?;
            if warned.is_some_and(|at| at.elapsed() < AGAIN) {
                return None;
            }
            *warned = Some(Instant::now());
            Some(())
        });
        if due.is_none() {
            return;
        }
        let (uid, most) = (user.key.uid, user.limit(limit));
        let (what, parameter) = match limit {
            Limit::Ksocks => ("Ksocks", "ksocks"),
            Limit::Bindings => ("bindings", "bindings"),
            Limit::Bytes => (
                "bytes of unread messages beyond 64 KiB for each Ksock, one queue half of them",
                "bytes",
            ),
            Limit::Buses => ("buses made", "buses"),
            Limit::Copies => ("copies of one message", "copies"),
        };
        pr_warn!("user {uid} has reached its limit: {most} {what} (kbus_max_user_{parameter})\n");
    }

    /// Says something of a user.
    pub(crate) fn say(&self, uid: u32, what: core::fmt::Arguments<'_>) {
        let unsaid = self.with_share(uid, |share| {
            if share.is_over() {
                let unsaid = share.unsaid;
                (share.since, share.said, share.unsaid) = (Instant::now(), 1, 0);
                return Some(unsaid);
            }
            if share.said == LINES {
                share.unsaid = share.unsaid.saturating_add(1);
                return None;
            }
            share.said += 1;
            Some(0)
        });
        match unsaid {
            Some(0) => pr_info!("{what}\n"),
            Some(unsaid) => pr_info!("{what} (and {unsaid} lines of this user before it)\n"),
            None => (),
        }
    }
}

impl BusError {
    /// Returns in a few words why something was refused.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            BusError::BadName => "not a name for this",
            BusError::NameTooLong => "the name is too long",
            BusError::NameTaken => "another replies to it",
            BusError::NotBound => "it is not bound to it",
            BusError::EventUndeliverable => "one who listens for bind events is full",
            BusError::NobodyThere => "there is nobody to get it",
            BusError::NotAsked => "it answers no request that waits for an answer",
            BusError::OtherReplier => "another replies to the name now",
            BusError::RecipientFull => "one who must get it is full",
            BusError::NoRoomForAnswer => "it has no room for the answer itself",
            BusError::CallerFull => "it is full itself",
            BusError::NothingWritten => "nothing was written",
            BusError::Unfinished => "it was not written to the end",
            BusError::SendPending => "another waits to be sent",
            BusError::BadMessage => "it is not well formed",
            BusError::TooLong => "it is too long",
            BusError::BadValue => "no such value",
            BusError::TooManyKsocks => "the user has as many Ksocks as it may",
            BusError::TooManyBindings => "the user has as many bindings as it may",
            BusError::TooManyBuses => "the user has made as many buses as it may",
            BusError::NoMemory => "there is no memory",
            BusError::Closed => "it is closed",
        }
    }
}
