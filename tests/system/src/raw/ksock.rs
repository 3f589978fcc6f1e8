// SPDX-License-Identifier: GPL-2.0-only
//! An open file of a bus, the calls on it (section 3), and what tests say with
//! them. What a call must never do, such as write beside its argument, is
//! checked here, each time.

use std::ffi::CString;
use std::os::fd::{BorrowedFd, RawFd};

use super::*;

#[repr(C)]
pub struct BindRequest {
    pub is_replier: u32,
    pub name_len: u32,
    pub name: *const u8,
}

#[repr(C)]
pub struct BindQuery {
    pub return_id: u32,
    pub name_len: u32,
    pub name: *const u8,
}

/// An open file of a bus. Closed when dropped.
#[derive(Debug)]
pub struct Ksock {
    pub fd: RawFd,
}

impl Drop for Ksock {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(self.fd) };
    }
}

pub fn open_path(path: &str, flags: i32) -> Result<RawFd> {
    let path = CString::new(path).unwrap();
    // SAFETY: the path is NUL terminated.
    check(unsafe { libc::open(path.as_ptr(), flags, 0o600) } as i64).map(|fd| fd as RawFd)
}

/// An ioctl with any number and any argument.
pub fn ioctl(fd: RawFd, request: u32, arg: *mut libc::c_void) -> Result<i32> {
    // SAFETY: the kernel checks the address; callers pass memory of the size
    // that the specification names, or deliberately bad addresses.
    check(unsafe { libc::ioctl(fd, request as libc::c_ulong as _, arg) } as i64).map(|v| v as i32)
}

/// An ioctl on a u32. The codes claim eight bytes; only four may move.
fn word(fd: RawFd, request: u32, value: u32) -> Result<(i32, u32)> {
    const CANARY: u32 = 0x5afe_c0de;
    let mut words = [value, CANARY];
    let result = ioctl(fd, request, words.as_mut_ptr().cast());
    assert!(
        words[1] == CANARY,
        "ioctl {request:#x} wrote more than the four bytes of its u32"
    );
    if result.is_err() {
        assert!(
            words[0] == value,
            "ioctl {request:#x} stored a result although it failed with {result:?}"
        );
    }
    result.map(|r| (r, words[0]))
}

/// Same, for the calls that always return 0.
fn plain(fd: RawFd, request: u32, value: u32) -> Result<u32> {
    let (r, out) = word(fd, request, value)?;
    assert!(r == 0, "ioctl {request:#x} returned {r}, not 0");
    Ok(out)
}

fn binding(fd: RawFd, request: u32, name: &[u8], role: u32) -> Result<()> {
    let arg = BindRequest {
        is_replier: role,
        name_len: name.len() as u32,
        name: name.as_ptr(),
    };
    let r = ioctl(fd, request, (&raw const arg).cast_mut().cast())?;
    assert!(r == 0, "ioctl {request:#x} returned {r}, not 0");
    Ok(())
}

/// What an ioctl says, and the id that it has stored, or not.
pub fn id_out(fd: RawFd, request: u32) -> (Result<i32>, Id) {
    const CANARY: u32 = 0x5afe_c0de;
    let mut words = [CANARY; 4];
    let r = ioctl(fd, request, words[1..].as_mut_ptr().cast());
    assert!(
        words[0] == CANARY && words[3] == CANARY,
        "ioctl {request:#x} wrote beside its 8 bytes"
    );
    if r.is_ok() {
        assert!(r == Ok(0), "ioctl {request:#x} returned {r:?}, not 0");
    }
    (r, id(words[1], words[2]))
}

pub fn write(fd: RawFd, from: *const u8, len: usize) -> Result<usize> {
    // SAFETY: as for ioctl: the kernel only reads, and checks.
    check(unsafe { libc::write(fd, from.cast(), len) } as i64).map(|n| n as usize)
}

pub fn read(fd: RawFd, to: *mut u8, len: usize) -> Result<usize> {
    // SAFETY: callers pass memory that is theirs to be overwritten, or an
    // address where nothing is.
    check(unsafe { libc::read(fd, to.cast(), len) } as i64).map(|n| n as usize)
}

/// For calls that want a descriptor that is surely open.
pub fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    assert!(fd >= 0, "no descriptor");
    // SAFETY: who tests what becomes of a descriptor that somebody closes does
    // not come here; all else is open while it is used.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// poll(2) on one descriptor, be it open or not: what it has, or 0 when the
/// time is up.
pub fn poll(fd: RawFd, events: i16, milliseconds: i32) -> Result<i16> {
    let mut p = libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    // SAFETY: one pollfd.
    let r = check(unsafe { libc::poll(&mut p, 1, milliseconds) } as i64)?;
    Ok(if r == 0 { 0 } else { p.revents })
}

impl Ksock {
    pub fn open(device: u32, flags: i32) -> Result<Ksock> {
        open_path(&format!("/dev/kbus{device}"), flags | libc::O_CLOEXEC).map(|fd| Ksock { fd })
    }

    /// Device 0, read and write: what most tests want.
    #[track_caller]
    pub fn new() -> Ksock {
        Ksock::on(0)
    }

    #[track_caller]
    pub fn on(device: u32) -> Ksock {
        Ksock::open(device, libc::O_RDWR).unwrap()
    }

    #[track_caller]
    pub fn read_only() -> Ksock {
        Ksock::open(0, libc::O_RDONLY).unwrap()
    }

    #[track_caller]
    pub fn write_only() -> Ksock {
        Ksock::open(0, libc::O_WRONLY).unwrap()
    }
}

impl Calls for Ksock {
    fn fd(&self) -> RawFd {
        self.fd
    }
}

/// All that can be done with an open file of a bus. `Traced` has its own of
/// those calls that it writes down; the others are the same for everybody.
pub trait Calls {
    fn fd(&self) -> RawFd;

    fn reset(&self) -> Result<i32> {
        ioctl(self.fd(), RESET, std::ptr::null_mut())
    }

    fn bind(&self, name: impl AsRef<[u8]>, role: u32) -> Result<()> {
        binding(self.fd(), BIND, name.as_ref(), role)
    }

    fn unbind(&self, name: impl AsRef<[u8]>, role: u32) -> Result<()> {
        binding(self.fd(), UNBIND, name.as_ref(), role)
    }

    #[track_caller]
    fn id(&self) -> u32 {
        plain(self.fd(), KSOCKID, 0).unwrap()
    }

    /// REPLIER: 1 and an id when found, 0 and 0 when not.
    fn replier(&self, name: impl AsRef<[u8]>) -> Result<Option<u32>> {
        let name = name.as_ref();
        let mut arg = BindQuery {
            return_id: 77,
            name_len: name.len() as u32,
            name: name.as_ptr(),
        };
        let r = ioctl(self.fd(), REPLIER_OF, (&raw mut arg).cast())?;
        assert!(
            arg.name_len == name.len() as u32 && arg.name == name.as_ptr(),
            "REPLIER changed its input"
        );
        match (r, arg.return_id) {
            (0, 0) => Ok(None),
            (1, id) if id != 0 => Ok(Some(id)),
            other => panic!("REPLIER gave (return, id) = {other:?}"),
        }
    }

    /// NEXTMSG: the length of what is now current, or None.
    fn next(&self) -> Result<Option<u32>> {
        match word(self.fd(), NEXTMSG, 99)? {
            (0, 0) => Ok(None),
            (1, n) if n != 0 => Ok(Some(n)),
            other => panic!("NEXTMSG gave (return, length) = {other:?}"),
        }
    }

    #[track_caller]
    fn left(&self) -> u32 {
        plain(self.fd(), LENLEFT, 99).unwrap()
    }

    /// SEND. On EAGAIN the id is stored too: see `send_pending`.
    fn send(&self) -> Result<Id> {
        let (r, id) = id_out(self.fd(), SEND);
        if let Err(e) = r {
            assert!(
                e == EAGAIN || id == self::id(0x5afe_c0de, 0x5afe_c0de),
                "SEND stored an id although it failed with {e:?}"
            );
        }
        r.map(|_| id)
    }

    /// SEND of what was written, which is `msg`.
    fn send_it(&self, _msg: &Msg) -> Result<Id> {
        self.send()
    }

    /// A SEND that must answer EAGAIN; gives the id that it stored.
    #[track_caller]
    fn send_pending(&self) -> Id {
        let (r, id) = id_out(self.fd(), SEND);
        assert!(r == Err(EAGAIN), "SEND: expected Err(EAGAIN), got {r:?}");
        id
    }

    fn discard(&self) -> Result<i32> {
        ioctl(self.fd(), DISCARD, std::ptr::null_mut())
    }

    #[track_caller]
    fn last(&self) -> Id {
        let (r, id) = id_out(self.fd(), LASTSENT);
        r.unwrap();
        id
    }

    fn max(&self, limit: u32) -> Result<u32> {
        plain(self.fd(), MAXMSGS, limit)
    }

    /// Sets the queue limit.
    #[track_caller]
    fn limit(&self, limit: u32) -> &Self {
        assert!(self.max(limit) == Ok(limit), "MAXMSGS({limit}) refused");
        self
    }

    #[track_caller]
    fn count(&self) -> u32 {
        plain(self.fd(), NUMMSGS, 99).unwrap()
    }

    #[track_caller]
    fn owed(&self) -> u32 {
        plain(self.fd(), UNREPLIEDTO, 99).unwrap()
    }

    fn only_once(&self, value: u32) -> Result<u32> {
        plain(self.fd(), MSGONLYONCE, value)
    }

    fn verbose(&self, value: u32) -> Result<u32> {
        plain(self.fd(), VERBOSE, value)
    }

    fn report(&self, value: u32) -> Result<u32> {
        plain(self.fd(), REPORTREPLIERBINDS, value)
    }

    fn new_device(&self) -> Result<u32> {
        plain(self.fd(), NEWDEVICE, 0)
    }

    fn max_size(&self, value: u32) -> Result<u32> {
        plain(self.fd(), MAXMSGSIZE, value)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize> {
        write(self.fd(), bytes.as_ptr(), bytes.len())
    }

    fn read(&self, bytes: &mut [u8]) -> Result<usize> {
        read(self.fd(), bytes.as_mut_ptr(), bytes.len())
    }

    /// Up to `count` bytes of the current message.
    #[track_caller]
    fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0xEE; count];
        let n = self.read(&mut bytes).unwrap();
        bytes.truncate(n);
        bytes
    }

    // ---- what tests say ----

    /// Writes a whole message, in the entire form.
    fn put(&self, msg: &Msg) -> Result<()> {
        let bytes = msg.entire();
        let n = self.write(&bytes)?;
        assert!(n == bytes.len(), "write took {n} of {} bytes", bytes.len());
        Ok(())
    }

    fn put_pointy(&self, msg: &Pointy) -> Result<()> {
        let n = self.write(&msg.bytes)?;
        assert!(n == HEADER, "write took {n} of {HEADER} bytes");
        Ok(())
    }

    /// Writes and sends, in the entire form.
    fn post(&self, msg: &Msg) -> Result<Id> {
        self.put(msg)?;
        self.send_it(msg)
    }

    /// Writes and sends, in the pointy form.
    fn post_pointy(&self, msg: &Msg) -> Result<Id> {
        let pointy = msg.pointy();
        self.put_pointy(&pointy)?;
        self.send_it(msg)
    }

    /// An announcement, without data.
    #[track_caller]
    fn say(&self, name: &str) -> Id {
        self.post(&Msg::new(name)).unwrap()
    }

    /// A request, without data.
    #[track_caller]
    fn ask(&self, name: &str) -> Id {
        self.post(&Msg::ask(name)).unwrap()
    }

    #[track_caller]
    fn answer(&self, request: &Msg) -> Id {
        self.post(&Msg::reply_to(request)).unwrap()
    }

    #[track_caller]
    fn listen(&self, name: &str) -> &Self {
        self.bind(name, LISTENER).unwrap();
        self
    }

    #[track_caller]
    fn serve(&self, name: &str) -> &Self {
        self.bind(name, REPLIER).unwrap();
        self
    }

    /// The current message, whole.
    #[track_caller]
    fn current(&self, len: u32) -> Msg {
        let bytes = self.bytes(len as usize);
        let msg = Msg::parse(&bytes).unwrap_or_else(|why| panic!("{why}"));
        assert!(msg.len() == len as usize, "NEXTMSG said {len} for {msg:?}");
        msg
    }

    /// Pops and reads the next message, if there is one.
    #[track_caller]
    fn get(&self) -> Option<Msg> {
        let len = self.next().unwrap()?;
        Some(self.current(len))
    }

    #[track_caller]
    fn take(&self) -> Msg {
        self.get().expect("expected a message, got none")
    }

    /// Everything that is queued.
    #[track_caller]
    fn drain(&self) -> Vec<Msg> {
        let mut all = Vec::new();
        while let Some(msg) = self.get() {
            all.push(msg);
        }
        all
    }

    #[track_caller]
    fn nothing(&self) {
        if let Some(msg) = self.get() {
            panic!("expected no message, got {msg:?}");
        }
        assert!(
            self.count() == 0,
            "no message, but NUMMSGS {}",
            self.count()
        );
    }

    /// poll() that does not wait.
    fn ready(&self, events: i16) -> i16 {
        self.poll(events, 0)
    }

    /// poll(); 0 when the time is up.
    fn poll(&self, events: i16, milliseconds: i32) -> i16 {
        poll(self.fd(), events, milliseconds).unwrap()
    }

    fn readable(&self) -> bool {
        self.ready(libc::POLLIN) & libc::POLLIN != 0
    }

    fn writable(&self) -> bool {
        self.ready(libc::POLLOUT) & libc::POLLOUT != 0
    }

    /// Waits, and fails when nothing comes for as long as a hang lasts; also
    /// when poll, its time over, looks once more and finds what nobody told it.
    #[track_caller]
    fn wait(&self, events: i16) -> i16 {
        let began = std::time::Instant::now();
        let got = self.poll(events, crate::harness::HANG_MS);
        let hung = began.elapsed().as_millis() >= crate::harness::HANG_MS as u128;
        assert!(got != 0, "poll for {events:#x}: nothing came");
        assert!(
            !hung,
            "poll for {events:#x}: there is {got:#x}, but nobody woke it"
        );
        got
    }

    /// Waits for a message and takes it.
    #[track_caller]
    fn await_msg(&self) -> Msg {
        loop {
            if let Some(msg) = self.get() {
                return msg;
            }
            self.wait(libc::POLLIN);
        }
    }
}
