// SPDX-License-Identifier: GPL-2.0-only
//! Every verb with a fault at every place: on a kernel with fault injection
//! the n-th allocation, or copy to or from the program, fails in the task that
//! asks for it; here for n from 1 on, until the verb needs no more than that.
//! Whatever fails, the verb must say so with the right errno and have done
//! nothing, or have done all; nobody loses an answer or gets two.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::eq;
use crate::harness::{
    self, bounded, fork, insmod, module_loaded, rmmod, shared, well, Child, Dice,
};
use crate::raw::*;
use crate::rules::Epoll;

/// More places than any verb has, loading the module included.
const MANY: u32 = 20_000;

/// This thread's switch: how many more calls that can fail do not.
struct Switch(File);

impl Switch {
    fn new() -> Switch {
        let file = File::options()
            .read(true)
            .write(true)
            .open("/proc/thread-self/fail-nth");
        Switch(file.expect("this kernel cannot inject faults"))
    }

    fn set(&self, n: u32) -> bool {
        self.0.write_at(n.to_string().as_bytes(), 0).is_ok()
    }

    /// Does `what` with its n-th chance to fail taken. The result, and whether
    /// there were as many.
    fn nth<R>(&self, n: u32, what: impl FnOnce() -> R) -> (R, bool) {
        assert!(self.set(n), "fail-nth");
        let result = what();
        let mut text = [0u8; 16];
        // This copies, too, and may be what fails; then `what` did not.
        let got = self.0.read_at(&mut text, 0);
        while !self.set(0) {}
        (result, matches!(got, Ok(1..)) && text[0] == b'0')
    }
}

/// What may fail: all memory, also where one may wait for it. The log is for
/// what is wrong, not for what was ordered.
fn prepare() {
    let root = "/sys/kernel/debug";
    for (file, value) in [
        ("failslab/ignore-gfp-wait", "N"),
        ("failslab/verbose", "0"),
        ("fail_page_alloc/ignore-gfp-wait", "N"),
        ("fail_page_alloc/ignore-gfp-highmem", "N"),
        ("fail_page_alloc/min-order", "0"),
        ("fail_page_alloc/verbose", "0"),
        ("fail_usercopy/verbose", "0"),
    ] {
        std::fs::write(format!("{root}/{file}"), value).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}

#[track_caller]
fn right(error: Errno) {
    assert!(
        [ENOMEM, EFAULT].contains(&error),
        "a fault ended in {error:?}"
    );
}

type Case = (&'static str, fn(&Switch, u32) -> bool);

/// Each does its verb once, with the n-th fault, and says whether it came to that.
const CASES: &[Case] = &[
    ("open", open),
    ("write", write_entire),
    ("send_to_listeners", send_to_listeners),
    ("send_pointy", send_pointy),
    ("request", request),
    ("reply", reply),
    ("send_pending", send_pending),
    ("poll_pending", poll_pending),
    ("discard_pending", discard_pending),
    ("next", next),
    ("read", read_message),
    ("bind", bind),
    ("unbind", unbind),
    ("limit", limit),
    ("report", report),
    ("replier", replier),
    ("close", close),
    ("exit", exit),
    ("exec_epoll", epoll),
    ("proc_files", proc_files),
    ("new_device", new_device),
    ("load", load),
];

fn open(switch: &Switch, n: u32) -> bool {
    let before = Ksock::new().id();
    let (got, hit) = switch.nth(n, || Ksock::open(0, libc::O_RDWR));
    match got {
        Ok(k) => eq!(k.id(), before + 1),
        Err(e) => right(e),
    }
    hit
}

fn write_entire(switch: &Switch, n: u32) -> bool {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A");
    let msg = Msg::new("$.A").data([3; 9000]);
    let (got, hit) = switch.nth(n, || k.put(&msg));
    match got {
        Ok(()) => {}
        Err(e) => {
            right(e);
            eq!(k.send(), Err(ENOMSG), "what was not written is not sent");
            k.put(&msg).unwrap();
        }
    }
    k.send().unwrap();
    eq!(l.take().data, msg.data);
    l.nothing();
    hit
}

/// SEND in `form`: everybody gets it, or nobody, and LASTSENT knows.
fn send_in(switch: &Switch, n: u32, pointy: bool) -> bool {
    let k = Ksock::new();
    let all: Vec<Ksock> = (0..5).map(|_| Ksock::new()).collect();
    for l in &all {
        l.listen("$.A").listen("$.*");
    }
    let msg = Msg::new("$.A").data([5; 5000]);
    let form = msg.pointy();
    if pointy {
        k.put_pointy(&form).unwrap();
    } else {
        k.put(&msg).unwrap();
    }
    let before = k.last();
    let (got, hit) = switch.nth(n, || k.send());
    let sent = k.last() != before;
    match got {
        Ok(id) => eq!(k.last(), id),
        Err(e) => {
            right(e);
            // The id could not be stored, that is all.
            assert!(!sent || e == EFAULT, "sent, and yet {e:?}");
        }
    }
    for l in &all {
        eq!(l.count(), if sent { 2 } else { 0 }, "to all or to nobody");
        for got in l.drain() {
            eq!(got.data, msg.data);
        }
    }
    k.post(&msg).unwrap();
    for l in &all {
        eq!(l.drain().len(), 2);
    }
    hit
}

fn send_to_listeners(switch: &Switch, n: u32) -> bool {
    send_in(switch, n, false)
}

fn send_pointy(switch: &Switch, n: u32) -> bool {
    send_in(switch, n, true)
}

fn request(switch: &Switch, n: u32) -> bool {
    let (a, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.A");
    l.listen("$.A");
    b.put(&Msg::ask("$.A").flags(ALL_OR_WAIT)).unwrap();
    let (got, hit) = switch.nth(n, || b.send());
    if let Err(e) = got {
        right(e);
    }
    eq!(a.count(), l.count());
    eq!(b.owed(), 0);
    let asked = a.count();
    for request in a.drain() {
        assert!(request.marked());
        a.answer(&request);
    }
    eq!(b.drain().len() as u32, asked, "one answer for each request");
    b.ask("$.A");
    drop(a);
    eq!(b.take().text(), GONE_AWAY);
    b.nothing();
    hit
}

fn reply(switch: &Switch, n: u32) -> bool {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let asked = b.ask("$.A");
    let got = a.take();
    a.put(&Msg::reply_to(&got)).unwrap();
    let (sent, hit) = switch.nth(n, || a.send());
    if let Err(e) = sent {
        right(e);
        if b.count() == 0 {
            eq!(a.owed(), 1, "still to be answered");
            a.answer(&got);
        }
    }
    eq!(b.take().in_reply_to, asked);
    b.nothing();
    eq!(a.owed(), 0);
    hit
}

/// A request that waits for room, and the one in whose way it is.
fn waiting() -> (Ksock, Ksock) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A").limit(1);
    b.ask("$.A");
    b.put(&Msg::ask("$.A").flags(ALL_OR_WAIT)).unwrap();
    b.send_pending();
    (a, b)
}

fn all_are_answered(a: &Ksock, b: &Ksock, requests: usize) {
    let mut answers = b.drain().len();
    while let Some(request) = a.get() {
        a.answer(&request);
    }
    answers += b.drain().len();
    eq!(answers, requests);
    eq!((a.owed(), b.owed()), (0, 0));
}

fn send_pending(switch: &Switch, n: u32) -> bool {
    let (a, b) = waiting();
    a.answer(&a.take());
    let (got, hit) = switch.nth(n, || b.send());
    match got {
        Ok(_) => {}
        Err(e) => {
            right(e);
            if a.count() == 0 {
                b.send().unwrap();
            }
        }
    }
    all_are_answered(&a, &b, 2);
    hit
}

fn poll_pending(switch: &Switch, n: u32) -> bool {
    let (a, b) = waiting();
    a.answer(&a.take());
    let (got, hit) = switch.nth(n, || poll(b.fd, libc::POLLOUT, 0));
    if let Err(e) = got {
        right(e);
    }
    if a.count() == 0 {
        match b.send() {
            Ok(_) => {}
            other => panic!("SEND after poll: {other:?}"),
        }
    }
    all_are_answered(&a, &b, 2);
    hit
}

fn discard_pending(switch: &Switch, n: u32) -> bool {
    let (a, b) = waiting();
    let (got, hit) = switch.nth(n, || b.discard());
    if let Err(e) = got {
        right(e);
        b.discard().unwrap();
    }
    a.answer(&a.take());
    // Given up, or told that it was not sent: it never arrives.
    a.nothing();
    assert!((1..=2).contains(&b.drain().len()));
    b.ask("$.A");
    a.answer(&a.take());
    hit
}

fn next(switch: &Switch, n: u32) -> bool {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A");
    for byte in 0..3 {
        k.post(&Msg::new("$.A").data([byte; 300])).unwrap();
    }
    let (got, hit) = switch.nth(n, || l.next());
    let mut seen = Vec::new();
    if let Err(e) = got {
        right(e);
    }
    // Popped or not: it is there to be read.
    if l.left() > 0 {
        seen.push(l.current(l.left()).data[0]);
    }
    seen.extend(l.drain().iter().map(|m| m.data[0]));
    eq!(seen, [0, 1, 2]);
    hit
}

fn read_message(switch: &Switch, n: u32) -> bool {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A");
    let msg = Msg::new("$.A").data([9; 6000]);
    k.post(&msg).unwrap();
    let len = l.next().unwrap().unwrap() as usize;
    let mut bytes = vec![0; len];
    let (got, hit) = switch.nth(n, || l.read(&mut bytes));
    match got {
        Ok(read) => {
            let rest = l.bytes(len - read);
            bytes[read..].copy_from_slice(&rest);
        }
        Err(e) => {
            right(e);
            eq!(l.left() as usize, len, "nothing was read");
            bytes = l.bytes(len);
        }
    }
    eq!(Msg::parse(&bytes).unwrap().data, msg.data);
    hit
}

fn bind(switch: &Switch, n: u32) -> bool {
    let (a, w) = (Ksock::new(), Ksock::new());
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    let (got, hit) = switch.nth(n, || a.bind("$.Name", REPLIER));
    match got {
        Ok(()) => {
            eq!(w.replier("$.Name"), Ok(Some(a.id())));
            eq!(w.count(), 1);
        }
        Err(e) => {
            right(e);
            eq!(w.replier("$.Name"), Ok(None));
            w.nothing();
            a.bind("$.Name", REPLIER).unwrap();
        }
    }
    eq!(
        w.take().event(),
        Ok((1, a.id(), "$.Name".to_string())),
        "announced, once"
    );
    w.nothing();
    w.report(0).unwrap();
    hit
}

fn unbind(switch: &Switch, n: u32) -> bool {
    let (a, b, w) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.serve("$.Name");
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    // It tells of those that are there already.
    w.drain();
    for _ in 0..4 {
        b.ask("$.Name");
    }
    let (got, hit) = switch.nth(n, || a.unbind("$.Name", REPLIER));
    if let Err(e) = got {
        right(e);
        eq!(w.replier("$.Name"), Ok(Some(a.id())));
        b.nothing();
        w.nothing();
        a.unbind("$.Name", REPLIER).unwrap();
    }
    let answers = b.drain();
    eq!(answers.len(), 4);
    assert!(answers.iter().all(|m| m.text() == UNBOUND));
    eq!(w.drain().len(), 1);
    w.report(0).unwrap();
    hit
}

fn limit(switch: &Switch, n: u32) -> bool {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    let (got, hit) = switch.nth(n, || a.max(5000));
    if let Err(e) = got {
        right(e);
    }
    eq!(a.max(5000), Ok(5000));
    b.say("$.A");
    eq!(a.drain().len(), 1);
    hit
}

fn report(switch: &Switch, n: u32) -> bool {
    let w = Ksock::new();
    let (got, hit) = switch.nth(n, || w.report(1));
    if let Err(e) = got {
        right(e);
    }
    w.report(0).unwrap();
    hit
}

fn replier(switch: &Switch, n: u32) -> bool {
    let a = Ksock::new();
    a.serve("$.A");
    let (got, hit) = switch.nth(n, || a.replier("$.A"));
    match got {
        Ok(id) => eq!(id, Some(a.id())),
        Err(e) => right(e),
    }
    hit
}

/// One who owes answers: two that it has read, two that are queued, one that
/// waits for room.
fn debtor(asker: &Ksock, late: &Ksock) -> Ksock {
    let a = Ksock::new();
    a.serve("$.Name").listen("$.News").limit(4);
    asker.ask("$.Name");
    asker.ask("$.Name");
    a.take();
    a.take();
    for _ in 0..4 {
        asker.ask("$.Name");
    }
    late.put(&Msg::ask("$.Name").flags(ALL_OR_WAIT)).unwrap();
    late.send_pending();
    a
}

/// All that is owed is answered by KBUS, once; the name is free.
fn settled(asker: &Ksock, late: &Ksock, w: &Ksock) {
    let answers = asker.drain();
    eq!(answers.len(), 6);
    assert!(answers
        .iter()
        .all(|m| m.flags & SYNTHETIC != 0 && m.in_reply_to != NO_ID));
    if late.ready(libc::POLLOUT | libc::POLLIN) & libc::POLLIN == 0 {
        // Its poll had it tried again; there was nobody.
        assert!(matches!(late.send(), Err(EADDRNOTAVAIL | ENOMSG)));
    } else {
        eq!(late.drain().len(), 1);
    }
    eq!(w.replier("$.Name"), Ok(None));
    eq!(harness::bindings().len(), 1, "of the one who watches");
    let told = w.drain();
    eq!(told.len(), 1);
    assert!([BIND_EVENT, UNBIND_EVENTS_LOST].contains(&told[0].text().as_str()));
}

/// close() gives no errno to speak of: it must do its work.
fn close(switch: &Switch, n: u32) -> bool {
    let (asker, late, w) = (Ksock::new(), Ksock::new(), Ksock::new());
    let a = debtor(&asker, &late);
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    // It tells of those that are there already.
    w.drain();
    let fd = a.fd;
    std::mem::forget(a);
    let (_, hit) = switch.nth(n, || nix::unistd::close(fd));
    settled(&asker, &late, &w);
    w.report(0).unwrap();
    hit
}

/// The same, by a process that ends.
fn exit(_: &Switch, n: u32) -> bool {
    let (asker, late, w) = (Ksock::new(), Ksock::new(), Ksock::new());
    let a = debtor(&asker, &late);
    w.listen(BIND_EVENT);
    w.report(1).unwrap();
    // It tells of those that are there already.
    w.drain();
    let go = harness::Gate::new();
    let child = fork(|| {
        harness::keep_only(&[a.fd, go.read]);
        let switch = Switch::new();
        go.pass();
        switch.set(n);
        // SAFETY: ends here, the fault still to come.
        unsafe { libc::_exit(0) };
    });
    drop(a);
    go.open();
    child.join();
    settled(&asker, &late, &w);
    w.report(0).unwrap();
    // Nobody is left to say whether it was hit.
    n < 60
}

fn epoll(switch: &Switch, n: u32) -> bool {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A");
    let e = Epoll::new();
    let add = || e.change(libc::EPOLL_CTL_ADD, l.fd, libc::EPOLLIN);
    let (got, hit) = switch.nth(n, add);
    if let Err(error) = got {
        right(error);
        add().unwrap();
    }
    k.say("$.A");
    eq!(e.wait(harness::HANG_MS).len(), 1);
    hit
}

fn proc_files(switch: &Switch, n: u32) -> bool {
    let a = Ksock::new();
    a.serve("$.A");
    let mut bytes = [0u8; 4096];
    let mut any = false;
    for path in ["/proc/kbus/bindings", "/proc/kbus/stats"] {
        let (got, hit) = switch.nth(n, || {
            let fd = open_path(path, libc::O_RDONLY | libc::O_CLOEXEC)?;
            let got = read(fd, bytes.as_mut_ptr(), bytes.len());
            let _ = nix::unistd::close(fd);
            got
        });
        if let Err(e) = got {
            right(e);
        }
        any |= hit;
    }
    any
}

/// How many there are, by the module's own word.
fn devices() -> u32 {
    let path = "/sys/module/kbus/parameters/kbus_num_devices";
    std::fs::read_to_string(path)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn new_device(switch: &Switch, n: u32) -> bool {
    if devices() > 250 {
        rmmod().unwrap();
        insmod(harness::USUAL).unwrap();
        crate::behaviours::open_soon(0);
    }
    let before = devices();
    let k = Ksock::new();
    let (got, hit) = switch.nth(n, || k.new_device());
    match got {
        Ok(number) => {
            eq!(number, before);
            eq!(devices(), before + 1);
        }
        Err(e) => {
            right(e);
            assert!(devices() == before || e == EFAULT, "made, and yet {e:?}");
        }
    }
    let now = devices();
    eq!(k.new_device(), Ok(now));
    crate::behaviours::open_soon(now);
    hit
}

fn load(switch: &Switch, n: u32) -> bool {
    if module_loaded() {
        rmmod().unwrap();
    }
    let (got, hit) = switch.nth(n, || insmod(harness::USUAL));
    match got {
        Ok(()) => {
            // Once there may be open files, too little memory makes fewer buses, and no error.
            let nodes = std::fs::read_dir("/sys/class/kbus").unwrap().count();
            eq!(devices() as usize, nodes);
            assert!(hit || nodes == 3, "{nodes} buses of 3");
        }
        Err(_) => {
            // The kernel's loader has errnos of its own.
            assert!(bounded(|| !module_loaded()), "half loaded");
            assert!(!std::path::Path::new("/proc/kbus").exists());
            assert!(!std::path::Path::new("/sys/class/kbus").exists());
            insmod(harness::USUAL).unwrap();
        }
    }
    // A node may be missing when devtmpfs had no memory for it.
    if !hit {
        crate::behaviours::open_soon(0);
    }
    rmmod().unwrap();
    if !hit {
        insmod(harness::USUAL).unwrap();
        crate::behaviours::open_soon(0);
    }
    hit
}

/// Three who ask and three who answer, each with faults at random: every
/// request that was sent is answered once.
fn from_several(seed: u64) {
    const SIDE: u32 = 3;
    const REQUESTS: u32 = 400;
    let done: &'static [AtomicU32] = shared(1);
    let done = &done[0];
    done.store(0, Ordering::SeqCst);
    let mut children: Vec<Child> = Vec::new();
    for who in 0..SIDE {
        children.push(fork(move || {
            let switch = Switch::new();
            let mut dice = Dice::new(seed * 100 + who as u64);
            while done.load(Ordering::SeqCst) < SIDE {
                let chance = |dice: &mut Dice| 1 + dice.below(40);
                let (k, _) = switch.nth(chance(&mut dice), || Ksock::open(0, libc::O_RDWR));
                let Ok(k) = k else { continue };
                let _ = switch.nth(chance(&mut dice), || k.bind(format!("$.Q.n{who}"), REPLIER));
                for _ in 0..dice.below(60) {
                    let (got, _) = switch.nth(chance(&mut dice), || k.next());
                    match got {
                        Err(e) => right(e),
                        Ok(None) => {
                            k.poll(libc::POLLIN, 1);
                        }
                        Ok(Some(_)) => {}
                    }
                    if k.left() == 0 {
                        continue;
                    }
                    let request = k.current(k.left());
                    let reply = Msg::reply_to(&request);
                    let (got, _) = switch.nth(chance(&mut dice), || k.post(&reply));
                    if let Err(e) = got {
                        // Then it may have been sent; a second one is refused.
                        assert!([ENOMEM, EFAULT].contains(&e), "{e:?}");
                        let _ = k.post(&reply);
                    }
                }
                let fd = k.fd;
                std::mem::forget(k);
                let _ = switch.nth(chance(&mut dice), || nix::unistd::close(fd));
            }
        }));
    }
    for who in 0..SIDE {
        children.push(fork(move || {
            let switch = Switch::new();
            let mut dice = Dice::new(seed * 100 + 50 + who as u64);
            let k = Ksock::new();
            let (mut asked, mut answered) = (0, std::collections::HashSet::new());
            let mut open = std::collections::HashSet::new();
            while asked < REQUESTS || !open.is_empty() {
                if asked < REQUESTS {
                    let msg = Msg::ask(format!("$.Q.n{}", dice.below(SIDE)));
                    let before = k.last();
                    let n = 1 + dice.below(40);
                    let (got, _) = switch.nth(n, || k.post(&msg));
                    match got {
                        Ok(id) => {
                            open.insert(id);
                            asked += 1;
                        }
                        Err(EFAULT) if k.last() != before => {
                            // Sent, but not told; an EADDRNOTAVAIL counts as
                            // tried, but is not an EFAULT.
                            open.insert(k.last());
                            asked += 1;
                        }
                        Err(EADDRNOTAVAIL | EBUSY | ENOLCK | ENOMEM | EFAULT) => {}
                        Err(e) => panic!("a request: {e:?}"),
                    }
                }
                if !open.is_empty() && asked == REQUESTS {
                    k.wait(libc::POLLIN);
                }
                while let Some(msg) = k.get() {
                    assert!(open.remove(&msg.in_reply_to), "nobody asked for {msg:?}");
                    assert!(answered.insert(msg.in_reply_to), "a second {msg:?}");
                }
            }
            k.nothing();
            done.fetch_add(1, Ordering::SeqCst);
        }));
    }
    for child in children {
        child.join();
    }
}

/// All of it; `only` selects by name. How many cases passed and failed.
pub fn run(seed: u64, only: &[String]) -> (u32, u32) {
    prepare();
    // Loading only when asked for: the kernel's loader tells the log of each
    // page that it did not get, which counts as a complaint.
    let chosen = |name: &str| match only {
        [] => name != "load",
        _ => only.iter().any(|o| name.contains(o.as_str())),
    };
    let (mut passed, mut failed) = (0, 0);
    let mut tell = |name: &str, places: &AtomicU32, ok: bool| {
        let verdict = if ok { "ok" } else { "FAILED" };
        println!(
            "{verdict} fault_{name} ({} places)",
            places.load(Ordering::SeqCst)
        );
        *(if ok { &mut passed } else { &mut failed }) += 1;
    };
    let places: &'static [AtomicU32] = shared(1);
    let places = &places[0];
    // In a process of its own, so that a failure ends only the one case.
    for (name, case) in CASES.iter().filter(|(name, _)| chosen(name)) {
        places.store(0, Ordering::SeqCst);
        let child = fork(|| {
            let switch = Switch::new();
            for n in 1..MANY {
                if !case(&switch, n) {
                    return;
                }
                places.store(n, Ordering::SeqCst);
            }
            panic!("no end of places");
        });
        tell(name, places, well(child.wait()));
        if !module_loaded() {
            insmod(harness::USUAL).unwrap();
            crate::behaviours::open_soon(0);
        }
    }
    if chosen("from_several") {
        places.store(0, Ordering::SeqCst);
        let child = fork(|| from_several(seed));
        tell("from_several", places, well(child.wait()));
    }
    (passed, failed)
}
