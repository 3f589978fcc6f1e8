// SPDX-License-Identifier: GPL-2.0-only
//! The system calls that are measured, as thin as they can be. A call that
//! fails ends the program: there is nothing to measure then.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::mman::{mmap_anonymous, MapFlags, ProtFlags};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{kill, Signal};
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockType};
use nix::sys::stat::Mode;
use nix::time::{clock_gettime, ClockId};
use nix::unistd::{self, ForkResult, Pid, Uid};

use crate::uapi;

/// The result of a call that has no wrapper, unless it failed.
fn check<T: Into<i64> + Copy>(what: &str, result: T) -> T {
    if result.into() < 0 {
        panic!("{what}: {}", std::io::Error::last_os_error());
    }
    result
}

/// The result of a call, unless it failed.
#[inline]
fn must<T>(what: &str, result: nix::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

pub fn open(path: &str, flags: OFlag) -> OwnedFd {
    must(path, nix::fcntl::open(path, flags, Mode::empty()))
}

#[inline]
pub fn write(fd: &OwnedFd, bytes: &[u8]) -> usize {
    must("write", unistd::write(fd, bytes))
}

#[inline]
pub fn read(fd: &OwnedFd, bytes: &mut [u8]) -> usize {
    must("read", unistd::read(fd, bytes))
}

/// Waits so long until there is something to read.
#[inline]
pub fn poll(fd: &OwnedFd, timeout: PollTimeout) -> bool {
    let mut wanted = [PollFd::new(std::os::fd::AsFd::as_fd(fd), PollFlags::POLLIN)];
    must("poll", nix::poll::poll(&mut wanted, timeout)) > 0
}

/// Waits until there is something to read.
#[inline]
pub fn wait(fd: &OwnedFd) {
    poll(fd, PollTimeout::NONE);
}

pub fn getppid() {
    unistd::getppid();
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

/// SEND of what cannot be delivered at once; whether it waits.
pub fn ioctl_send_waits(fd: &OwnedFd) -> bool {
    let (mut id, code) = ([0_u32; 2], uapi::KBUS_IOC_SEND.into());
    // SAFETY: SEND fills in an id, of two words.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), code, id.as_mut_ptr()) };
    result < 0 && nix::Error::last() == nix::Error::EAGAIN
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

/// Those who wait for several files.
pub struct Epoll(nix::sys::epoll::Epoll);

impl Epoll {
    pub fn new() -> Epoll {
        let flags = nix::sys::epoll::EpollCreateFlags::EPOLL_CLOEXEC;
        Epoll(must("epoll_create", nix::sys::epoll::Epoll::new(flags)))
    }

    /// Waits for this one to be readable or writable as well.
    pub fn add(&self, fd: &OwnedFd) {
        use nix::sys::epoll::{EpollEvent, EpollFlags};
        let event = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT, 0);
        must("epoll_ctl", self.0.add(fd, event));
    }
}

// --- the peers ----------------------------------------------------------------

pub fn socketpair() -> (OwnedFd, OwnedFd) {
    let (family, kind) = (AddressFamily::Unix, SockType::SeqPacket);
    let pair = socket::socketpair(family, kind, None, SockFlag::empty());
    must("socketpair", pair)
}

/// Leaves a file where only a message in a socket refers to it, which nobody can receive.
pub fn leave(fd: &OwnedFd) {
    let (a, b) = socketpair();
    let pass = |to: &OwnedFd, fds: &[i32]| {
        let (byte, rights) = (
            [std::io::IoSlice::new(&[1])],
            socket::ControlMessage::ScmRights(fds),
        );
        let sent = socket::sendmsg::<()>(to.as_raw_fd(), &byte, &[rights], MsgFlags::empty(), None);
        must("sendmsg", sent);
    };
    // Each end is in flight to the other.
    pass(&a, &[fd.as_raw_fd(), a.as_raw_fd(), b.as_raw_fd()]);
    pass(&b, &[a.as_raw_fd(), b.as_raw_fd()]);
}

#[inline]
pub fn send(fd: &OwnedFd, bytes: &[u8]) -> usize {
    let sent = socket::send(fd.as_raw_fd(), bytes, MsgFlags::empty());
    must("send", sent)
}

#[inline]
pub fn recv(fd: &OwnedFd, bytes: &mut [u8]) -> usize {
    let received = socket::recv(fd.as_raw_fd(), bytes, MsgFlags::empty());
    must("recv", received)
}

/// A pipe: where to read, and where to write.
pub fn pipe() -> (OwnedFd, OwnedFd) {
    must("pipe", unistd::pipe())
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
    // SAFETY: it was just returned to us, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
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
pub struct Child(Pid);

impl Child {
    /// A process that does `work`, for ever; when that fails it takes us along.
    pub fn new(work: impl FnOnce()) -> Child {
        let parent = Pid::this();
        // SAFETY: this program has one thread.
        if let ForkResult::Parent { child } = must("fork", unsafe { unistd::fork() }) {
            return Child(child);
        }
        must("prctl", set_pdeathsig(Signal::SIGKILL));
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            // It waits for us, so it is the one we know.
            let _ = kill(parent, Signal::SIGTERM);
        }
        // SAFETY: ends here, without running what belongs to the parent.
        unsafe { libc::_exit(1) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(self.0, None);
    }
}

/// Becomes this user, for good.
pub fn become_user(uid: u32) {
    must("setuid", unistd::setuid(Uid::from_raw(uid)));
}

/// Does something as this user, and becomes root again.
pub fn as_user<T>(uid: u32, act: impl FnOnce() -> T) -> T {
    let root = Uid::from_raw(0);
    let become_for_now = |uid| must("setresuid", unistd::setresuid(uid, uid, root));
    become_for_now(Uid::from_raw(uid));
    let done = act();
    become_for_now(root);
    done
}

/// Who runs when several want to.
#[derive(Clone, Copy)]
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

/// A counter that we share with our children.
pub fn shared_counter() -> &'static std::sync::atomic::AtomicU32 {
    let (len, protection) = (PAGE, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE);
    // SAFETY: a new page, anywhere.
    let page = unsafe { mmap_anonymous(None, len, protection, MapFlags::MAP_SHARED) };
    // SAFETY: the page is all zeros, aligned, never unmapped, and touched in
    // no other way.
    unsafe { must("mmap", page).cast().as_ref() }
}

const PAGE: std::num::NonZero<usize> = std::num::NonZero::new(4096).unwrap();

// --- time -----------------------------------------------------------------------

#[inline]
fn clock(which: ClockId) -> u64 {
    let time = must("clock_gettime", clock_gettime(which));
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Nanoseconds of a clock that never goes back.
#[inline]
pub fn now() -> u64 {
    clock(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds since the machine started.
pub fn uptime() -> u64 {
    clock(ClockId::CLOCK_BOOTTIME)
}
