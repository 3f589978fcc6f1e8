// SPDX-License-Identifier: GPL-2.0-only
//! Processes of a test: each is forked, says what went wrong in its test's
//! words, and is waited for. They wait for each other with gates, never with
//! the clock.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::fcntl::{fcntl, FcntlArg, FdFlag};
use nix::sys::signal::{kill, sigaction, SaFlags, SigAction, SigHandler, SigSet, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::{ForkResult, Pid};

use kbus_test_conformance::place;

use super::hang_ms;
use crate::raw;

// ---- telling the parent why ----------------------------------------------

static REPORT: AtomicI32 = AtomicI32::new(-1);
static TOLD: AtomicBool = AtomicBool::new(false);

/// What panics in this process, or in children of it, goes there.
pub fn report_to(fd: RawFd) {
    REPORT.store(fd, Ordering::SeqCst);
}

pub fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload();
        let what = what.downcast_ref::<&str>().copied();
        let what = what.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
        let what = what.unwrap_or("panic");
        let at = info.location().map(place).unwrap_or_default();
        let fd = REPORT.load(Ordering::SeqCst);
        if fd < 0 {
            eprintln!("{at}: {what}");
        } else if !TOLD.swap(true, Ordering::SeqCst) {
            let line = format!("{at}: {what}").replace('\n', " ");
            let line = String::from_utf8_lossy(&line.as_bytes()[..line.len().min(1500)]) + "\n";
            let _ = raw::write(fd, line.as_ptr(), line.len());
        }
    }));
}

// ---- processes -----------------------------------------------------------

pub struct Child {
    pub pid: i32,
}

/// Runs `f` in a child. A panic there fails the test with its own words.
pub fn fork(f: impl FnOnce()) -> Child {
    // SAFETY: tests fork while single-threaded, or call only what a child of
    // a threaded process may call.
    match unsafe { nix::unistd::fork() }.unwrap() {
        ForkResult::Parent { child } => Child {
            pid: child.as_raw(),
        },
        ForkResult::Child => leave(f),
    }
}

/// Does it, and ends this process without running what belongs to the parent.
pub fn leave(f: impl FnOnce()) -> ! {
    let r = std::panic::catch_unwind(AssertUnwindSafe(f));
    // SAFETY: ends here.
    unsafe { libc::_exit(if r.is_ok() { 0 } else { 101 }) }
}

impl Child {
    fn id(&self) -> Pid {
        Pid::from_raw(self.pid)
    }

    pub fn wait(self) -> WaitStatus {
        loop {
            match waitpid(self.id(), None) {
                Err(nix::Error::EINTR) => {}
                status => return status.unwrap(),
            }
        }
    }

    #[track_caller]
    pub fn join(self) {
        let status = self.wait();
        assert!(well(status), "child ended with {}", how_it_ended(status));
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.id(), signal).unwrap();
    }

    /// Waits until it has stopped.
    pub fn stopped(&self) {
        waitpid(self.id(), Some(WaitPidFlag::WUNTRACED)).unwrap();
    }

    pub fn kill(self) -> WaitStatus {
        self.signal(Signal::SIGKILL);
        self.wait()
    }
}

/// Whether it came to its own end, with nothing wrong.
pub fn well(status: WaitStatus) -> bool {
    matches!(status, WaitStatus::Exited(_, 0))
}

pub fn how_it_ended(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, status) => format!("exit status {status}"),
        WaitStatus::Signaled(_, signal, _) => format!("signal {signal}"),
        other => format!("{other:?}"),
    }
}

/// Whether it ends in that time. It is not waited for.
pub fn ends_within(pid: Pid, seconds: u32) -> bool {
    // SAFETY: numbers only. There is no wrapper for it.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) } as RawFd;
    // SAFETY: our own descriptor, just made.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    raw::poll(pidfd.as_raw_fd(), libc::POLLIN, seconds as i32 * 1000) != Ok(0)
}

/// Waits for one that was killed or has ended; None if it does not die.
pub fn reap(pid: Pid) -> Option<WaitStatus> {
    let mut status = WaitStatus::StillAlive;
    let ended = bounded(|| {
        status = waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap();
        status != WaitStatus::StillAlive
    });
    ended.then_some(status)
}

/// Waits for all that are left, orphans included.
pub fn reap_all() -> bool {
    bounded(|| loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => break false,
            Ok(_) => {}
            Err(_) => break true,
        }
    })
}

/// Becomes a program that is told what it is, and where to report.
pub fn exec(program: &Path, args: &[&str]) -> ! {
    let report = REPORT.load(Ordering::SeqCst);
    keep_over_exec(report);
    let report = format!("--report-to={report}");
    let words = ["kbus-test-system", &report].into_iter();
    let words: Vec<CString> = words
        .chain(args.iter().copied())
        .map(|word| CString::new(word).unwrap())
        .collect();
    let path = CString::new(program.to_str().unwrap()).unwrap();
    let Err(e) = nix::unistd::execv(&path, &words);
    panic!("exec {}: {e}", program.display());
}

/// Lets a descriptor go on when another program begins.
pub fn keep_over_exec(fd: RawFd) {
    fcntl(raw::borrow(fd), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
}

/// Closes all descriptors but these, the usual three and the test's report:
/// a child holds every ksock of its parent open otherwise.
pub fn keep_only(keep: &[RawFd]) {
    let report = REPORT.load(Ordering::SeqCst);
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open {
        if fd > 2 && fd != report && !keep.contains(&fd) {
            let _ = nix::unistd::close(fd);
        }
    }
}

/// For what is over in a moment unless something hangs.
pub fn bounded(mut done: impl FnMut() -> bool) -> bool {
    let began = std::time::Instant::now();
    while !done() {
        if began.elapsed().as_millis() > hang_ms() as u128 {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

// ---- what they are ------------------------------------------------------

/// This process and its children belong to another user from now on.
pub fn become_user(uid: u32) {
    nix::unistd::setgroups(&[]).unwrap();
    nix::unistd::setgid(uid.into()).unwrap();
    nix::unistd::setuid(uid.into()).unwrap();
}

/// Two who have no privileges.
pub const ALICE: u32 = 1001;
pub const BOB: u32 = 1002;

/// Runs `f` in a child that belongs to that user.
pub fn as_user(uid: u32, f: impl FnOnce()) -> Child {
    fork(|| {
        become_user(uid);
        f();
    })
}

/// Root without what makes it root, but for these capabilities.
pub fn keep_capabilities(kept: &[u32]) {
    let kept = kept
        .iter()
        .fold(0, |kept, capability| kept | (1 << capability));
    // _LINUX_CAPABILITY_VERSION_3, this process; what it uses, may use and hands on, each in two
    // halves.
    let (header, sets) = ([0x2008_0522_u32, 0], [kept, kept, 0, 0, 0, 0]);
    // SAFETY: this process only, with structures of that size.
    let set = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    assert!(set == 0, "capset: {:?}", raw::errno());
}

/// This process is killed when its parent ends.
pub fn die_with_parent() {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).unwrap();
}

/// A handler that does nothing, so that calls are interrupted.
pub fn on_signal(signal: Signal, flags: SaFlags) {
    extern "C" fn nothing(_: i32) {}
    let action = SigAction::new(SigHandler::Handler(nothing), flags, SigSet::empty());
    // SAFETY: it does nothing.
    unsafe { sigaction(signal, &action) }.unwrap();
}

/// Sets how willingly this process leaves the processors to others.
pub fn nice(value: i32) {
    // SAFETY: a number only, and there is no wrapper for it.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, value) };
}

// ---- what they share -----------------------------------------------------

/// A pipe to say "now" through: processes and threads wait for each other
/// with it, never with the clock.
#[derive(Clone, Copy)]
pub struct Gate {
    pub read: RawFd,
    pub write: RawFd,
}

impl Gate {
    pub fn new() -> Gate {
        let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        Gate {
            read: read.into_raw_fd(),
            write: write.into_raw_fd(),
        }
    }

    /// How a program that this process becomes knows the end that is opened.
    pub fn inherited(&self) -> String {
        keep_over_exec(self.write);
        self.write.to_string()
    }

    #[track_caller]
    pub fn open(&self) {
        assert!(raw::write(self.write, [1u8].as_ptr(), 1) == Ok(1));
    }

    #[track_caller]
    pub fn pass(&self) {
        let mut byte = 0u8;
        loop {
            match raw::read(self.read, &mut byte, 1) {
                Ok(1) => return,
                Err(raw::EINTR) => {}
                other => panic!("the other side is gone: {other:?}"),
            }
        }
    }

    /// Whether it is open, or will be before a hang has lasted.
    pub fn opens(&self) -> bool {
        raw::poll(self.read, libc::POLLIN, super::HANG_MS) == Ok(libc::POLLIN)
    }

    #[track_caller]
    pub fn put(&self, word: u32) {
        assert!(raw::write(self.write, word.to_ne_bytes().as_ptr(), 4) == Ok(4));
    }

    #[track_caller]
    pub fn get(&self) -> u32 {
        let mut bytes = [0u8; 4];
        let r = raw::read(self.read, bytes.as_mut_ptr(), 4);
        assert!(r == Ok(4), "the other side is gone: {r:?}");
        u32::from_ne_bytes(bytes)
    }
}

/// Memory that survives fork in both directions.
pub fn shared<T>(len: usize) -> &'static mut [T] {
    use nix::sys::mman::{mmap_anonymous, MapFlags, ProtFlags};
    let bytes = std::num::NonZero::new(len * size_of::<T>()).unwrap();
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: fresh zeroed memory, never unmapped; callers use plain integers
    // and atomics, for which zero is a value.
    unsafe {
        let p = mmap_anonymous(None, bytes, protection, MapFlags::MAP_SHARED).unwrap();
        std::slice::from_raw_parts_mut(p.as_ptr().cast(), len)
    }
}
