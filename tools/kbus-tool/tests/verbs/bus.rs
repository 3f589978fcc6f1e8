// SPDX-License-Identifier: GPL-2.0-only
//! A bus for each test, and kbus-tool on it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use kbus::{Access, Ksock};
use serde_json::Value;

/// A bus that nobody else uses.
pub(crate) struct Bus(pub(crate) u32);

impl Bus {
    pub(crate) fn new() -> Bus {
        let made = Command::new("kbus-tool").arg("new-bus").output().unwrap();
        assert!(made.status.success(), "{}", stderr(&made));
        let device = stdout(&made).trim_end();
        assert!(Path::new(device).exists(), "{device}");
        Bus(device.strip_prefix("/dev/kbus").unwrap().parse().unwrap())
    }

    /// The tool with these arguments.
    pub(crate) fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kbus-tool");
        command.args(arguments).env("KBUS_BUS", self.0.to_string());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.tool(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// What it prints, when all goes well.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(
            (output.status.code(), stderr(&output)),
            (Some(0), ""),
            "{arguments:?}"
        );
        stdout(&output).to_owned()
    }

    /// The objects it prints, without the times in them.
    pub(crate) fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        objects(&self.says(arguments))
    }

    /// Starts it and waits until it says that it is bound.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.start_into(Stdio::piped(), arguments)
    }

    pub(crate) fn start_into(&self, stdout: Stdio, arguments: &[&str]) -> Child {
        let mut child = self
            .tool(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut byte = [0];
        let stderr = child.stderr.as_mut().unwrap();
        while byte != *b"\n" {
            stderr.read_exact(&mut byte).unwrap();
        }
        child
    }

    pub(crate) fn ksock(&self) -> Ksock {
        Ksock::open(self.0, Access::ReadWrite).unwrap()
    }

    /// A line for a shell, with this bus.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env("KBUS_BUS", self.0.to_string())
            .stdin(Stdio::null());
        command
    }

    /// Waits until these queues are empty: all of them.
    pub(crate) fn wait_until_drained(&self) {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let stats = self.objects(&["stats", "--json"]);
            if stats
                .iter()
                .all(|line| line["queue"].as_u64().unwrap_or(0) == 0)
            {
                return;
            }
            assert!(Instant::now() < patience, "{stats:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

pub(crate) fn objects(text: &str) -> Vec<Value> {
    let parse = |line| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        let time = value.as_object_mut().unwrap().remove("time");
        if let Some(time) = time {
            let time = time.as_str().unwrap();
            // As in 2026-11-20T17:22:00.000000Z
            assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
        }
        value
    };
    text.lines().map(parse).collect()
}

/// It ends well, and what it printed.
pub(crate) fn ends(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    stdout(&output).to_owned()
}

pub(crate) fn kill(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args([signal, &pid]).status();
    assert!(status.unwrap().success());
}

pub(crate) fn command_of(child: &Child) -> String {
    let line = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let line = String::from_utf8(line).unwrap().replace('\0', " ");
    line.trim_end().to_owned()
}
