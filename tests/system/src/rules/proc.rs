// SPDX-License-Identifier: GPL-2.0-only
//! Section 8: the two files, byte by byte.

use crate::harness::USUAL;
use crate::raw::*;
use crate::{eq, tests};

tests![
    proc_modes,
    proc_bindings_exactly,
    proc_bindings_newest_first,
    proc_stats_of_a_fresh_module.load(USUAL),
    proc_stats_device_line,
    proc_stats_ksock_lines,
    proc_stats_of_reading,
    proc_stats_of_writing,
    proc_stats_of_requests,
    proc_pid_is_the_openers,
    proc_reads_in_pieces,
];

const HEADING: &str = "# <device> is bound to <Ksock-ID> in <process-PID> as \
    <Replier|Listener> for <message-name>\n";

fn bindings() -> String {
    std::fs::read_to_string("/proc/kbus/bindings").unwrap()
}

fn stats() -> String {
    std::fs::read_to_string("/proc/kbus/stats").unwrap()
}

fn proc_modes() {
    use std::os::unix::fs::MetadataExt;
    let mode = |path: &str| std::fs::metadata(path).unwrap().mode();
    assert!(std::fs::metadata("/proc/kbus").unwrap().is_dir());
    eq!(mode("/proc/kbus/bindings"), 0o100444);
    eq!(mode("/proc/kbus/stats"), 0o100444);
}

fn proc_bindings_exactly() {
    eq!(bindings(), HEADING.repeat(3), "a heading for each device");
    let (a, b) = (Ksock::new(), Ksock::on(2));
    a.serve("$.Lamp.%").listen("$.Lamp.*");
    b.listen("$.Door");
    let pid = std::process::id();
    let want = format!(
        "{HEADING}\
         {:>3}: {:>8} {pid:>8}  L  $.Lamp.*\n\
         {:>3}: {:>8} {pid:>8}  R  $.Lamp.%\n\
         {HEADING}\
         {HEADING}\
         {:>3}: {:>8} {pid:>8}  L  $.Door\n",
        0,
        a.id(),
        0,
        a.id(),
        2,
        b.id()
    );
    eq!(bindings(), want);
}

fn proc_bindings_newest_first() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.n1");
    b.bind("$.n2", 7).unwrap();
    a.listen("$.n1");
    a.serve("$.n3");
    let got: Vec<String> = bindings()
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| l.split_whitespace().skip(3).collect::<Vec<_>>().join(" "))
        .collect();
    eq!(got, ["R $.n3", "L $.n1", "R $.n2", "L $.n1"]);
    // A name of any length, and bytes above ASCII as they are.
    let long = format!("$.{}", "z".repeat(998));
    b.listen(&long);
    assert!(bindings().contains(&format!("  L  {long}\n")));
    b.bind([b'$', b'.', 0xE4], LISTENER).unwrap();
    let raw = std::fs::read("/proc/kbus/bindings").unwrap();
    assert!(raw.windows(5).any(|w| w == [b' ', b'$', b'.', 0xE4, b'\n']));
}

fn proc_stats_of_a_fresh_module() {
    let want: Vec<String> = (0..3)
        .map(|n| format!("dev {n:>2}: next ksock 0 next msg 0 unsent unbindings 0"))
        .collect();
    eq!(stats(), want.join("\n") + "\n");
    let k = Ksock::new();
    eq!(k.id(), 1, "the first given out is 1");
    eq!(k.say("$.A"), id(0, 1));
    let line = stats().lines().next().unwrap().to_string();
    eq!(line, "dev  0: next ksock 2 next msg 2 unsent unbindings 0");
}

fn proc_stats_device_line() {
    let k = Ksock::on(1);
    let sent = k.say("$.A");
    let want = format!(
        "dev  1: next ksock {} next msg {} unsent unbindings 0",
        k.id() + 1,
        sent.serial + 1
    );
    assert!(
        stats().lines().any(|l| l == want),
        "expected {want:?} in {}",
        stats()
    );
}

/// The three lines of one ksock of device 0.
fn lines_of(k: &Ksock) -> [String; 3] {
    let start = format!("    ksock {} last msg ", k.id());
    let text = stats();
    let mut lines = text.lines().skip_while(|l| !l.starts_with(&start));
    let mut next = || lines.next().unwrap_or("").to_string();
    let all = [next(), next(), next()];
    assert!(
        !all[2].is_empty(),
        "expected three lines {start:?}..., got {text}"
    );
    all
}

fn proc_stats_ksock_lines() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").limit(35);
    let sent = b.say("$.A");
    eq!(
        lines_of(&a)[0],
        format!("    ksock {} last msg 0:0 queue 1 of 35", a.id())
    );
    eq!(
        lines_of(&b)[0],
        format!(
            "    ksock {} last msg 0:{} queue 0 of 100",
            b.id(),
            sent.serial
        )
    );
    eq!(
        lines_of(&a)[1],
        "      read byte 0 of 0, wrote byte 0 of HDR (not finished), not sending"
    );
    // Newest ksock first.
    let text = stats();
    let at = |k: &Ksock| text.find(&format!("    ksock {} last", k.id())).unwrap();
    assert!(at(&b) < at(&a), "{text}");
}

fn proc_stats_of_reading() {
    let k = Ksock::new();
    k.listen("$.A");
    k.post(&Msg::new("$.A").data(b"12345")).unwrap();
    let read = |k: &Ksock| {
        let line = lines_of(k)[1].clone();
        line.split(',').next().unwrap_or("").trim().to_string()
    };
    eq!(read(&k), "read byte 0 of 0", "queued is not current");
    let len = k.next().unwrap().unwrap();
    for n in 0..len {
        eq!(read(&k), format!("read byte {n} of {len}"));
        k.bytes(1);
    }
    eq!(read(&k), "read byte 0 of 0");
}

fn proc_stats_of_writing() {
    let k = Ksock::new();
    let bytes = Msg::new("$.abcd").data(b"12345").entire();
    let wrote = |k: &Ksock| {
        let line = lines_of(k)[1].clone();
        line.split_once(", ")
            .map(|(_, w)| w.to_string())
            .unwrap_or(line)
    };
    let mut at = 0;
    // In the middle of each part; at their ends the next part may have begun.
    let name = HEADER;
    let pad = name + 6;
    let data = pad + 2;
    let dpad = data + 5;
    let last = dpad + 3;
    let last_of_header = format!("wrote byte {} of HDR (not finished), not sending", name - 1);
    for (upto, want) in [
        (0, "wrote byte 0 of HDR (not finished), not sending"),
        (10, "wrote byte 10 of HDR (not finished), not sending"),
        (name - 1, &last_of_header),
        (name + 1, "wrote byte 1 of NAME (not finished), not sending"),
        (name + 5, "wrote byte 5 of NAME (not finished), not sending"),
        (pad + 1, "wrote byte 1 of NPAD (not finished), not sending"),
        (data + 4, "wrote byte 4 of DATA (not finished), not sending"),
        (dpad + 2, "wrote byte 2 of DPAD (not finished), not sending"),
        (
            last + 3,
            "wrote byte 3 of FINAL (not finished), not sending",
        ),
    ] {
        k.write(&bytes[at..upto]).unwrap();
        at = upto;
        eq!(wrote(&k), want, "after {upto} bytes");
    }
    k.write(&bytes[at..]).unwrap();
    // The label of a finished entire message is an accident of the original.
    assert!(
        wrote(&k).ends_with(" (finished), not sending"),
        "{}",
        wrote(&k)
    );
    k.send().unwrap();
    eq!(wrote(&k), "wrote byte 0 of HDR (not finished), not sending");
    let pointy = Msg::new("$.A").pointy();
    k.put_pointy(&pointy).unwrap();
    eq!(wrote(&k), "wrote byte 0 of NAME (finished), not sending");
    k.discard().unwrap();
    // Pending.
    let l = Ksock::new();
    l.listen("$.A").limit(1);
    l.say("$.A");
    let pending = Msg::new("$.A").flags(ALL_OR_WAIT).pointy();
    k.put_pointy(&pending).unwrap();
    k.send_pending();
    eq!(wrote(&k), "wrote byte 0 of NAME (finished), sending");
}

fn proc_stats_of_requests() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let last = |k: &Ksock| lines_of(k)[2].clone();
    // "outstanding requests O (size S, max H), unsent replies R (max H)"
    let numbers = |k: &Ksock| {
        let line = last(k);
        let n: Vec<u32> = line
            .split(|c: char| !c.is_ascii_digit())
            .filter(|s| !s.is_empty())
            .map(|s| s.parse().unwrap())
            .collect();
        assert!(n.len() == 5, "{line}");
        let again = format!(
            "      outstanding requests {} (size {}, max {}), unsent replies {} (max {})",
            n[0], n[1], n[2], n[3], n[4]
        );
        eq!(line, again);
        assert!(n[1] >= n[0], "size below what is outstanding: {line}");
        (n[0], n[2], n[3], n[4])
    };
    eq!(numbers(&a), (0, 0, 0, 0));
    for _ in 0..20 {
        b.ask("$.A");
    }
    eq!(numbers(&b), (20, 20, 0, 0));
    eq!(numbers(&a), (0, 0, 0, 0));
    let requests = a.drain();
    eq!(numbers(&a), (0, 0, 20, 20));
    for request in &requests[..15] {
        a.answer(request);
    }
    eq!(numbers(&a), (0, 0, 5, 20));
    eq!(numbers(&b), (5, 20, 0, 0));
}

fn proc_pid_is_the_openers() {
    let pid = std::process::id();
    let k = Ksock::new();
    crate::harness::fork(|| {
        k.listen("$.From.A.Child");
        let line = crate::harness::bindings().pop().unwrap();
        let shown: u32 = line.split_whitespace().nth(2).unwrap().parse().unwrap();
        eq!(shown, pid);
    })
    .join();
}

/// Long files are read in many pieces; every line must come once and whole.
fn proc_reads_in_pieces() {
    let k = Ksock::new();
    for n in 0..400 {
        k.listen(&format!("$.A.rather.long.name.to.fill.several.pages.n{n}"));
    }
    let whole = std::fs::read("/proc/kbus/bindings").unwrap();
    eq!(whole.iter().filter(|&&b| b == b'\n').count(), 403);
    let fd = open_path("/proc/kbus/bindings", libc::O_RDONLY).unwrap();
    let mut pieces = Vec::new();
    let mut buffer = [0u8; 33];
    while let Ok(n @ 1..) = read(fd, buffer.as_mut_ptr(), buffer.len()) {
        pieces.extend_from_slice(&buffer[..n]);
    }
    // SAFETY: our own descriptor.
    unsafe { libc::close(fd) };
    assert!(pieces == whole, "read in pieces it differs");
}
