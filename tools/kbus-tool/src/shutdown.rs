// SPDX-License-Identifier: GPL-2.0-only
//! Orderly shutdown: Ctrl-C and its relatives end a verb with all output
//! written, requests declined and commands ended.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use kbus::Deadline;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::exit::Failure;

/// Once there is one, these signals no longer end the program: they end each
/// wait, with [`Failure::Signal`].
pub(crate) struct Shutdown {
    /// Readable when a signal came.
    pipe: UnixStream,
    /// The signal; 0: none came.
    signal: Arc<AtomicUsize>,
}

impl Shutdown {
    pub(crate) fn new() -> Result<Shutdown, Failure> {
        let failed =
            |error: io::Error| Failure::Other(format!("cannot prepare for Ctrl-C: {error}"));
        let signal = Arc::new(AtomicUsize::new(0));
        let (pipe, end) = UnixStream::pair().map_err(failed)?;
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // Its number first: what the pipe wakes finds it.
            flag::register_usize(number, signal.clone(), number.unsigned_abs() as usize)
                .map_err(failed)?;
            let end = end.try_clone().map_err(failed)?;
            low_level::pipe::register(number, end).map_err(failed)?;
        }
        Ok(Shutdown { pipe, signal })
    }

    /// Waits until `fd` is readable (true), or the deadline has passed
    /// (false).
    pub(crate) fn wait(&self, fd: BorrowedFd<'_>, deadline: Deadline) -> Result<bool, Failure> {
        self.wait_for(Some(fd), deadline)
    }

    /// Waits for nothing but the deadline.
    pub(crate) fn sleep(&self, deadline: impl Into<Deadline>) -> Result<(), Failure> {
        self.wait_for(None, deadline.into()).map(drop)
    }

    fn wait_for(&self, fd: Option<BorrowedFd<'_>>, deadline: Deadline) -> Result<bool, Failure> {
        loop {
            let mut fds = vec![PollFd::from_borrowed_fd(self.pipe.as_fd(), PollFlags::IN)];
            fds.extend(fd.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            let left = deadline.left().map(timespec);
            match poll(&mut fds, left.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    let error = io::Error::from(error);
                    return Err(Failure::Other(format!("cannot wait: {error}")));
                }
            }
            self.check()?;
            if fds.get(1).is_some_and(|fd| !fd.revents().is_empty()) {
                return Ok(true);
            }
            if deadline.has_passed() {
                return Ok(false);
            }
        }
    }

    /// Fails if a signal came, for loops that need not wait.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.signal.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Failure::Signal(i32::try_from(signal).unwrap_or(SIGTERM))),
        }
    }
}

/// At most a day, which is within the range of every clock: callers wait
/// again.
fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration.min(Duration::from_secs(86_400))).unwrap_or(Timespec {
        tv_sec: 86_400,
        tv_nsec: 0,
    })
}

/// Ends the program by a signal that it had caught, which is what shells want
/// to see.
pub(crate) fn reraise(signal: i32) {
    // When this fails there is an exit status to say it.
    let _ = low_level::emulate_default_handler(signal);
}
