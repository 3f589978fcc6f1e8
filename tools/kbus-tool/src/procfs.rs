// SPDX-License-Identifier: GPL-2.0-only
//! What /proc/kbus says about all buses (section 8), and /proc about the
//! processes behind them. Reading changes nothing on a bus.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use kbus::{Name, Pattern};

use crate::exit::Failure;

/// What a bus says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bus {
    pub(crate) bus: u32,
    /// The numbers to be given out next. 0 and 1 are the same.
    pub(crate) next_ksock: u32,
    pub(crate) next_message: u32,
    /// Events for listeners whose queue was full when a replier closed.
    pub(crate) set_aside: u32,
    /// Some of those were lost, and more will be.
    pub(crate) events_lost: bool,
    /// In the order of their ids.
    pub(crate) ksocks: Vec<Ksock>,
}

/// What a bus says of a Ksock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ksock {
    pub(crate) ksock: u32,
    pub(crate) last_sent: (u32, u32),
    pub(crate) queue: u32,
    pub(crate) limit: u32,
    /// Of the message being read: bytes read, and all of them.
    pub(crate) reading: (u32, u32),
    /// Waits with a message until others have room for it.
    pub(crate) waits_to_send: bool,
    /// Answers that it waits for, now and at most so far.
    pub(crate) awaits: (u32, u32),
    /// Answers that it owes, now and at most so far.
    pub(crate) owes: (u32, u32),
}

impl Ksock {
    /// Without room for what it listens to (section 5.3).
    pub(crate) fn is_full(&self) -> bool {
        u64::from(self.queue) + u64::from(self.awaits.0) >= u64::from(self.limit)
    }
}

/// Who is bound to what. The newest first, in each bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) bus: u32,
    pub(crate) ksock: u32,
    /// The process that opened the Ksock; others may be using it now.
    pub(crate) pid: u32,
    pub(crate) replier: bool,
    pub(crate) name: Pattern,
}

// ---- The two files ----------------------------------------------------------

fn read(file: &str) -> Result<String, Failure> {
    let path = PathBuf::from("/proc/kbus").join(file);
    match fs::read(&path) {
        // Names are in Latin-1, which is the beginning of Unicode.
        Ok(bytes) => Ok(bytes.into_iter().map(char::from).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Other(format!(
            "cannot read {}: there is no bus [ENOENT]; load the module (modprobe kbus), or see \
             what kbus-tool doctor says",
            path.display()
        ))),
        Err(error) => Err(Failure::File("read", path, error)),
    }
}

/// All buses.
pub(crate) fn stats() -> Result<Vec<Bus>, Failure> {
    Ok(parse_stats(&read("stats")?))
}

/// All bindings.
pub(crate) fn bindings() -> Result<Vec<Binding>, Failure> {
    let mut bindings = parse_bindings(&read("bindings")?);
    for binding in &mut bindings {
        binding.pid = process_of(binding.pid);
    }
    Ok(bindings)
}

/// The numbers in a line, whatever is between them.
fn numbers(line: &str) -> Vec<u32> {
    line.split(|char: char| !char.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// What is not understood is left out: a later module may say more.
pub(crate) fn parse_stats(text: &str) -> Vec<Bus> {
    let mut buses: Vec<Bus> = Vec::new();
    for line in text.lines() {
        let words = line.trim_start();
        let numbers = numbers(line);
        if words.starts_with("dev ") {
            if let [bus, next_ksock, next_message, set_aside, ..] = numbers[..] {
                buses.push(Bus {
                    bus,
                    next_ksock,
                    next_message,
                    set_aside,
                    events_lost: line.contains("gone tragic"),
                    ksocks: Vec::new(),
                });
            }
            continue;
        }
        let Some(bus) = buses.last_mut() else {
            continue;
        };
        if words.starts_with("ksock ") {
            if let [ksock, network, serial, queue, limit, ..] = numbers[..] {
                bus.ksocks.push(Ksock {
                    ksock,
                    last_sent: (network, serial),
                    queue,
                    limit,
                    ..Ksock::default()
                });
            }
            continue;
        }
        let Some(ksock) = bus.ksocks.last_mut() else {
            continue;
        };
        if words.starts_with("read ") {
            if let [read, all, ..] = numbers[..] {
                ksock.reading = (read, all);
            }
            ksock.waits_to_send = !words.ends_with("not sending");
        } else if words.starts_with("outstanding ") {
            if let [awaits, _, most_awaited, owes, most_owed, ..] = numbers[..] {
                ksock.awaits = (awaits, most_awaited);
                ksock.owes = (owes, most_owed);
            }
        }
    }
    for bus in &mut buses {
        bus.ksocks.sort_by_key(|ksock| ksock.ksock);
    }
    buses
}

pub(crate) fn parse_bindings(text: &str) -> Vec<Binding> {
    let parse = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        Some(Binding {
            bus: words.next()?.strip_suffix(':')?.parse().ok()?,
            ksock: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
            replier: words.next()? == "R",
            name: Pattern::new(words.next()?).ok()?,
        })
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(parse).collect()
}

// ---- Who would get a message ------------------------------------------------

/// The replier that a request of this name would go to (section 5.2): an exact
/// name goes before `%`, and `%` before `*`; of several `*` the newest.
pub(crate) fn replier_for<'a>(bindings: &[&'a Binding], name: &Name) -> Option<&'a Binding> {
    let rank = |binding: &Binding| match binding.name.as_bytes().last() {
        Some(b'*') => 2,
        Some(b'%') => 1,
        _ => 0,
    };
    // The first of several that are least.
    bindings
        .iter()
        .filter(|binding| binding.replier && binding.name.matches(name))
        .min_by_key(|binding| rank(binding))
        .copied()
}

// ---- Processes --------------------------------------------------------------

/// The process that a thread belongs to: the bus knows who opened a Ksock as a
/// thread.
fn process_of(thread: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    let process = process.and_then(|process| process.trim().parse().ok());
    process.unwrap_or(thread)
}

/// What a process was started as. None: it is gone, or not for us to see.
pub(crate) fn command(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<String> = line
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let line = words.join(" ").trim_end().to_owned();
    let line = if line.is_empty() {
        // A zombie, or a thread of the kernel.
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        format!("[{}]", name.trim_end())
    } else {
        line
    };
    // Whatever is in there, it does not get at the terminal.
    Some(line.chars().filter(|char| !char.is_control()).collect())
}

/// Which processes have which bus open, as far as we may know.
pub(crate) fn holders() -> BTreeMap<u32, BTreeSet<u32>> {
    let mut holders: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let pid = process.file_name();
        let Some(pid) = pid.to_str().and_then(|pid| pid.parse().ok()) else {
            continue;
        };
        // Others' files are for root to see.
        let files = fs::read_dir(process.path().join("fd"));
        for file in files.into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(file.path()) else {
                continue;
            };
            let number = target.as_os_str().as_bytes().strip_prefix(b"/dev/kbus");
            let number = number.and_then(|number| std::str::from_utf8(number).ok());
            if let Some(bus) = number.and_then(|number| number.parse().ok()) {
                holders.entry(bus).or_default().insert(pid);
            }
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_section_8_2() {
        let buses = parse_stats(
            "dev  0: next ksock 3 next msg 10 unsent unbindings 0(gone tragic)\n    \
             ksock 2 last msg 0:0 queue 1 of 1\n      \
             read byte 0 of 0, wrote byte 0 of HDR (not finished), not sending\n      \
             outstanding requests 0 (size 16, max 0), unsent replies 1 (max 2)\n    \
             ksock 1 last msg 0:9 queue 0 of 100\n      \
             read byte 40 of 100, wrote byte 0 of NAME (finished), sending\n      \
             outstanding requests 1 (size 16, max 3), unsent replies 0 (max 0)\n\
             dev  1: next ksock 0 next msg 0 unsent unbindings 0\n",
        );
        let [first, second] = &buses[..] else {
            panic!("{buses:?}")
        };
        assert_eq!((first.next_ksock, first.next_message), (3, 10));
        assert!(first.events_lost && !second.events_lost);
        assert_eq!(
            first.ksocks[0],
            Ksock {
                ksock: 1,
                last_sent: (0, 9),
                queue: 0,
                limit: 100,
                reading: (40, 100),
                waits_to_send: true,
                awaits: (1, 3),
                owes: (0, 0),
            }
        );
        assert_eq!(first.ksocks[1].owes, (1, 2));
        assert!(first.ksocks[1].is_full() && !first.ksocks[0].is_full());
        assert!(second.ksocks.is_empty());
    }

    #[test]
    fn the_example_of_section_8_1() {
        let bindings = parse_bindings(
            "# <device> is bound to <Ksock-ID> in <process-PID> as <Replier|Listener> for <message-name>\n  \
             0:        7     3120  R  $.Lamp.%\n  \
             0:        4     2988  L  $.Lamp.*\n\
             # <device> ...\n  \
             1:        1     3120  L  $.Door\n",
        );
        assert_eq!(bindings.len(), 3);
        assert_eq!(
            bindings[0],
            Binding {
                bus: 0,
                ksock: 7,
                pid: 3120,
                replier: true,
                name: Pattern::new("$.Lamp.%").unwrap(),
            }
        );
        assert!(!bindings[2].replier);
    }

    #[test]
    fn the_replier_is_chosen_as_in_section_5_2() {
        let binding = |ksock, name: &str, replier| Binding {
            bus: 0,
            ksock,
            pid: 1,
            replier,
            name: Pattern::new(name).unwrap(),
        };
        let all = [
            binding(9, "$.A.b", false),
            binding(8, "$.*", true),
            binding(7, "$.A.*", true),
            binding(6, "$.A.%", true),
            binding(5, "$.A.x", true),
        ];
        let all: Vec<&Binding> = all.iter().collect();
        let replier = |name| replier_for(&all, &Name::new(name).unwrap()).map(|found| found.ksock);
        assert_eq!(replier("$.A.x"), Some(5));
        assert_eq!(replier("$.A.b"), Some(6));
        assert_eq!(replier("$.A.b.c"), Some(8));
        assert_eq!(replier("$.B"), Some(8));
        assert_eq!(replier_for(&all[..1], &Name::new("$.A.b").unwrap()), None);
    }
}
