// SPDX-License-Identifier: GPL-2.0-only
//! A process that runs one rule after the other, as it is told.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::raw;

/// Runs rules in a process of its own (`kbus_test_conformance::serve`). Killed when dropped.
pub struct Server {
    process: Child,
    names: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Server {
    pub fn start(program: &Path) -> Result<Server, String> {
        let mut process = Command::new(program)
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", program.display()))?;
        let names = process.stdin.take().ok_or("no pipe")?;
        let results = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        Ok(Server {
            process,
            names,
            results,
        })
    }

    /// Runs one rule. After an error the process is not to be used any more.
    pub fn run(&mut self, name: &str, seconds: u32) -> Result<(), String> {
        writeln!(self.names, "{name}").map_err(|e| format!("it does not listen: {e}"))?;
        let results = self.results.get_ref().as_raw_fd();
        if raw::poll(results, libc::POLLIN, seconds as i32 * 1000) == Ok(0) {
            return Err(format!(
                "still running after {seconds} s{}",
                self.where_it_is()
            ));
        }
        let mut why = String::new();
        match self.results.read_line(&mut why) {
            Ok(0) | Err(_) => Err(self.how_it_ended()),
            Ok(_) if why.trim_end().is_empty() => Ok(()),
            Ok(_) => Err(why.trim_end().to_string()),
        }
    }

    fn how_it_ended(&mut self) -> String {
        match self.process.wait() {
            Ok(status) => status.to_string(),
            Err(e) => e.to_string(),
        }
    }

    /// In which call it hangs, as far as the kernel tells.
    fn where_it_is(&self) -> String {
        let file = File::open(format!("/proc/{}/wchan", self.process.id()));
        let at = file.and_then(std::io::read_to_string).unwrap_or_default();
        if at.is_empty() || at == "0" {
            return String::new();
        }
        format!(", in {at}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
