// SPDX-License-Identifier: GPL-2.0-only
//! Processes that get stuck in a page fault in the middle of a call, on a page
//! that nobody will ever provide: others on the same bus must be served as
//! ever.

use std::os::fd::AsRawFd;

use crate::harness::{fork, Gate, USUAL};
use crate::raw::*;
use crate::rules::{await_sleep, Pages, PAGE};
use crate::{eq, tests};

tests![
    stuck_in_write,
    stuck_in_pointy_name,
    stuck_in_pointy_data,
    stuck_in_read,
    stuck_in_read_of_proc,
    stuck_in_bind,
    stuck_in_bind_name,
    stuck_in_unbind_name,
    stuck_in_replier,
    stuck_in_send_result,
    stuck_in_nextmsg_result,
    stuck_in_newdevice_result.load(USUAL),
    stuck_threads_of_one_ksock,
];

/// A page that nobody will ever provide: touching it waits for ever, or
/// until the toucher is killed.
fn stuck_page() -> (Pages, i32) {
    let page = Pages::new(1, libc::PROT_READ | libc::PROT_WRITE);
    const UFFDIO_API: u64 = 0xc018_aa3f;
    const UFFDIO_REGISTER: u64 = 0xc020_aa00;
    const MISSING: u64 = 1;
    let mut api = [0xAAu64, 0, 0];
    let mut register = [page.start as u64, PAGE as u64, MISSING, 0];
    // SAFETY: the arguments are what userfaultfd(2) describes.
    unsafe {
        let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) as i32;
        check(fd as i64).unwrap_or_else(|e| panic!("userfaultfd: {e:?}"));
        check(libc::ioctl(fd, UFFDIO_API as _, api.as_mut_ptr()) as i64).unwrap();
        check(libc::ioctl(fd, UFFDIO_REGISTER as _, register.as_mut_ptr()) as i64).unwrap();
        (page, fd)
    }
}

/// Ordinary work on the bus, in a process of its own so that it can be seen
/// to hang.
fn others_are_served(stuck: u32, what: &str) {
    let done = Gate::new();
    let child = fork(|| {
        let (a, b) = (Ksock::new(), Ksock::new());
        a.serve("$.Ordinary").listen("$.News");
        for _ in 0..20 {
            let asked = b.ask("$.Ordinary");
            a.answer(&a.take());
            eq!(b.take().in_reply_to, asked);
            // The stuck one listens to this: it gets a copy as ever.
            b.say("$.News");
            a.take();
        }
        for path in ["/proc/kbus/stats", "/proc/kbus/bindings"] {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains(&stuck.to_string()), "{path}: {text}");
        }
        done.open();
    });
    assert!(done.opens(), "while one is stuck in {what}, others hang");
    child.join();
}

/// One process does `call` with a page it will never get; others must not
/// notice, and it can be killed, whereupon its ksock closes.
fn stuck(what: &str, call: fn(&Ksock, *mut u8)) {
    let told = Gate::new();
    let child = fork(|| {
        let (page, _fd) = stuck_page();
        let k = Ksock::new();
        k.serve("$.Stuck").listen("$.News").limit(1000);
        told.put(k.id());
        call(&k, page.start);
        panic!("{what} came back although its page never did");
    });
    let id = told.get();
    await_sleep(child.pid);
    // It sleeps in its page fault, not before: it has no other place to.
    others_are_served(id, what);
    let w = Ksock::new();
    let asked = w.ask("$.Stuck");
    child.kill();
    let got = w.await_msg();
    eq!(
        (got.text(), got.in_reply_to),
        (GONE_AWAY.to_string(), asked)
    );
    eq!(w.replier("$.Stuck"), Ok(None));
}

fn stuck_in_write() {
    stuck("write", |k, page| {
        let _ = write(k.fd, page, HEADER);
    });
}

fn pointing(at: usize, address: usize) -> Vec<u8> {
    let name = c"$.A";
    let mut bytes = Msg::new("$.A").data(b"12345678").entire();
    bytes.truncate(HEADER);
    point(&mut bytes, NAME_AT, name.as_ptr() as usize);
    point(&mut bytes, DATA_AT, name.as_ptr() as usize);
    point(&mut bytes, at, address);
    bytes
}

fn stuck_in_pointy_name() {
    stuck("SEND (name)", |k, page| {
        k.write(&pointing(NAME_AT, page as usize)).unwrap();
        let _ = k.send();
    });
}

fn stuck_in_pointy_data() {
    stuck("SEND (data)", |k, page| {
        k.write(&pointing(DATA_AT, page as usize)).unwrap();
        let _ = k.send();
    });
}

fn stuck_in_read() {
    stuck("read", |k, page| {
        let other = Ksock::new();
        other.say("$.News");
        k.next().unwrap();
        let _ = read(k.fd, page, 96);
    });
}

fn stuck_in_read_of_proc() {
    stuck("read of /proc", |_, page| {
        let file = std::fs::File::open("/proc/kbus/bindings").unwrap();
        let _ = read(file.as_raw_fd(), page, 96);
    });
}

fn stuck_in_bind() {
    stuck("BIND", |k, page| {
        let _ = ioctl(k.fd, BIND, page.cast());
    });
}

fn name_in(k: &Ksock, request: u32, page: *mut u8) {
    let arg = BindRequest {
        is_replier: 0,
        name_len: 10,
        name: page,
    };
    let _ = ioctl(k.fd, request, (&raw const arg).cast_mut().cast());
}

fn stuck_in_bind_name() {
    stuck("BIND (name)", |k, page| name_in(k, BIND, page));
}

fn stuck_in_unbind_name() {
    stuck("UNBIND (name)", |k, page| name_in(k, UNBIND, page));
}

fn stuck_in_replier() {
    stuck("REPLIER", |k, page| name_in(k, REPLIER_OF, page));
}

fn stuck_in_send_result() {
    stuck("SEND (result)", |k, page| {
        k.put(&Msg::new("$.Mine")).unwrap();
        let _ = ioctl(k.fd, SEND, page.cast());
    });
}

fn stuck_in_nextmsg_result() {
    stuck("NEXTMSG (result)", |k, page| {
        let other = Ksock::new();
        other.say("$.News");
        let _ = ioctl(k.fd, NEXTMSG, page.cast());
    });
}

fn stuck_in_newdevice_result() {
    stuck("NEWDEVICE (result)", |k, page| {
        let _ = ioctl(k.fd, NEWDEVICE, page.cast());
    });
    // And the list of devices is not locked by it.
    let n = Ksock::new().new_device().unwrap();
    eq!(n, 4);
}

/// Several threads of one process, all stuck in one ksock: the process can
/// be killed, and nobody else waits.
fn stuck_threads_of_one_ksock() {
    stuck("several calls", |k, page| {
        let fd = k.fd;
        let page = page as usize;
        for n in 0..4 {
            std::thread::spawn(move || {
                let page = page as *mut u8;
                match n {
                    0 => drop(write(fd, page, 100)),
                    1 => drop(read(fd, page, 100)),
                    2 => drop(ioctl(fd, KSOCKID, page.cast())),
                    _ => drop(ioctl(fd, NUMMSGS, page.cast())),
                }
            });
        }
        let _ = ioctl(fd, BIND, page as *mut _);
    });
}
