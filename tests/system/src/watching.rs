// SPDX-License-Identifier: GPL-2.0-only
//! What an administrator can watch: the trace points (kbus-trace(7)), and the kernel's log of a
//! bus that is verbose.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::harness::{as_user, bounded, Gate, ALICE, BOB, USUAL};
use crate::raw::*;
use crate::users::Log;
use crate::{eq, tests};

tests![
    watching_trace_points.load(USUAL),
    watching_trace_points_that_are_off.load(USUAL),
    watching_as_the_manual_says.load(USUAL),
    watching_a_verbose_bus.load(USUAL),
    watching_one_user_beside_the_noise_of_another
        .load(USUAL)
        .limit(90),
];

/// The trace points of the module, recorded from its beginning to its end.
struct Tracing(PathBuf);

impl Tracing {
    fn start() -> Tracing {
        let at = PathBuf::from("/sys/kernel/tracing");
        if !at.join("trace").exists() {
            let flags = nix::mount::MsFlags::empty();
            nix::mount::mount(Some("tracefs"), &at, Some("tracefs"), flags, None::<&str>).unwrap();
        }
        let tracing = Tracing(at);
        tracing.write("trace", "");
        tracing.write("events/kbus/enable", "1");
        tracing
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap_or_else(|e| panic!("{file}: {e}"));
    }

    /// What was recorded so far, without who did it and when, and no more from here.
    fn recorded(&self) -> Vec<String> {
        self.write("events/kbus/enable", "0");
        let trace = std::fs::read_to_string(self.0.join("trace")).unwrap();
        self.write("trace", "");
        let ours = trace.lines().filter_map(|line| line.split_once(": kbus_"));
        ours.map(|(_, event)| event.to_string()).collect()
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        self.write("events/kbus/enable", "0");
    }
}

fn watching_trace_points() {
    let tracing = Tracing::start();
    let (a, b) = (Ksock::new(), Ksock::new());
    let (ka, kb) = (a.id(), b.id());
    let of = |id: Id| format!("{}:{}", id.net, id.serial);
    let mut expected = Vec::new();
    macro_rules! expect {
        ($($text:tt)*) => { expected.push(format!($($text)*)) };
    }

    a.listen("$.A");
    expect!("bind: bus=0 ksock={ka} as=listener name=$.A");
    b.serve("$.R.*");
    expect!("bind: bus=0 ksock={kb} as=replier name=$.R.*");

    let said = of(b.say("$.A"));
    expect!("route: bus=0 ksock={kb} id={said} flags=0x0 to=0 verdict=sent name=$.A");
    expect!("queue: bus=0 ksock={ka} id={said} queued=1");
    let unheard = of(b.say("$.Nobody"));
    expect!("route: bus=0 ksock={kb} id={unheard} flags=0x0 to=0 verdict=sent name=$.Nobody");

    let asked = of(a.ask("$.R.x"));
    expect!("route: bus=0 ksock={ka} id={asked} flags=0x1 to=0 verdict=sent name=$.R.x");
    expect!("queue: bus=0 ksock={kb} id={asked} queued=1");
    let request = b.take();
    let answered = of(b.answer(&request));
    expect!("route: bus=0 ksock={kb} id={answered} flags=0x0 to={ka} verdict=sent name=$.R.x");
    expect!("answer: bus=0 ksock={kb} requester={ka} about={asked} by=replier");
    expect!("queue: bus=0 ksock={ka} id={answered} queued=2");

    // Covered twice; then queued only once; then not at all, for it is full.
    a.listen("$.A");
    expect!("bind: bus=0 ksock={ka} as=listener name=$.A");
    a.only_once(1).unwrap();
    let said = of(b.say("$.A"));
    expect!("route: bus=0 ksock={kb} id={said} flags=0x0 to=0 verdict=sent name=$.A");
    expect!("queue: bus=0 ksock={ka} id={said} queued=3");
    a.limit(3);
    let said = of(b.say("$.A"));
    expect!("skip: bus=0 ksock={ka} why=full name=$.A");
    expect!("skip: bus=0 ksock={ka} why=full name=$.A");
    expect!("route: bus=0 ksock={kb} id={said} flags=0x0 to=0 verdict=sent name=$.A");
    eq!(b.post(&Msg::new("$.A").flags(ALL_OR_FAIL)), Err(EBUSY));
    let refused = of(b.last());
    expect!("skip: bus=0 ksock={ka} why=full name=$.A");
    expect!("skip: bus=0 ksock={ka} why=full name=$.A");
    expect!("route: bus=0 ksock={kb} id={refused} flags=0x200 to=0 verdict=refused name=$.A");
    eq!(b.post(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EAGAIN));
    let waits = of(b.last());
    expect!("skip: bus=0 ksock={ka} why=full name=$.A");
    expect!("skip: bus=0 ksock={ka} why=full name=$.A");
    expect!("route: bus=0 ksock={kb} id={waits} flags=0x100 to=0 verdict=waits name=$.A");
    a.drain();
    eq!(b.send(), Ok(b.last()));
    expect!("route: bus=0 ksock={kb} id={waits} flags=0x100 to=0 verdict=sent name=$.A");
    expect!("queue: bus=0 ksock={ka} id={waits} queued=3");

    // A replier that unbinds, and one that goes.
    let asked = of(a.ask("$.R.y"));
    expect!("route: bus=0 ksock={ka} id={asked} flags=0x1 to=0 verdict=sent name=$.R.y");
    expect!("queue: bus=0 ksock={kb} id={asked} queued=1");
    b.unbind("$.R.*", REPLIER).unwrap();
    a.drain();
    b.serve("$.S").listen("$.S");
    b.only_once(1).unwrap();
    let owed = of(a.ask("$.S"));
    b.take();
    let (unbound, ignored) = (a.last().serial - 1, a.last().serial + 1);
    expect!("unbind: bus=0 ksock={kb} as=replier name=$.R.*");
    expect!("answer: bus=0 ksock={kb} requester={ka} about={asked} by=bus");
    expect!("queue: bus=0 ksock={ka} id=0:{unbound} queued=1");
    expect!("bind: bus=0 ksock={kb} as=replier name=$.S");
    expect!("bind: bus=0 ksock={kb} as=listener name=$.S");
    expect!("route: bus=0 ksock={ka} id={owed} flags=0x1 to=0 verdict=sent name=$.S");
    expect!("queue: bus=0 ksock={kb} id={owed} queued=1");
    expect!("skip: bus=0 ksock={kb} why=once name=$.S");
    drop(b);
    expect!("close: bus=0 ksock={kb}");
    expect!("answer: bus=0 ksock={kb} requester={ka} about={owed} by=bus");
    expect!("queue: bus=0 ksock={ka} id=0:{ignored} queued=1");

    // Names of Latin-1 as they are, and other buses.
    let other = Ksock::on(1);
    other.listen("$.B");
    expect!("bind: bus=1 ksock={} as=listener name=$.B", other.id());

    // A send that wants memory first is decided again, and says again whom it skips.
    let mut recorded = tracing.recorded();
    recorded.dedup();
    expected.dedup();
    for (n, (seen, expected)) in recorded.iter().zip(&expected).enumerate() {
        eq!(seen, expected, "line {n}");
    }
    eq!(recorded.len(), expected.len(), "{:?}", recorded.last());
}

fn watching_trace_points_that_are_off() {
    let tracing = Tracing::start();
    eq!(tracing.recorded(), Vec::<String>::new());
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    eq!(tracing.recorded(), Vec::<String>::new());
}

/// "Without either tool", in kbus-trace(7).
fn watching_as_the_manual_says() {
    let tracing = Tracing::start();
    let mut options = std::fs::OpenOptions::new();
    let pipe = options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut pipe = pipe.open(tracing.0.join("trace_pipe")).unwrap();
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    drop(k);
    let mut seen = String::new();
    let told = bounded(|| {
        let mut some = [0; 4096];
        let len = pipe.read(&mut some).unwrap_or(0);
        seen.push_str(&String::from_utf8_lossy(&some[..len]));
        seen.contains("kbus_close")
    });
    assert!(told, "{seen:?}");
    // Who, and what. The kernel may not have noted the name.
    let pid = format!("-{} ", std::process::id());
    for line in seen.lines() {
        assert!(line.contains(&pid), "{line}");
    }
    let what = seen.lines().map(|line| line.split(": ").nth(1).unwrap());
    let expected = ["kbus_bind", "kbus_route", "kbus_queue", "kbus_close"];
    assert!(what.eq(expected), "{seen}");
}

/// What the log says from here on, without the time.
fn said(log: &mut Log) -> Vec<String> {
    let lines = log.lines().into_iter();
    lines
        .map(|line| line.strip_prefix("kbus: ").unwrap_or(&line).to_string())
        .collect()
}

fn watching_a_verbose_bus() {
    let mut log = Log::from_here();
    let root = Ksock::new();
    root.listen("$.Quiet");
    eq!(root.verbose(1), Ok(0));
    eq!(said(&mut log), Vec::<String>::new());
    as_user(ALICE, || {
        let (a, b) = (Ksock::new(), Ksock::new());
        a.listen("$.A.*").serve("$.R");
        eq!(b.bind("$.R", REPLIER), Err(EADDRINUSE));
        eq!(b.bind(BIND_EVENT, REPLIER), Err(EBADMSG));
        eq!(b.unbind("$.A.*", LISTENER), Err(EINVAL));
        // What is sent and queued is not said; what is refused is.
        b.say("$.A.b");
        b.ask("$.R");
        eq!(b.post(&Msg::ask("$.Nobody")), Err(EADDRNOTAVAIL));
        a.limit(2);
        eq!(b.post(&Msg::ask("$.R")), Err(EBUSY));
        eq!(b.post(&Msg::new("$.A.c").flags(ALL_OR_FAIL)), Err(EBUSY));
        eq!(b.send(), Err(ENOMSG));
        let request = a.drain().pop().unwrap();
        a.answer(&request);
        eq!(a.post(&Msg::reply_to(&request)), Err(ECONNREFUSED));
        a.unbind("$.R", REPLIER).unwrap();
        // Another bus is not verbose.
        Ksock::on(1).listen("$.Elsewhere");
        drop((a, b));
    })
    .join();
    let lines = said(&mut log);
    let of = |ksock: u32, what: &str| format!("bus 0: Ksock {ksock} of user {ALICE} {what}");
    let (a, b) = (root.id() + 1, root.id() + 2);
    let expected = [
        of(a, "listens to $.A.*"),
        of(a, "replies to $.R"),
        of(b, "cannot bind to $.R: another replies to it"),
        of(
            b,
            "cannot bind to $.KBUS.ReplierBindEvent: not a name for this",
        ),
        of(b, "cannot unbind from $.A.*: it is not bound to it"),
        of(
            b,
            "sends a request $.Nobody in vain: there is nobody to get it",
        ),
        of(
            b,
            "sends a request $.R in vain: one who must get it is full",
        ),
        of(
            b,
            "sends an announcement $.A.c in vain: one who must get it is full",
        ),
        of(
            a,
            "sends a reply $.R in vain: it answers no request that waits for an answer",
        ),
        of(a, "unbinds from $.R"),
        of(a, "is closed"),
        of(b, "is closed"),
    ];
    for (seen, expected) in lines.iter().zip(&expected) {
        eq!(seen, expected);
    }
    eq!(lines.len(), expected.len(), "{lines:?}");
    eq!(root.verbose(0), Ok(1));
    root.listen("$.Quiet");
    eq!(said(&mut log), Vec::<String>::new());
}

/// Noise enough to fill the log many times over, and what another does meanwhile.
fn watching_one_user_beside_the_noise_of_another() {
    let mut log = Log::from_here();
    let root = Ksock::new();
    root.verbose(1).unwrap();
    let (noisy, done) = (Gate::new(), Gate::new());
    let noise = as_user(ALICE, || {
        let k = Ksock::new();
        for n in 0..20_000 {
            eq!(k.post(&Msg::ask("$.Nobody")), Err(EADDRNOTAVAIL));
            if n == 1000 {
                noisy.open();
            }
        }
        done.pass();
    });
    noisy.pass();
    as_user(BOB, || {
        let k = Ksock::new();
        for n in 0..20 {
            k.listen(&format!("$.Bob{n}"));
        }
    })
    .join();
    done.open();
    noise.join();
    let lines = said(&mut log);
    let of = |uid: u32| {
        let user = format!("of user {uid} ");
        lines.iter().filter(|line| line.contains(&user)).count()
    };
    // Each binding, and that it is closed.
    eq!(of(BOB), 21);
    // Fifty every five seconds, and this has not taken minutes.
    assert!((50..2000).contains(&of(ALICE)), "{} lines", of(ALICE));
}
