// SPDX-License-Identifier: GPL-2.0
//! The system calls of a KBUS device, and nothing else: numbers, layouts and
//! thin wrappers, written from the specification's tables (section 2) and not
//! from the project's own header or library, so that a mistake there cannot
//! hide itself here.

use std::ffi::CString;
use std::fmt;
use std::os::fd::RawFd;

// ---- errno ---------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident)*) => {
        $(#[allow(dead_code)] pub const $name: Errno = Errno(libc::$name);)*
        impl fmt::Debug for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $(libc::$name => f.write_str(stringify!($name)),)*
                    other => write!(f, "errno {other}"),
                }
            }
        }
    };
}

errnos! {
    EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EALREADY EBADF EBADMSG EBUSY ECHILD ECONNREFUSED
    EDQUOT EEXIST EFAULT EINTR EINVAL EIO EMFILE EMSGSIZE ENAMETOOLONG ENODEV ENOENT ENOLCK ENOMEM
    ENOMSG ENOSYS ENOTTY ENXIO EPERM EPIPE ESPIPE ESRCH ETXTBSY
}

pub type Result<T> = std::result::Result<T, Errno>;

pub fn errno() -> Errno {
    // SAFETY: the C library's errno belongs to this thread.
    Errno(unsafe { *libc::__errno_location() })
}

/// The usual convention: negative is failure, and errno says why.
pub fn check(result: i64) -> Result<i64> {
    if result < 0 {
        Err(errno())
    } else {
        Ok(result)
    }
}

// ---- numbers (2.5) -------------------------------------------------------

pub const RESET: u32 = 0x0000_6b01;
pub const BIND: u32 = 0x4008_6b02;
pub const UNBIND: u32 = 0x4008_6b03;
pub const KSOCKID: u32 = 0x8008_6b04;
pub const REPLIER_OF: u32 = 0xc008_6b05;
pub const NEXTMSG: u32 = 0x8008_6b06;
pub const LENLEFT: u32 = 0x8008_6b07;
pub const SEND: u32 = 0x8008_6b08;
pub const DISCARD: u32 = 0x0000_6b09;
pub const LASTSENT: u32 = 0x8008_6b0a;
pub const MAXMSGS: u32 = 0xc008_6b0b;
pub const NUMMSGS: u32 = 0x8008_6b0c;
pub const UNREPLIEDTO: u32 = 0x8008_6b0d;
pub const MSGONLYONCE: u32 = 0xc008_6b0e;
pub const VERBOSE: u32 = 0xc008_6b0f;
pub const NEWDEVICE: u32 = 0x8008_6b10;
pub const REPORTREPLIERBINDS: u32 = 0xc008_6b11;
pub const MAXMSGSIZE: u32 = 0xc008_6b12;

pub const ALL_IOCTLS: [u32; 18] = [
    RESET,
    BIND,
    UNBIND,
    KSOCKID,
    REPLIER_OF,
    NEXTMSG,
    LENLEFT,
    SEND,
    DISCARD,
    LASTSENT,
    MAXMSGS,
    NUMMSGS,
    UNREPLIEDTO,
    MSGONLYONCE,
    VERBOSE,
    NEWDEVICE,
    REPORTREPLIERBINDS,
    MAXMSGSIZE,
];

/// "Only tell me" for the three on/off settings.
pub const ASK: u32 = 0xffff_ffff;

// ---- flags (2.4) ---------------------------------------------------------

pub const WANT_A_REPLY: u32 = 0x001;
pub const WANT_YOU_TO_REPLY: u32 = 0x002;
pub const SYNTHETIC: u32 = 0x004;
pub const URGENT: u32 = 0x008;
pub const ALL_OR_WAIT: u32 = 0x100;
pub const ALL_OR_FAIL: u32 = 0x200;

pub const LISTENER: u32 = 0;
pub const REPLIER: u32 = 1;

pub const GONE_AWAY: &str = "$.KBUS.Replier.GoneAway";
pub const IGNORED: &str = "$.KBUS.Replier.Ignored";
pub const UNBOUND: &str = "$.KBUS.Replier.Unbound";
pub const DISAPPEARED: &str = "$.KBUS.Replier.Disappeared";
pub const ERROR_SENDING: &str = "$.KBUS.ErrorSending";
pub const UNBIND_EVENTS_LOST: &str = "$.KBUS.UnbindEventsLost";
pub const BIND_EVENT: &str = "$.KBUS.ReplierBindEvent";

// ---- messages (2.3) ------------------------------------------------------

pub const START_GUARD: u32 = 0x7375_624B;
pub const END_GUARD: u32 = 0x4B62_7573;
pub const HEADER: usize = 88;
pub const MAX_NAME: usize = 1000;

/// What the module built on its own allows, and starts with (2.1).
pub const ABS_MAX_SIZE: u32 = 409_600;

pub fn padded_name(n: usize) -> usize {
    4 * ((n + 4) / 4)
}

pub fn padded_data(d: usize) -> usize {
    4 * d.div_ceil(4)
}

pub fn entire_len(n: usize, d: usize) -> usize {
    HEADER + padded_name(n) + padded_data(d) + 4
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id {
    pub net: u32,
    pub serial: u32,
}

pub const NO_ID: Id = Id { net: 0, serial: 0 };

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:{}]", self.net, self.serial)
    }
}

pub fn id(net: u32, serial: u32) -> Id {
    Id { net, serial }
}

/// A message as its fields, in either form on the wire.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Msg {
    pub id: Id,
    pub in_reply_to: Id,
    pub to: u32,
    pub from: u32,
    pub orig_from: (u32, u32),
    pub final_to: (u32, u32),
    pub extra: u32,
    pub flags: u32,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
}

impl fmt::Debug for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<{} id={:?} re={:?} to={} from={} flags={:#x}",
            String::from_utf8_lossy(&self.name[..self.name.len().min(60)]),
            self.id,
            self.in_reply_to,
            self.to,
            self.from,
            self.flags,
        )?;
        if self.orig_from != (0, 0) || self.final_to != (0, 0) {
            write!(f, " orig={:?} final={:?}", self.orig_from, self.final_to)?;
        }
        let shown = &self.data[..self.data.len().min(24)];
        write!(f, " data({})={:02x?}>", self.data.len(), shown)
    }
}

impl Msg {
    pub fn new(name: impl AsRef<[u8]>) -> Msg {
        Msg {
            name: name.as_ref().to_vec(),
            ..Msg::default()
        }
    }

    /// A request.
    pub fn ask(name: impl AsRef<[u8]>) -> Msg {
        Msg::new(name).flags(WANT_A_REPLY)
    }

    /// An answer to a request that was read: same name, back to its sender.
    pub fn reply_to(request: &Msg) -> Msg {
        Msg::new(&request.name).to(request.from).re(request.id)
    }

    pub fn data(mut self, data: impl AsRef<[u8]>) -> Msg {
        self.data = data.as_ref().to_vec();
        self
    }

    /// Adds flags to those there are.
    pub fn flags(mut self, flags: u32) -> Msg {
        self.flags |= flags;
        self
    }

    pub fn to(mut self, to: u32) -> Msg {
        self.to = to;
        self
    }

    pub fn re(mut self, in_reply_to: Id) -> Msg {
        self.in_reply_to = in_reply_to;
        self
    }

    pub fn id(mut self, net: u32, serial: u32) -> Msg {
        self.id = id(net, serial);
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    pub fn marked(&self) -> bool {
        self.flags & WANT_YOU_TO_REPLY != 0
    }

    pub fn len(&self) -> usize {
        entire_len(self.name.len(), self.data.len())
    }

    /// What the other side must have meant: `to`, name and data.
    pub fn equivalent(&self, other: &Msg) -> bool {
        self.to == other.to && self.name == other.name && self.data == other.data
    }

    fn header(&self, name: u64, data: u64) -> Vec<u8> {
        let mut bytes = vec![0u8; HEADER];
        let words = [
            (0, START_GUARD),
            (4, self.id.net),
            (8, self.id.serial),
            (12, self.in_reply_to.net),
            (16, self.in_reply_to.serial),
            (20, self.to),
            (24, self.from),
            (28, self.orig_from.0),
            (32, self.orig_from.1),
            (36, self.final_to.0),
            (40, self.final_to.1),
            (44, self.extra),
            (48, self.flags),
            (52, self.name.len() as u32),
            (56, self.data.len() as u32),
            (80, END_GUARD),
        ];
        for (at, word) in words {
            poke(&mut bytes, at, word);
        }
        bytes[64..72].copy_from_slice(&name.to_ne_bytes());
        bytes[72..80].copy_from_slice(&data.to_ne_bytes());
        bytes
    }

    /// The entire form (2.3.1), paddings zero.
    pub fn entire(&self) -> Vec<u8> {
        let mut bytes = self.header(0, 0);
        bytes.extend_from_slice(&self.name);
        bytes.resize(HEADER + padded_name(self.name.len()), 0);
        bytes.extend_from_slice(&self.data);
        bytes.resize(self.len() - 4, 0);
        bytes.extend_from_slice(&END_GUARD.to_ne_bytes());
        bytes
    }

    pub fn pointy(&self) -> Pointy {
        let mut name = self.name.clone();
        name.push(0);
        let data = self.data.clone();
        let data_at = if data.is_empty() {
            0
        } else {
            data.as_ptr() as u64
        };
        let bytes = self.header(name.as_ptr() as u64, data_at);
        Pointy { bytes, name, data }
    }

    /// Takes apart what read() gave, and insists on the exact entire form.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Msg, String> {
        let fail = |what: &str| {
            Err(format!(
                "{what} in {} bytes read: {bytes:02x?}",
                bytes.len()
            ))
        };
        if bytes.len() < HEADER {
            return fail("no whole header");
        }
        let word = |at| peek(bytes, at);
        if word(0) != START_GUARD {
            return fail("no start guard");
        }
        if word(80) != END_GUARD {
            return fail("no end guard in the header");
        }
        if bytes[60..80].iter().any(|&b| b != 0) {
            return fail("padding or pointers not zero");
        }
        if word(84) != 0 {
            return fail("tail padding not zero");
        }
        let (n, d) = (word(52) as usize, word(56) as usize);
        if bytes.len() != entire_len(n, d) {
            return fail("wrong length");
        }
        let data_at = HEADER + padded_name(n);
        if bytes[HEADER + n..data_at].iter().any(|&b| b != 0) {
            return fail("name padding not zero");
        }
        if bytes[data_at + d..bytes.len() - 4].iter().any(|&b| b != 0) {
            return fail("data padding not zero");
        }
        if peek(bytes, bytes.len() - 4) != END_GUARD {
            return fail("no final guard");
        }
        Ok(Msg {
            id: id(word(4), word(8)),
            in_reply_to: id(word(12), word(16)),
            to: word(20),
            from: word(24),
            orig_from: (word(28), word(32)),
            final_to: (word(36), word(40)),
            extra: word(44),
            flags: word(48),
            name: bytes[HEADER..HEADER + n].to_vec(),
            data: bytes[data_at..data_at + d].to_vec(),
        })
    }

    /// The data of a bind event, taken apart: is_bind, binder, name.
    pub fn event(&self) -> std::result::Result<(u32, u32, String), String> {
        let d = &self.data;
        if self.text() != BIND_EVENT || d.len() < 12 {
            return Err(format!("not a bind event: {self:?}"));
        }
        let n = peek(d, 8) as usize;
        if d.len() != 12 + padded_name(n) || d[12 + n..].iter().any(|&b| b != 0) {
            return Err(format!("ill-formed bind event data: {d:02x?}"));
        }
        Ok((
            peek(d, 0),
            peek(d, 4),
            String::from_utf8_lossy(&d[12..12 + n]).into_owned(),
        ))
    }
}

/// A pointy message and what it points at.
pub struct Pointy {
    pub bytes: Vec<u8>,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
}

pub fn peek(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub fn poke(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
}

// ---- one open device -----------------------------------------------------

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

fn id_out(fd: RawFd, request: u32) -> (Result<i32>, Id) {
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
        let mut p = libc::pollfd {
            fd: self.fd(),
            events,
            revents: 0,
        };
        // SAFETY: one pollfd.
        let r = check(unsafe { libc::poll(&mut p, 1, milliseconds) } as i64).unwrap();
        if r == 0 {
            0
        } else {
            p.revents
        }
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
