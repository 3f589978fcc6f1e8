// SPDX-License-Identifier: GPL-2.0-only
//! Appendix B: every errno of every call, provoked. Each entry is a call, an
//! errno, and a way to get it; one test runs them all and names what differs.
//!
//! Not here, because no test can make them happen at will from outside:
//! ENOMEM (the host's allocation sweep does it), and EINTR of open and ioctl,
//! which needs somebody to hold a lock for long (the signal storm of
//! descriptors.rs meets them where they occur, and shows that nothing is
//! lost).

use nix::sys::mman::{MapFlags, ProtFlags};
use nix::sys::signal::{SaFlags, Signal};

use crate::harness::{insmod, on_signal, rmmod, USUAL};
use crate::raw::*;
use crate::{eq, tests};

tests![
    errno_of_every_call,
    errno_newdevice_exhausted
        .load("kbus_num_devices=256 kbus_mode=0666")
        .limit(60),
    errno_of_loading.unloaded(),
    errno_interrupted_calls_restart,
];

type Way = fn() -> Result<()>;

fn void<T>(r: Result<T>) -> Result<()> {
    r.map(|_| ())
}

/// An ioctl whose argument is nowhere.
fn bad(request: u32) -> Result<()> {
    void(ioctl(Ksock::new().fd, request, 0x10 as *mut _))
}

fn full_listener() -> (Ksock, Ksock) {
    let (l, s) = (Ksock::new(), Ksock::new());
    l.listen("$.A").limit(1);
    s.say("$.A");
    (l, s)
}

fn full_event_listener() -> (Ksock, Ksock) {
    let (w, k) = (Ksock::new(), Ksock::new());
    w.listen(BIND_EVENT).limit(1);
    w.report(1).unwrap();
    k.serve("$.First");
    (w, k)
}

/// Asked and popped: the requester, the replier, and a right reply.
fn asked() -> (Ksock, Ksock, Msg) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.R");
    b.ask("$.R");
    let reply = Msg::reply_to(&a.take());
    (a, b, reply)
}

fn written(change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
    let mut bytes = Msg::new("$.A").data(b"data").entire();
    change(&mut bytes);
    void(Ksock::new().write(&bytes))
}

const TABLE: &[(&str, Errno, Way)] = &[
    ("open: no node", ENOENT, || {
        void(Ksock::open(3, libc::O_RDWR))
    }),
    ("open: no minor", ENXIO, || {
        use std::os::unix::fs::MetadataExt;
        let dev = std::fs::metadata("/dev/kbus0").unwrap().rdev();
        let path = "/dev/kbus-test-errno";
        crate::module::make_node(path, libc::major(dev), 200);
        let r = void(open_path(path, libc::O_RDWR));
        std::fs::remove_file(path).unwrap();
        r
    }),
    ("read: write-only", EBADF, || {
        void(Ksock::write_only().read(&mut [0; 4]))
    }),
    ("read: bad buffer", EFAULT, || {
        let k = Ksock::new();
        k.listen("$.A").say("$.A");
        k.next().unwrap();
        void(read(k.fd, 0x10 as *mut u8, 10))
    }),
    ("write: read-only", EBADF, || {
        void(Ksock::read_only().write(b"x"))
    }),
    ("write: bad buffer", EFAULT, || {
        void(write(Ksock::new().fd, 0x10 as *const u8, 10))
    }),
    ("write: start guard", EINVAL, || written(|b| poke(b, 0, 0))),
    ("write: end guard", EINVAL, || {
        written(|b| poke(b, END_AT, 0))
    }),
    ("write: no name", EINVAL, || written(|b| poke(b, 52, 0))),
    ("write: long name", ENAMETOOLONG, || {
        written(|b| poke(b, 52, 1001))
    }),
    ("write: data pointer alone", EINVAL, || {
        written(|b| point(b, DATA_AT, 1))
    }),
    ("write: name pointer, no data pointer", EINVAL, || {
        written(|b| point(b, NAME_AT, 1))
    }),
    ("write: both flags", EINVAL, || {
        written(|b| poke(b, 48, ALL_OR_WAIT | ALL_OR_FAIL))
    }),
    ("write: too large", EMSGSIZE, || {
        written(|b| poke(b, 56, ABS_MAX_SIZE))
    }),
    ("write: bad name", EBADMSG, || written(|b| b[HEADER] = b'#')),
    ("write: final guard", EINVAL, || {
        written(|b| {
            let end = b.len() - 4;
            poke(b, end, 0);
        })
    }),
    ("write: one byte more", EMSGSIZE, || written(|b| b.push(0))),
    ("write: sending", EALREADY, || {
        let (_l, s) = full_listener();
        s.put(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
        s.send_pending();
        void(s.write(b"x"))
    }),
    ("lseek", ESPIPE, || {
        let k = Ksock::new();
        let from = nix::unistd::Whence::SeekSet;
        void(ours(nix::unistd::lseek(borrow(k.fd), 0, from)))
    }),
    ("mmap", ENODEV, || {
        let k = Ksock::new();
        let len = std::num::NonZero::new(4096).unwrap();
        let (read, shared) = (ProtFlags::PROT_READ, MapFlags::MAP_SHARED);
        // SAFETY: refused.
        let p = unsafe { nix::sys::mman::mmap(None, len, read, shared, borrow(k.fd), 0) };
        void(ours(p))
    }),
    ("fsync", EINVAL, || {
        let k = Ksock::new();
        ours(nix::unistd::fsync(borrow(k.fd)))
    }),
    ("ioctl: wrong type", ENOTTY, || bad(0x0000_6a01)),
    ("ioctl: number 0", ENOTTY, || bad(0x0000_6b00)),
    ("ioctl: number 255", ENOTTY, || bad(0x0000_6bff)),
    ("ioctl: wrong size", ENOTTY, || bad(0x8010_6b04)),
    ("ioctl: wrong direction", ENOTTY, || bad(0x4008_6b04)),
    ("BIND: bad pointer", EFAULT, || bad(BIND)),
    ("BIND: bad name pointer", EFAULT, || {
        let arg = BindRequest {
            is_replier: 0,
            name_len: 3,
            name: 0x10 as *const u8,
        };
        void(ioctl(
            Ksock::new().fd,
            BIND,
            (&raw const arg).cast_mut().cast(),
        ))
    }),
    ("BIND: empty name", EBADMSG, || {
        Ksock::new().bind("", LISTENER)
    }),
    ("BIND: bad name", EBADMSG, || {
        Ksock::new().bind("$.#", LISTENER)
    }),
    ("BIND: replier of the event name", EBADMSG, || {
        Ksock::new().bind(BIND_EVENT, REPLIER)
    }),
    ("BIND: long name", ENAMETOOLONG, || {
        Ksock::new().bind([b'a'; 1001], LISTENER)
    }),
    ("BIND: taken", EADDRINUSE, || {
        let k = Ksock::new();
        k.serve("$.A");
        Ksock::new().bind("$.A", REPLIER)
    }),
    ("BIND: event listener full", EAGAIN, || {
        let (_w, k) = full_event_listener();
        k.bind("$.Second", REPLIER)
    }),
    ("UNBIND: bad pointer", EFAULT, || bad(UNBIND)),
    ("UNBIND: empty name", EBADMSG, || {
        Ksock::new().unbind("", LISTENER)
    }),
    ("UNBIND: bad name", EBADMSG, || {
        Ksock::new().unbind("$.#", LISTENER)
    }),
    ("UNBIND: long name", ENAMETOOLONG, || {
        Ksock::new().unbind([b'a'; 1001], LISTENER)
    }),
    ("UNBIND: not bound", EINVAL, || {
        Ksock::new().unbind("$.A", LISTENER)
    }),
    ("UNBIND: event listener full", EAGAIN, || {
        let (_w, k) = full_event_listener();
        k.unbind("$.First", REPLIER)
    }),
    ("KSOCKID: bad pointer", EFAULT, || bad(KSOCKID)),
    ("REPLIER: bad pointer", EFAULT, || bad(REPLIER_OF)),
    ("REPLIER: empty name", ENAMETOOLONG, || {
        void(Ksock::new().replier(""))
    }),
    ("REPLIER: long name", ENAMETOOLONG, || {
        void(Ksock::new().replier([b'a'; 1001]))
    }),
    ("NEXTMSG: bad pointer", EFAULT, || bad(NEXTMSG)),
    ("LENLEFT: bad pointer", EFAULT, || bad(LENLEFT)),
    ("LASTSENT: bad pointer", EFAULT, || bad(LASTSENT)),
    ("MAXMSGS: bad pointer", EFAULT, || bad(MAXMSGS)),
    ("NUMMSGS: bad pointer", EFAULT, || bad(NUMMSGS)),
    ("UNREPLIEDTO: bad pointer", EFAULT, || bad(UNREPLIEDTO)),
    ("MSGONLYONCE: bad pointer", EFAULT, || bad(MSGONLYONCE)),
    ("MSGONLYONCE: bad value", EINVAL, || {
        void(Ksock::new().only_once(2))
    }),
    ("VERBOSE: bad pointer", EFAULT, || bad(VERBOSE)),
    ("VERBOSE: bad value", EINVAL, || {
        void(Ksock::new().verbose(2))
    }),
    ("REPORTREPLIERBINDS: bad pointer", EFAULT, || {
        bad(REPORTREPLIERBINDS)
    }),
    ("REPORTREPLIERBINDS: bad value", EINVAL, || {
        void(Ksock::new().report(2))
    }),
    ("REPORTREPLIERBINDS: no room for the replay", EBUSY, || {
        let (k, w) = (Ksock::new(), Ksock::new());
        k.serve("$.A").serve("$.B");
        w.limit(1);
        void(w.report(1))
    }),
    ("MAXMSGSIZE: bad pointer", EFAULT, || bad(MAXMSGSIZE)),
    ("MAXMSGSIZE: too small", EINVAL, || {
        void(Ksock::new().max_size(99))
    }),
    ("MAXMSGSIZE: too large", EINVAL, || {
        void(Ksock::new().max_size(ABS_MAX_SIZE + 1))
    }),
    ("SEND: nothing written", ENOMSG, || {
        void(Ksock::new().send())
    }),
    ("SEND: unfinished", EINVAL, || {
        let k = Ksock::new();
        k.write(&Msg::new("$.A").entire()[..50]).unwrap();
        void(k.send())
    }),
    ("SEND: bad result pointer", EFAULT, || {
        let k = Ksock::new();
        k.put(&Msg::new("$.A")).unwrap();
        void(ioctl(k.fd, SEND, 0x10 as *mut _))
    }),
    ("SEND: bad name pointer", EFAULT, || {
        let k = Ksock::new();
        let mut bytes = Msg::new("$.A").entire();
        point(&mut bytes, NAME_AT, 0x10);
        k.write(&bytes[..HEADER]).unwrap();
        void(k.send())
    }),
    ("SEND: pointy bad name", EBADMSG, || {
        void(Ksock::new().post_pointy(&Msg::new("$.#")))
    }),
    ("SEND: pointy wildcard", EBADMSG, || {
        void(Ksock::new().post_pointy(&Msg::new("$.*")))
    }),
    ("SEND: no room for the answer", ENOLCK, || {
        let (_a, b, _) = asked();
        b.limit(1);
        void(b.post(&Msg::ask("$.R")))
    }),
    ("SEND: nobody replies", EADDRNOTAVAIL, || {
        void(Ksock::new().post(&Msg::ask("$.A")))
    }),
    ("SEND: reply to nobody", EADDRNOTAVAIL, || {
        let (a, b, reply) = asked();
        drop(b);
        void(a.post(&reply))
    }),
    ("SEND: reply nobody asked for", ECONNREFUSED, || {
        let (a, _b, reply) = asked();
        a.post(&reply).unwrap();
        void(a.post(&reply))
    }),
    ("SEND: another replier", EPIPE, || {
        let (a, b, _) = asked();
        a.unbind("$.R", REPLIER).unwrap();
        let c = Ksock::new();
        c.serve("$.R");
        void(b.post(&Msg::ask("$.R").to(a.id())))
    }),
    ("SEND: replier full", EBUSY, || {
        let (a, b, _) = asked();
        a.limit(1);
        b.ask("$.R");
        void(b.post(&Msg::ask("$.R")))
    }),
    ("SEND: ALL_OR_FAIL and a full listener", EBUSY, || {
        let (_l, s) = full_listener();
        void(s.post(&Msg::new("$.A").flags(ALL_OR_FAIL)))
    }),
    ("SEND: ALL_OR_WAIT and a full listener", EAGAIN, || {
        let (_l, s) = full_listener();
        void(s.post(&Msg::new("$.A").flags(ALL_OR_WAIT)))
    }),
    ("SEND: ALL_OR_WAIT and a full replier", EAGAIN, || {
        let (a, b, _) = asked();
        a.limit(1);
        b.ask("$.R");
        void(b.post(&Msg::ask("$.R").flags(ALL_OR_WAIT)))
    }),
];

fn errno_of_every_call() {
    let mut wrong = Vec::new();
    for (what, want, way) in TABLE {
        let got = way();
        if got != Err(*want) {
            wrong.push(format!("{what}: expected {want:?}, got {got:?}"));
        }
        // What belongs to the device is put back for the next entry.
        let k = Ksock::new();
        k.report(0).unwrap();
        k.max_size(ABS_MAX_SIZE).unwrap();
        k.verbose(0).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("; "));
}

fn errno_newdevice_exhausted() {
    eq!(crate::behaviours::open_soon(0).new_device(), Err(EINVAL));
}

fn errno_of_loading() {
    eq!(insmod("kbus_num_devices=0"), Err(EINVAL));
    eq!(insmod("kbus_num_devices=257"), Err(EINVAL));
    eq!(insmod(USUAL), Ok(()));
    eq!(insmod(USUAL), Err(EEXIST));
    let k = crate::behaviours::open_soon(0);
    eq!(rmmod(), Err(EAGAIN), "O_NONBLOCK: EWOULDBLOCK");
    drop(k);
    eq!(rmmod(), Ok(()));
    eq!(rmmod(), Err(ENOENT));
}

/// With SA_RESTART no call of the bus ever shows EINTR.
fn errno_interrupted_calls_restart() {
    on_signal(Signal::SIGALRM, SaFlags::SA_RESTART);
    let often = libc::timeval {
        tv_sec: 0,
        tv_usec: 500,
    };
    let timer = libc::itimerval {
        it_interval: often,
        it_value: often,
    };
    // SAFETY: a timer that is only read. There is no wrapper for it.
    unsafe { libc::syscall(libc::SYS_setitimer, libc::ITIMER_REAL, &timer, 0) };
    for _ in 0..300 {
        let (a, b) = (Ksock::new(), Ksock::new());
        a.serve("$.A");
        let asked = b.post(&Msg::ask("$.A").data(vec![1; 5000])).unwrap();
        let request = a.take();
        eq!(request.id, asked);
        a.answer(&request);
        eq!(b.take().in_reply_to, asked);
    }
}
