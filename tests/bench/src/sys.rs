// SPDX-License-Identifier: GPL-2.0
//! The system calls that are measured, as thin as they can be. A call that
//! fails ends the program: there is nothing to measure then.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::uapi;

/// The result of a call, unless it failed.
fn check<T: Into<i64> + Copy>(what: &str, result: T) -> T {
    if result.into() < 0 {
        panic!("{what}: {}", std::io::Error::last_os_error());
    }
    result
}

fn owned(what: &str, fd: RawFd) -> OwnedFd {
    // SAFETY: it was just returned to us, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(check(what, fd)) }
}

pub fn open(path: &str, flags: i32) -> OwnedFd {
    let name = CString::new(path).expect("a path without zeros");
    // SAFETY: the path is a C string.
    owned(path, unsafe { libc::open(name.as_ptr(), flags) })
}

#[inline]
pub fn write(fd: &OwnedFd, bytes: &[u8]) -> usize {
    // SAFETY: the bytes are there to be read.
    let count = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    check("write", count as i64) as usize
}

#[inline]
pub fn read(fd: &OwnedFd, bytes: &mut [u8]) -> usize {
    // SAFETY: the bytes are there to be written.
    let count = unsafe { libc::read(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
    check("read", count as i64) as usize
}

/// Waits until there is something to read; 0 waits not at all.
#[inline]
pub fn poll(fd: &OwnedFd, timeout: i32) -> bool {
    let mut wanted = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, which lives for the call.
    let ready = unsafe { libc::poll(&mut wanted, 1, timeout) };
    check("poll", ready) > 0
}

pub fn getppid() -> i32 {
    // SAFETY: it cannot fail.
    unsafe { libc::getppid() }
}

// --- KBUS ---------------------------------------------------------------------

/// An ioctl that fills, and perhaps reads, a number.
#[inline]
pub fn ioctl_number(fd: &OwnedFd, code: u32, number: &mut u32) -> i32 {
    // SAFETY: all the ioctls of KBUS that take numbers take 32 bits.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), code.into(), number as *mut u32) };
    check("ioctl", result)
}

#[inline]
pub fn ioctl_send(fd: &OwnedFd) -> uapi::kbus_msg_id {
    let mut id = uapi::kbus_msg_id {
        network_id: 0,
        serial_num: 0,
    };
    let code = uapi::KBUS_IOC_SEND.into();
    // SAFETY: SEND fills in an id.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), code, &mut id as *mut uapi::kbus_msg_id) };
    check("SEND", result);
    id
}

/// BIND or UNBIND.
#[inline]
pub fn ioctl_bind(fd: &OwnedFd, code: u32, is_replier: bool, name: &str) {
    let request = uapi::kbus_bind_request {
        is_replier: is_replier.into(),
        name_len: name.len() as u32,
        name: name.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the request and the name that it points to are only read.
    let result = unsafe {
        libc::ioctl(
            fd.as_raw_fd(),
            code.into(),
            &request as *const uapi::kbus_bind_request,
        )
    };
    check("BIND or UNBIND", result);
}

// --- the peers ----------------------------------------------------------------

pub fn socketpair() -> (OwnedFd, OwnedFd) {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    let result =
        unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET, 0, fds.as_mut_ptr()) };
    check("socketpair", result);
    (owned("socketpair", fds[0]), owned("socketpair", fds[1]))
}

#[inline]
pub fn send(fd: &OwnedFd, bytes: &[u8]) -> usize {
    // SAFETY: the bytes are there to be read.
    let count = unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
    check("send", count as i64) as usize
}

#[inline]
pub fn recv(fd: &OwnedFd, bytes: &mut [u8]) -> usize {
    // SAFETY: the bytes are there to be written.
    let count = unsafe { libc::recv(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    check("recv", count as i64) as usize
}

/// A pipe: where to read, and where to write.
pub fn pipe() -> (OwnedFd, OwnedFd) {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    let result = unsafe { libc::pipe(fds.as_mut_ptr()) };
    check("pipe", result);
    (owned("pipe", fds[0]), owned("pipe", fds[1]))
}

/// A POSIX message queue that nobody else can open, or nothing where queues
/// of such messages are not to be had.
pub fn message_queue(message_len: usize) -> Option<OwnedFd> {
    const NAME: &std::ffi::CStr = c"/kbus-bench";
    // SAFETY: the attributes are plain numbers, for which zero is a value.
    let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
    attributes.mq_maxmsg = 10;
    attributes.mq_msgsize = message_len as libc::c_long;
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    // SAFETY: a C string, a mode, and attributes that are only read.
    let fd = unsafe { libc::mq_open(NAME.as_ptr(), flags, 0o600 as libc::mode_t, &attributes) };
    if fd < 0 {
        return None;
    }
    // SAFETY: a C string.
    let result = unsafe { libc::mq_unlink(NAME.as_ptr()) };
    check("mq_unlink", result);
    Some(owned("mq_open", fd))
}

#[inline]
pub fn mq_send(fd: &OwnedFd, bytes: &[u8]) {
    // SAFETY: the bytes are there to be read.
    let result = unsafe { libc::mq_send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
    check("mq_send", result);
}

#[inline]
pub fn mq_receive(fd: &OwnedFd, bytes: &mut [u8]) -> usize {
    let (at, len) = (bytes.as_mut_ptr().cast(), bytes.len());
    // SAFETY: the bytes are there to be written; nobody asks for the priority.
    let count = unsafe { libc::mq_receive(fd.as_raw_fd(), at, len, std::ptr::null_mut()) };
    check("mq_receive", count as i64) as usize
}

// --- processes and limits -------------------------------------------------------

/// A child process, killed when it is dropped.
pub struct Child(libc::pid_t);

impl Child {
    /// A process that does `work`, for ever; when that fails it takes us along.
    pub fn new(work: impl FnOnce()) -> Child {
        let parent = std::process::id() as libc::pid_t;
        // SAFETY: this program has one thread.
        let pid = unsafe { libc::fork() };
        check("fork", pid);
        if pid != 0 {
            return Child(pid);
        }
        // SAFETY: only numbers go in.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // SAFETY: our parent waits for us, so it is the one we know; and this
        // process ends here, without running what belongs to the parent.
        unsafe {
            if result.is_err() {
                libc::kill(parent, libc::SIGTERM);
            }
            libc::_exit(1)
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: it is our child, and not waited for yet.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

/// Becomes this user, for good.
pub fn become_user(uid: u32) {
    // SAFETY: only numbers go in.
    check("setuid", unsafe { libc::setuid(uid) });
}

/// Does something as this user, and becomes root again.
pub fn as_user<T>(uid: u32, act: impl FnOnce() -> T) -> T {
    // SAFETY: only numbers go in.
    let become_for_now = |uid| unsafe { libc::setresuid(uid, uid, 0) };
    check("setresuid", become_for_now(uid));
    let done = act();
    check("setresuid", become_for_now(0));
    done
}

/// Who runs when several want to.
pub enum Policy {
    /// All get their share.
    Usual,
    /// Before all of those.
    First,
    /// When no other wants to.
    Idle,
}

/// Changes how this process is scheduled.
pub fn set_policy(policy: Policy) {
    let (policy, sched_priority) = match policy {
        Policy::Usual => (libc::SCHED_OTHER, 0),
        Policy::First => (libc::SCHED_FIFO, 1),
        Policy::Idle => (libc::SCHED_IDLE, 0),
    };
    // SAFETY: the parameters are only read.
    let result =
        unsafe { libc::sched_setscheduler(0, policy, &libc::sched_param { sched_priority }) };
    check("sched_setscheduler", result);
}

/// Raises a limit of this process and its children.
pub fn raise_limit(which: libc::__rlimit_resource_t, to: u64) {
    let limit = libc::rlimit {
        rlim_cur: to,
        rlim_max: to,
    };
    // SAFETY: the limit is only read.
    let result = unsafe { libc::setrlimit(which, &limit) };
    check("setrlimit", result);
}

/// A counter that we share with our children.
pub fn shared_counter() -> &'static std::sync::atomic::AtomicU32 {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new page, anywhere.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
    assert!(page != libc::MAP_FAILED, "mmap");
    // SAFETY: the page is all zeros, aligned, never unmapped, and touched in
    // no other way.
    unsafe { &*page.cast() }
}

// --- time -----------------------------------------------------------------------

fn clock(which: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: room for a time.
    unsafe { libc::clock_gettime(which, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of a clock that never goes back.
#[inline]
pub fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds since the machine started.
pub fn uptime() -> u64 {
    clock(libc::CLOCK_BOOTTIME)
}
