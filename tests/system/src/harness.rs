// SPDX-License-Identifier: GPL-2.0-only
//! Runs tests, within a time limit, on a bus that is as after loading. What a
//! test leaves behind is a failure too. Each is a process of its own; only the
//! rules, of which there are very many, share one as long as none fails.

mod dice;
mod loading;
mod process;
mod server;

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::OFlag;
use nix::sys::prctl;
use nix::sys::resource::{setrlimit, Resource};
use nix::sys::signal::{kill, Signal};
use nix::unistd::{setpgid, ForkResult, Pid};

pub use dice::Dice;
pub use loading::*;
pub use process::*;

use kbus_test_conformance::Rule;

use crate::raw::{self, Calls, Ksock};
use server::Server;

/// How long a wait lasts that should have ended at once.
pub const HANG_MS: i32 = 20_000;

/// How much longer than usual tests may take, for kernels that check what
/// they do.
static PATIENCE: AtomicU32 = AtomicU32::new(1);

pub fn set_patience(times: u32) {
    PATIENCE.store(times.clamp(1, 1000), Ordering::SeqCst);
}

fn patience() -> u32 {
    PATIENCE.load(Ordering::SeqCst)
}

/// How many times as much the tests of races do.
static EFFORT: AtomicU32 = AtomicU32::new(1);

pub fn set_effort(times: u32) {
    EFFORT.store(times.clamp(1, 1000), Ordering::SeqCst);
}

/// A number of rounds that is larger when more effort is wanted.
pub fn rounds(few: u32) -> u32 {
    few * EFFORT.load(Ordering::SeqCst)
}

/// How long something may take before it counts as hanging, in milliseconds.
pub fn hang_ms() -> i32 {
    HANG_MS * patience() as i32
}

#[derive(Clone, Copy)]
pub struct Test {
    pub name: &'static str,
    run: Run,
    seconds: u32,
    load: Load,
    program: Program,
}

#[derive(Clone, Copy)]
enum Run {
    Function(fn()),
    Rule(&'static Rule),
}

/// What runs it.
#[derive(Clone, Copy, PartialEq)]
enum Program {
    This,
    /// This one as a program of 32 bits.
    Narrow,
    /// kbus-test-library.
    Library,
}

/// What a test needs of the module.
#[derive(Clone, Copy, PartialEq)]
enum Load {
    /// Loaded as usual, and left so.
    Shared,
    /// Loaded for this test alone, with these parameters.
    Own(&'static str),
    /// Not loaded; the test does it itself.
    None,
}

impl Test {
    pub const fn new(name: &'static str, run: fn()) -> Test {
        Test {
            name,
            run: Run::Function(run),
            seconds: 30,
            load: Load::Shared,
            program: Program::This,
        }
    }

    /// A rule of the conformance suite.
    pub fn rule(rule: &'static Rule) -> Test {
        Test {
            name: rule.name,
            run: Run::Rule(rule),
            seconds: rule.seconds,
            load: Load::Shared,
            program: Program::This,
        }
    }

    /// Does what it is about, in this process.
    pub fn run(&self) {
        match self.run {
            Run::Function(run) => run(),
            Run::Rule(rule) => crate::subject::check(rule),
        }
    }

    /// A hang limit other than half a minute.
    pub const fn limit(mut self, seconds: u32) -> Test {
        self.seconds = seconds;
        self
    }

    /// A module of its own: for tests that change what cannot be put back.
    pub const fn load(mut self, parameters: &'static str) -> Test {
        self.load = Load::Own(parameters);
        self
    }

    pub const fn unloaded(mut self) -> Test {
        self.load = Load::None;
        self
    }

    /// The same test for the 32-bit program, if it needs nothing special.
    pub fn narrow(&self) -> Option<Test> {
        (self.load == Load::Shared).then(|| Test {
            name: format!("{NARROW}{}", self.name).leak(),
            program: Program::Narrow,
            ..*self
        })
    }

    /// The rule as kbus-test-library runs it, under its name there.
    pub fn library(rule: &'static Rule, name: &'static str) -> Test {
        Test {
            name,
            program: Program::Library,
            ..Test::rule(rule)
        }
    }

    /// What the program that runs it calls it.
    fn alone(&self) -> &'static str {
        self.name.strip_prefix(NARROW).unwrap_or(self.name)
    }

    /// The behaviour's number in section 11, for tests named b123_....
    pub fn number(&self) -> Option<u32> {
        let digits = self.name.strip_prefix('b')?.split('_').next()?;
        digits.parse().ok()
    }
}

/// What the names of tests begin with that the 32-bit program runs.
const NARROW: &str = "compat_";

/// The list of a file's tests. A function that is missing here is reported
/// by the compiler as unused.
#[macro_export]
macro_rules! tests {
    ($($name:ident $(. $with:ident ($($arg:expr)?))*),* $(,)?) => {
        pub const TESTS: &[$crate::harness::Test] = &[
            $($crate::harness::Test::new(stringify!($name), $name) $(.$with($($arg)?))*),*
        ];
    };
}

// ---- running -------------------------------------------------------------

/// Puts back what devices remember after everybody closed.
fn settle() -> Result<(), String> {
    for device in 0..3 {
        let Ok(k) = Ksock::open(device, libc::O_RDWR) else {
            continue;
        };
        k.report(0)
            .map_err(|e| format!("afterwards: report off: {e:?}"))?;
        k.verbose(0)
            .map_err(|e| format!("afterwards: verbose off: {e:?}"))?;
        k.max_size(raw::ABS_MAX_SIZE)
            .map_err(|e| format!("afterwards: size: {e:?}"))?;
    }
    Ok(())
}

/// The lines of /proc/kbus/bindings that name a binding.
pub fn bindings() -> Vec<String> {
    std::fs::read_to_string("/proc/kbus/bindings")
        .unwrap_or_default()
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(str::to_string)
        .collect()
}

pub struct Runner {
    /// Parameters of the module that is loaded now, if we know, and for whom.
    loaded: Option<(&'static str, Program)>,
    /// This program as one of 32 bits.
    narrow: Option<PathBuf>,
    /// That of the libraries.
    library: Option<PathBuf>,
    /// The process that runs rules, and the program that it is.
    server: Option<(Program, Server)>,
}

impl Runner {
    pub fn new() -> Runner {
        // Processes that lose their parent come to us, so that none is left.
        prctl::set_child_subreaper(true).unwrap();
        let _ = setrlimit(Resource::RLIMIT_NOFILE, 8192, 8192);
        Runner {
            loaded: None,
            narrow: crate::compat::program(),
            library: crate::libraries::program(),
            server: None,
        }
    }

    fn prepare(&mut self, test: &Test) -> Result<(), String> {
        if !self.is_served(test) {
            self.server = None;
        }
        let want = match test.load {
            Load::Shared => USUAL,
            Load::Own(parameters) => parameters,
            Load::None => {
                self.loaded = None;
                return if module_loaded() { unloaded() } else { Ok(()) };
            }
        };
        // Each program finds the module as it was.
        if test.load != Load::Shared || self.loaded != Some((want, test.program)) {
            self.loaded = None;
            fresh(want)?;
            self.loaded = Some((want, test.program));
        }
        Ok(())
    }

    /// Runs one test, and says how it went.
    pub fn run(&mut self, test: &Test) -> bool {
        let began = std::time::Instant::now();
        let result = self.prepare(test).and_then(|()| {
            let result = match test.run {
                Run::Function(_) => self.in_child(test),
                Run::Rule(_) => self.by_server(test),
            };
            match test.load {
                Load::Shared => {
                    let result = result.and_then(|()| nothing_left()).and(settle());
                    if result.is_err() {
                        // Whatever went wrong must not spread to the next test.
                        self.loaded = None;
                        self.server = None;
                    }
                    result
                }
                Load::Own(_) | Load::None => {
                    self.loaded = None;
                    result
                }
            }
        });
        let took = began.elapsed().as_secs();
        match &result {
            Ok(()) if took >= 2 => println!("ok {} ({took} s)", test.name),
            Ok(()) => println!("ok {}", test.name),
            Err(reason) => println!("FAILED {}: {reason}", test.name),
        }
        result.is_ok()
    }

    /// Whether the process that there is can run it.
    fn is_served(&self, test: &Test) -> bool {
        let server = self.server.as_ref().map(|(program, _)| *program);
        matches!(test.run, Run::Rule(_)) && server == Some(test.program)
    }

    /// Runs a rule by the process that runs rules.
    fn by_server(&mut self, test: &Test) -> Result<(), String> {
        let seconds = test.seconds * patience();
        let file = self.file(test.program);
        let (_, server) = match &mut self.server {
            Some(server) => server,
            none => none.insert((test.program, Server::start(&file)?)),
        };
        server.run(test.alone(), seconds)
    }

    /// The program's file.
    fn file(&self, program: Program) -> PathBuf {
        match program {
            Program::This => "/proc/self/exe".into(),
            Program::Narrow => self.narrow.clone().expect("a 32-bit program"),
            Program::Library => self.library.clone().expect("kbus-test-library"),
        }
    }

    fn in_child(&self, test: &Test) -> Result<(), String> {
        let (report, told) =
            nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|e| format!("pipe: {e}"))?;
        let seconds = rounds(test.seconds * patience());
        // SAFETY: we are single-threaded.
        let pid = match unsafe { nix::unistd::fork() } {
            Ok(ForkResult::Parent { child }) => child,
            Ok(ForkResult::Child) => leave(|| {
                let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                drop(report);
                report_to(told.as_raw_fd());
                match test.program {
                    Program::This => test.run(),
                    program => exec(&self.file(program), &["--alone", test.alone()]),
                }
            }),
            Err(e) => return Err(format!("fork: {e}")),
        };
        let _ = setpgid(pid, pid);
        drop(told);
        let timed_out = !ends_within(pid, seconds);
        if timed_out {
            let _ = kill(pid, Signal::SIGKILL);
        }
        // A process that even SIGKILL does not end is stuck in the kernel.
        let status = reap(pid);
        let _ = nix::sys::signal::killpg(pid, Signal::SIGKILL);
        let Some(status) = status.filter(|_| reap_all()) else {
            return Err("a process does not die of SIGKILL: stuck in the kernel".to_string());
        };
        // All who could write are dead, so that this ends.
        let words = std::io::read_to_string(std::fs::File::from(report)).unwrap_or_default();
        let words = words.lines().next().unwrap_or_default();
        match (timed_out, well(status), words) {
            (true, _, "") => Err(format!("still running after {seconds} s")),
            (true, _, words) => Err(format!("{words} (and hung)")),
            (_, true, _) => Ok(()),
            (_, _, "") => Err(how_it_ended(status)),
            (_, _, words) => Err(words.to_string()),
        }
    }
}

/// All have closed what they had.
fn nothing_left() -> Result<(), String> {
    let left = bindings();
    let why = || format!("expected no binding left when all have closed, got {left:?}");
    left.is_empty().then_some(()).ok_or_else(why)
}
