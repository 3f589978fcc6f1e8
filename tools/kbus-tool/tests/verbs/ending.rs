// SPDX-License-Identifier: GPL-2.0-only
//! How it ends: wrong use, closed pipes, signals.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::bus::{kill, stderr, Bus};

#[test]
#[ignore = "needs a bus"]
fn wrong_use_and_missing_buses_are_told() {
    let bus = Bus::new();
    let wildcard = bus.run(&["send", "$.Tool.*"]);
    assert_eq!(wildcard.status.code(), Some(2));
    assert!(stderr(&wildcard).contains("a wildcard is for binding"));
    let missing = bus.run(&["--bus", "255", "listen", "$.Tool"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("there is no such bus [ENOENT]"),
        "{}",
        stderr(&missing)
    );
    let missing = bus.run(&["--bus", "255", "list"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("[ENOENT]"),
        "{}",
        stderr(&missing)
    );
    let file = bus.run(&["send", "$.Tool", "--file", "/no/such/file"]);
    assert_eq!(file.status.code(), Some(1));
    assert_eq!(
        stderr(&file),
        "kbus-tool: cannot read /no/such/file: entity not found [ENOENT]\n"
    );
}

/// As in `kbus-tool listen ... | head -n 1`.
#[test]
#[ignore = "needs a bus"]
fn a_closed_pipe_ends_it_quietly() {
    let bus = Bus::new();
    let mut listen = bus.start(&["listen", "$.Pipe"]);
    bus.says(&["send", "$.Pipe", "1"]);
    let mut line = String::new();
    BufReader::new(listen.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.ends_with("\"1\"\n"), "{line}");
    bus.says(&["send", "$.Pipe", "2"]);
    let ended = listen.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), stderr(&ended)), (Some(0), ""));
    for verb in [
        "list",
        "stats",
        "explain EBUSY",
        "doctor",
        "completions zsh",
        "man",
    ] {
        // head is gone before it writes.
        let line = format!("{{ sleep 0.05; kbus-tool {verb}; echo $? >&2; }} | true");
        let ended = bus.shell(&line).output().unwrap();
        assert_eq!(stderr(&ended), "0\n", "{verb}");
    }
}

#[test]
#[ignore = "needs a bus"]
fn ctrl_c_leaves_nothing_behind() {
    let bus = Bus::new();
    let reply = bus.start(&["reply", "--exec", "sleep 4321", "$.Slow"]);
    let asking = bus
        .tool(&["request", "$.Slow"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let sleeping = || -> BTreeSet<String> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        lines
            .filter(|line| line.starts_with("sleep 4321"))
            .collect()
    };
    while sleeping().is_empty() {}
    kill(&reply, "-INT");
    let reply = reply.wait_with_output().unwrap();
    assert_eq!((reply.status.signal(), stderr(&reply)), (Some(2), ""));
    assert!(sleeping().is_empty());
    // Who asked is told, and nobody is bound any more.
    let asked = asking.wait_with_output().unwrap();
    assert_eq!(asked.status.code(), Some(3));
    let there = bus.says(&["list"]);
    assert_eq!(there, format!("/dev/kbus{}: 0 Ksocks, 0 bindings\n", bus.0));

    for (verb, signal) in [
        (&["listen", "$.*"][..], "-INT"),
        (&["reply", "$.R"], "-TERM"),
        (&["record", "--force", "/tmp/stopped", "$.*"], "-HUP"),
    ] {
        let child = bus.start(verb);
        kill(&child, signal);
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.signal().is_some(), "{verb:?}");
        assert_eq!(stderr(&ended), "", "{verb:?}");
    }
    let top = bus.tool(&["top"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(top.stdout.as_ref().map(|out| out.try_clone_fd()).unwrap());
    out.read_line(&mut line).unwrap();
    kill(&top, "-INT");
    assert_eq!(top.wait_with_output().unwrap().status.signal(), Some(2));
}

/// To read from a child's output and have the child, too.
trait CloneFd {
    fn try_clone_fd(&self) -> File;
}

impl CloneFd for std::process::ChildStdout {
    fn try_clone_fd(&self) -> File {
        use std::os::fd::AsFd;
        File::from(self.as_fd().try_clone_to_owned().unwrap())
    }
}
