// SPDX-License-Identifier: GPL-2.0-only
//! `doctor`: what is wrong, and what to do.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use clap::Args;
use kbus::{Access, Ksock};
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{count, Paint};
use crate::procfs;

/// Find out why a bus cannot be used, and say what to do
///
/// Looks at the kernel, the module, the device and its permissions. Sends
/// nothing and changes nothing. Ends with 1 when it has found a fault.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool doctor")]
pub(crate) struct Doctor {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    /// Cannot be told, or may matter to others.
    Note,
    Fault,
}

/// What was looked at, and found.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    finding: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    todo: &'static str,
}

fn good(check: &'static str, finding: impl Into<String>) -> Finding {
    Finding {
        check,
        state: State::Good,
        finding: finding.into(),
        todo: "",
    }
}

fn note(check: &'static str, finding: impl Into<String>, todo: &'static str) -> Finding {
    Finding {
        check,
        state: State::Note,
        finding: finding.into(),
        todo,
    }
}

fn fault(check: &'static str, finding: impl Into<String>, todo: &'static str) -> Finding {
    Finding {
        check,
        state: State::Fault,
        finding: finding.into(),
        todo,
    }
}

impl Doctor {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut out = context.output();
        let device = PathBuf::from(format!("/dev/kbus{}", context.bus()));
        let loaded = Path::new("/sys/module/kbus").exists();
        let findings = [
            kernel(loaded),
            module(loaded),
            proc(loaded),
            node(&device, loaded),
            permission(&device),
            bus(context.bus(), &device),
        ];
        let mut faults = 0;
        for finding in findings.into_iter().flatten() {
            faults += usize::from(finding.state == State::Fault);
            out.either(&finding, |out| {
                let (word, paint) = match finding.state {
                    State::Good => ("good ", Paint::Good),
                    State::Note => ("note ", Paint::Quiet),
                    State::Fault => ("FAULT", Paint::Bad),
                };
                let todo = if finding.todo.is_empty() { "" } else { "; " };
                format!(
                    "{} {:<10} {}{todo}{}",
                    out.paint(paint, word),
                    finding.check,
                    finding.finding,
                    finding.todo
                )
            })?;
        }
        out.flush()?;
        match faults {
            0 => Ok(()),
            _ => Err(Failure::Other(format!("{} found", count(faults, "fault")))),
        }
    }
}

fn release() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// Looks whether the kernel is able. Once the module is loaded, that is the proof.
fn kernel(loaded: bool) -> Option<Finding> {
    let release = release();
    if loaded {
        return Some(good("kernel", format!("{release} runs kbus")));
    }
    let mut numbers = release.split(|char: char| !char.is_ascii_digit());
    let mut number = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    let version = (number()?, number()?);
    if version < (7, 2) {
        return Some(fault(
            "kernel",
            format!("{release} is older than 7.2, the first that kbus supports"),
            "boot a newer one; on Debian 13 from backports",
        ));
    }
    let config = fs::read_to_string(format!("/boot/config-{release}"));
    Some(match config {
        Ok(config) if config.lines().any(|line| line == "CONFIG_RUST=y") => {
            good("kernel", format!("{release} is able"))
        }
        Ok(_) => fault(
            "kernel",
            format!("{release} was built without Rust (CONFIG_RUST)"),
            "boot one that was built with it, as Debian's are",
        ),
        Err(_) => note(
            "kernel",
            format!("{release} is new enough; whether it has CONFIG_RUST is not to be seen here"),
            "make check-kernel, in the source of kbus, knows more",
        ),
    })
}

fn module(loaded: bool) -> Option<Finding> {
    if loaded {
        let buses = fs::read_to_string("/sys/module/kbus/parameters/kbus_num_devices");
        let buses = buses.ok().and_then(|number| number.trim().parse().ok());
        return Some(match buses {
            Some(1) => good("module", "loaded, with 1 bus"),
            Some(number) => good("module", format!("loaded, with {number} buses")),
            None => good("module", "loaded"),
        });
    }
    let release = release();
    let installed = ["updates", "extra", "kernel"].iter().any(|place| {
        let place = format!("/lib/modules/{release}/{place}");
        ["kbus.ko", "kbus.ko.xz", "kbus.ko.zst", "kbus.ko.gz"]
            .iter()
            .any(|file| Path::new(&place).join(file).exists())
    });
    Some(if installed {
        fault("module", "installed, but not loaded", "modprobe kbus")
    } else {
        fault(
            "module",
            format!("not loaded, and not installed for {release}"),
            "build it for this kernel: make && make install, and modprobe kbus",
        )
    })
}

fn proc(loaded: bool) -> Option<Finding> {
    if !loaded {
        return None;
    }
    Some(match procfs::stats() {
        Ok(_) => good("proc", "/proc/kbus can be read"),
        Err(error) => note(
            "proc",
            error.to_string(),
            "list, who, stats and top need it; see how /proc is mounted",
        ),
    })
}

fn node(device: &Path, loaded: bool) -> Option<Finding> {
    let shown = device.display();
    Some(match fs::metadata(device) {
        Ok(node) if !node.file_type().is_char_device() => fault(
            "device",
            format!("{shown} is no device"),
            "remove it and load the module again",
        ),
        Ok(_) => good("device", format!("{shown} is there")),
        Err(_) if !loaded => return None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let number = device.to_string_lossy().replace("/dev/kbus", "kbus");
            if Path::new("/sys/class/kbus").join(number).exists() {
                fault(
                    "device",
                    format!("{shown} is missing, though there is such a bus"),
                    "see whether devtmpfs is mounted on /dev, or udev runs; in a container, pass \
                     the device on",
                )
            } else {
                fault(
                    "device",
                    format!("{shown}: there is no such bus"),
                    "make one (kbus-tool new-bus), or choose another (kbus-tool list)",
                )
            }
        }
        Err(error) => fault("device", format!("{shown}: {error}"), ""),
    })
}

fn permission(device: &Path) -> Option<Finding> {
    let node = fs::metadata(device).ok()?;
    let mode = format!(
        "mode {:04o}, owner {}, group {}",
        node.mode() & 0o7777,
        name_of("/etc/passwd", node.uid()),
        name_of("/etc/group", node.gid())
    );
    let access = |what| fs::OpenOptions::new().read(true).write(what).open(device);
    Some(match (access(true), access(false)) {
        (Ok(_), _) => good("permission", format!("we may read and write ({mode})")),
        (Err(error), Ok(_)) => fault(
            "permission",
            format!("we may only read: {error} ({mode})"),
            "join the group of the device, or change its mode (45-kbus.rules)",
        ),
        (Err(error), Err(_)) if error.kind() == io::ErrorKind::PermissionDenied => fault(
            "permission",
            format!("we may not use it ({mode})"),
            "join the group kbus, whom the udev rule of kbus admits (usermod -aG kbus USER, and \
             log in again), or load the module with kbus_mode=0666",
        ),
        (Err(error), Err(_)) => fault(
            "permission",
            format!("it cannot be opened: {error} ({mode})"),
            "",
        ),
    })
}

/// Returns the name behind a number, or the number.
fn name_of(file: &str, id: u32) -> String {
    let all = fs::read_to_string(file).unwrap_or_default();
    let mut lines = all.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines
        .find(|words| words.get(2).and_then(|word| word.parse().ok()) == Some(id))
        .and_then(|words| words.first().map(|name| (*name).to_owned()))
        .unwrap_or_else(|| id.to_string())
}

/// Looks whether the device is a bus.
fn bus(number: u32, device: &Path) -> Option<Finding> {
    if !device.exists() {
        return None;
    }
    let bus = Ksock::open(number, Access::Read).ok()?;
    Some(match bus.id() {
        Ok(_) => good("bus", "it is one, and answers"),
        Err(error) => fault(
            "bus",
            error.to_string(),
            "another driver has this device; remove the node and load the module again",
        ),
    })
}
