// SPDX-License-Identifier: GPL-2.0-only
//! Being stopped: Ctrl-C and its relatives end a verb in an orderly way, with
//! all output written, requests declined and commands ended.

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

/// From its making on, these signals no longer end the program: they make
/// waiting end, with `Failure::Signal`.
pub(crate) struct Stop {
    /// Readable when there was one.
    pipe: UnixStream,
    which: Arc<AtomicUsize>,
}

impl Stop {
    pub(crate) fn new() -> Result<Stop, Failure> {
        let failed =
            |error: io::Error| Failure::Refused(format!("cannot prepare for Ctrl-C: {error}"));
        let which = Arc::new(AtomicUsize::new(0));
        let (pipe, end) = UnixStream::pair().map_err(failed)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Its number first: who wakes by the pipe finds it.
            flag::register_usize(signal, which.clone(), signal.unsigned_abs() as usize)
                .map_err(failed)?;
            let end = end.try_clone().map_err(failed)?;
            low_level::pipe::register(signal, end).map_err(failed)?;
        }
        Ok(Stop { pipe, which })
    }

    /// Waits until `what` is readable (true), or the deadline has passed
    /// (false).
    pub(crate) fn wait(&self, what: BorrowedFd<'_>, deadline: Deadline) -> Result<bool, Failure> {
        self.wait_for(Some(what), deadline)
    }

    /// Waits for nothing but the deadline.
    pub(crate) fn sleep(&self, deadline: Deadline) -> Result<(), Failure> {
        self.wait_for(None, deadline).map(drop)
    }

    fn wait_for(&self, what: Option<BorrowedFd<'_>>, deadline: Deadline) -> Result<bool, Failure> {
        loop {
            let mut fds = vec![PollFd::from_borrowed_fd(self.pipe.as_fd(), PollFlags::IN)];
            fds.extend(what.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            let left = deadline.left().map(timespec);
            match poll(&mut fds, left.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    return Err(Failure::Refused(format!(
                        "cannot wait: {}",
                        io::Error::from(error)
                    )))
                }
            }
            let which = self.which.load(Ordering::SeqCst);
            if which != 0 {
                return Err(Failure::Signal(i32::try_from(which).unwrap_or(SIGTERM)));
            }
            if fds.get(1).is_some_and(|fd| !fd.revents().is_empty()) {
                return Ok(true);
            }
            if deadline.has_passed() {
                return Ok(false);
            }
        }
    }

    /// Was there one? For those who have no need to wait.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.which.load(Ordering::SeqCst) {
            0 => Ok(()),
            which => Err(Failure::Signal(i32::try_from(which).unwrap_or(SIGTERM))),
        }
    }
}

/// Longer than the clock goes is for a day: callers look again.
fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration.min(Duration::from_secs(86_400))).unwrap_or(Timespec {
        tv_sec: 86_400,
        tv_nsec: 0,
    })
}

/// Ends the program as if it had never cared about the signal, which is what
/// shells want to see.
pub(crate) fn die_of(signal: i32) {
    // When this fails there is an exit status to say it.
    let _ = low_level::emulate_default_handler(signal);
}
