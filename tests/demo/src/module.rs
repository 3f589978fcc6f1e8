// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's side of the play: the module, and what the kernel says in its
//! log meanwhile.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::stage::tell;
use crate::Result;

/// The module, loaded. When the play has loaded it, the play unloads it.
pub(crate) struct Module {
    ours: bool,
}

/// A place in the kernel's log.
pub(crate) struct Log {
    mark: String,
}

impl Module {
    pub(crate) fn load() -> Result<Module> {
        let ours = !Path::new("/dev/kbus0").exists();
        if ours {
            run("insmod", "kbus.ko")?;
        } else {
            tell("(The module is loaded already.)")?;
        }
        Ok(Module { ours })
    }

    pub(crate) fn unload(self) -> Result<()> {
        if !self.ours {
            return tell("(The module was loaded before the play, so it stays.)");
        }
        run("rmmod", "kbus")?;
        if Path::new("/dev/kbus0").exists() {
            return Err("/dev/kbus0 is still there".into());
        }
        Ok(())
    }
}

/// Runs a command and shows that, as at a terminal.
fn run(command: &str, argument: &str) -> Result<()> {
    tell(&format!("# {command} {argument}"))?;
    let status = Command::new(command).arg(argument).status()?;
    if !status.success() {
        return Err(format!("{command} {argument}: {status}").into());
    }
    Ok(())
}

impl Log {
    /// From here on.
    pub(crate) fn mark() -> Result<Log> {
        let mark = format!("kbus-demo {}: curtain up", std::process::id());
        // Without the end of the line the kernel keeps it back, to append to.
        fs::write("/dev/kmsg", format!("{mark}\n"))
            .map_err(|error| format!("/dev/kmsg: {error} (the play needs root)"))?;
        Ok(Log { mark })
    }

    /// How many lines the kernel has logged since, if none is a complaint.
    pub(crate) fn clean(&self) -> Result<usize> {
        let output = Command::new("dmesg").arg("-r").output()?;
        let log = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = log.lines().collect();
        let mark = lines.iter().rposition(|line| line.contains(&self.mark));
        let since = mark.and_then(|mark| lines.get(mark + 1..));
        let since = since.ok_or("our mark is missing in the kernel's log")?;
        let complaints: Vec<&str> = since
            .iter()
            .copied()
            .filter(|line| is_complaint(line))
            .collect();
        if complaints.is_empty() {
            return Ok(since.len());
        }
        Err(format!("the kernel complained:\n{}", complaints.join("\n")).into())
    }
}

/// A raw line of the log, `<level>[time] text`. Anything that the kernel says
/// when something is wrong with it, and any warning about the module but the
/// note that it does not come with the kernel.
fn is_complaint(line: &str) -> bool {
    const WARNING: u32 = 4;
    let signs = [
        "BUG:",
        "WARNING:",
        "Oops",
        "Call Trace:",
        "cut here",
        "KASAN:",
        "INFO: task",
    ];
    let taint = line.contains("taints kernel") || line.contains("tainting kernel");
    let level = line.strip_prefix('<').and_then(|line| line.split_once('>'));
    // The level is the lower three bits.
    let level = level
        .and_then(|(level, _)| level.parse().ok())
        .map_or(WARNING, |n: u32| n & 7);
    signs.iter().any(|sign| line.contains(sign))
        || (line.contains("kbus") && level <= WARNING && !taint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_from_news() {
        assert!(!is_complaint("<6>[    1.0] kbus: 1 bus"));
        assert!(!is_complaint(
            "<4>[    1.0] kbus: loading out-of-tree module taints kernel."
        ));
        assert!(is_complaint("<4>[    1.0] kbus: something odd"));
        assert!(is_complaint(
            "<4>[    1.0] WARNING: CPU: 1 PID: 2 at lib/x.c:3"
        ));
        assert!(is_complaint(
            "<1>[    1.0] BUG: kernel NULL pointer dereference"
        ));
        assert!(!is_complaint("<4>[    1.0] clocksource: marked unstable"));
    }
}
