// SPDX-License-Identifier: GPL-2.0
//! Runs tests: each in a process of its own, within a time limit, on a bus
//! that is as after loading. What a test leaves behind is a failure too.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use crate::raw::{self, check, Calls, Ksock};

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

/// How most tests want the module.
pub const USUAL: &str = "kbus_num_devices=3 kbus_mode=0666";

#[derive(Clone, Copy)]
pub struct Test {
    pub name: &'static str,
    pub run: fn(),
    seconds: u32,
    load: Load,
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
    /// It does not matter.
    Any,
}

impl Test {
    pub const fn new(name: &'static str, run: fn()) -> Test {
        Test {
            name,
            run,
            seconds: 30,
            load: Load::Shared,
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

    pub const fn anyhow(mut self) -> Test {
        self.load = Load::Any;
        self
    }

    /// The behaviour's number in section 11, for tests named b123_....
    pub fn number(&self) -> Option<u32> {
        let digits = self.name.strip_prefix('b')?.split('_').next()?;
        digits.parse().ok()
    }
}

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

/// Compares, and says both sides when they differ.
#[macro_export]
macro_rules! eq {
    ($got:expr, $want:expr $(,)?) => {
        match (&$got, &$want) {
            (got, want) => {
                if !(*got == *want) {
                    panic!("{}: expected {:?}, got {:?}", stringify!($got), want, got);
                }
            }
        }
    };
    ($got:expr, $want:expr, $($what:tt)+) => {
        match (&$got, &$want) {
            (got, want) => {
                if !(*got == *want) {
                    panic!("{}: expected {:?}, got {:?}", format_args!($($what)+), want, got);
                }
            }
        }
    };
}

// ---- telling the parent why ----------------------------------------------

static REPORT: AtomicI32 = AtomicI32::new(-1);
static TOLD: AtomicBool = AtomicBool::new(false);

pub fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let what = if let Some(s) = info.payload().downcast_ref::<&str>() {
            s.to_string()
        } else if let Some(s) = info.payload().downcast_ref::<String>() {
            s.clone()
        } else {
            "panic".to_string()
        };
        let at = info.location().map(place).unwrap_or_default();
        let fd = REPORT.load(Ordering::SeqCst);
        if fd < 0 {
            eprintln!("{at}: {what}");
        } else if !TOLD.swap(true, Ordering::SeqCst) {
            let mut line = format!("{at}: {what}").replace('\n', " ");
            line.truncate(
                (0..=1500.min(line.len()))
                    .rev()
                    .find(|&i| line.is_char_boundary(i))
                    .unwrap_or(0),
            );
            line.push('\n');
            let _ = raw::write(fd, line.as_ptr(), line.len());
        }
    }));
}

fn place(at: &Location<'_>) -> String {
    let file = at.file();
    let file = file.rsplit("src/").next().unwrap_or(file);
    format!("{file}:{}", at.line())
}

// ---- processes -----------------------------------------------------------

pub struct Child {
    pub pid: i32,
}

/// Runs `f` in a child. A panic there fails the test with its own words.
pub fn fork(f: impl FnOnce()) -> Child {
    // SAFETY: tests fork while single-threaded, or call only what a child of
    // a threaded process may call.
    let pid = check(unsafe { libc::fork() } as i64).unwrap() as i32;
    if pid == 0 {
        let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
        // SAFETY: leaving without running what belongs to the parent.
        unsafe { libc::_exit(if r.is_ok() { 0 } else { 101 }) };
    }
    Child { pid }
}

impl Child {
    /// waitpid; the status.
    pub fn wait(self) -> i32 {
        let mut status = 0;
        loop {
            // SAFETY: a plain wait.
            match check(unsafe { libc::waitpid(self.pid, &mut status, 0) } as i64) {
                Ok(_) => return status,
                Err(raw::EINTR) => {}
                Err(e) => panic!("waitpid: {e:?}"),
            }
        }
    }

    #[track_caller]
    pub fn join(self) {
        let status = self.wait();
        assert!(status == 0, "child ended with {}", how_it_ended(status));
    }

    pub fn kill(self) {
        // SAFETY: our own child, not waited for yet.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        self.wait();
    }
}

/// Closes all descriptors but these, the usual three and the test's report:
/// a child holds every ksock of its parent open otherwise.
pub fn keep_only(keep: &[RawFd]) {
    let report = REPORT.load(Ordering::SeqCst);
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open {
        if fd > 2 && fd != report && !keep.contains(&fd) {
            // SAFETY: this process has no other use for it.
            unsafe { libc::close(fd) };
        }
    }
}

pub fn how_it_ended(status: i32) -> String {
    if libc::WIFSIGNALED(status) {
        format!("signal {}", libc::WTERMSIG(status))
    } else {
        format!("exit status {}", libc::WEXITSTATUS(status))
    }
}

/// A pipe to say "now" through: processes and threads wait for each other
/// with it, never with the clock.
#[derive(Clone, Copy)]
pub struct Gate {
    pub read: RawFd,
    pub write: RawFd,
}

impl Gate {
    pub fn new() -> Gate {
        let mut fds = [0; 2];
        // SAFETY: room for two descriptors.
        check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) } as i64).unwrap();
        Gate {
            read: fds[0],
            write: fds[1],
        }
    }

    #[track_caller]
    pub fn open(&self) {
        assert!(raw::write(self.write, [1u8].as_ptr(), 1) == Ok(1));
    }

    #[track_caller]
    pub fn pass(&self) {
        let mut byte = 0u8;
        loop {
            match raw::read(self.read, &mut byte, 1) {
                Ok(1) => return,
                Err(raw::EINTR) => {}
                other => panic!("the other side is gone: {other:?}"),
            }
        }
    }

    #[track_caller]
    pub fn put(&self, word: u32) {
        assert!(raw::write(self.write, word.to_ne_bytes().as_ptr(), 4) == Ok(4));
    }

    #[track_caller]
    pub fn get(&self) -> u32 {
        let mut bytes = [0u8; 4];
        let r = raw::read(self.read, bytes.as_mut_ptr(), 4);
        assert!(r == Ok(4), "the other side is gone: {r:?}");
        u32::from_ne_bytes(bytes)
    }
}

// ---- the module ----------------------------------------------------------

pub fn module_loaded() -> bool {
    std::path::Path::new("/sys/module/kbus").exists()
}

static MODULE: std::sync::OnceLock<String> = std::sync::OnceLock::new();

pub fn module_file() -> &'static str {
    MODULE.get().map(String::as_str).unwrap_or("/kbus.ko")
}

pub fn set_module_file(path: &str) {
    let _ = MODULE.set(path.to_string());
}

pub fn insmod(parameters: &str) -> raw::Result<()> {
    let fd = raw::open_path(module_file(), libc::O_RDONLY | libc::O_CLOEXEC)?;
    let parameters = std::ffi::CString::new(parameters).unwrap();
    // SAFETY: an open file and a terminated string.
    let r = unsafe { libc::syscall(libc::SYS_finit_module, fd, parameters.as_ptr(), 0) };
    let r = check(r as i64).map(|_| ());
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(fd) };
    r
}

pub fn rmmod() -> raw::Result<()> {
    // SAFETY: a terminated string.
    let r = unsafe { libc::syscall(libc::SYS_delete_module, c"kbus".as_ptr(), libc::O_NONBLOCK) };
    check(r as i64).map(|_| ())
}

/// The module with these parameters, fresh. Where there is no module file the
/// module that is loaded is taken as it is.
fn fresh(parameters: &str) -> Result<(), String> {
    if !std::path::Path::new(module_file()).exists() {
        return if module_loaded() {
            Ok(())
        } else {
            Err(format!(
                "no module is loaded, and there is no {}",
                module_file()
            ))
        };
    }
    if module_loaded() {
        rmmod().map_err(|e| format!("the module does not unload: {e:?}"))?;
    }
    insmod(parameters).map_err(|e| format!("insmod {parameters}: {e:?}"))
}

/// Puts back what devices remember after everybody closed.
fn settle() -> Result<(), String> {
    for device in 0..3 {
        let Ok(k) = Ksock::open(device, libc::O_RDWR) else {
            continue;
        };
        k.report(0).map_err(|e| format!("report off: {e:?}"))?;
        k.verbose(0).map_err(|e| format!("verbose off: {e:?}"))?;
        k.max_size(raw::ABS_MAX_SIZE)
            .map_err(|e| format!("size: {e:?}"))?;
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

// ---- running -------------------------------------------------------------

pub struct Runner {
    /// Parameters of the module that is loaded now, if we know.
    loaded: Option<&'static str>,
    pub results: BTreeMap<&'static str, Result<(), String>>,
}

impl Runner {
    pub fn new() -> Runner {
        // Processes that lose their parent come to us, so that none is left.
        // SAFETY: no pointers.
        unsafe {
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
            let lots = libc::rlimit {
                rlim_cur: 8192,
                rlim_max: 8192,
            };
            libc::setrlimit(libc::RLIMIT_NOFILE, &lots);
        }
        Runner {
            loaded: None,
            results: BTreeMap::new(),
        }
    }

    fn prepare(&mut self, test: &Test) -> Result<(), String> {
        let want = match test.load {
            Load::Shared => USUAL,
            Load::Own(parameters) => parameters,
            Load::Any => return Ok(()),
            Load::None => {
                self.loaded = None;
                if module_loaded() {
                    rmmod().map_err(|e| format!("the module does not unload: {e:?}"))?;
                }
                return Ok(());
            }
        };
        if test.load != Load::Shared || self.loaded != Some(want) {
            self.loaded = None;
            fresh(want)?;
            self.loaded = Some(want);
        }
        Ok(())
    }

    pub fn run(&mut self, test: &Test) -> bool {
        let began = std::time::Instant::now();
        let mut result = self.prepare(test);
        if result.is_ok() {
            result = in_child(test);
            if test.load == Load::Shared {
                let left = bindings();
                if !left.is_empty() && result.is_ok() {
                    result = Err(format!(
                        "expected no binding left when all have closed, got {left:?}"
                    ));
                }
                if let (Err(e), true) = (settle(), result.is_ok()) {
                    result = Err(format!("afterwards: {e}"));
                }
                if result.is_err() {
                    // Whatever went wrong must not spread to the next test.
                    self.loaded = None;
                }
            } else if test.load != Load::Any {
                self.loaded = None;
            }
        }
        let took = began.elapsed();
        let ok = result.is_ok();
        match &result {
            Ok(()) if took.as_secs() >= 2 => println!("ok {} ({} s)", test.name, took.as_secs()),
            Ok(()) => println!("ok {}", test.name),
            Err(reason) => println!("FAILED {}: {reason}", test.name),
        }
        self.results.insert(test.name, result);
        ok
    }
}

fn in_child(test: &Test) -> Result<(), String> {
    let gate = Gate::new();
    let seconds = rounds(test.seconds * patience());
    // SAFETY: we are single-threaded.
    let pid = match check(unsafe { libc::fork() } as i64) {
        Ok(pid) => pid as i32,
        Err(e) => return Err(format!("fork: {e:?}")),
    };
    if pid == 0 {
        // SAFETY: settings of this process only.
        unsafe {
            libc::setpgid(0, 0);
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
            libc::close(gate.read);
        }
        REPORT.store(gate.write, Ordering::SeqCst);
        let r = std::panic::catch_unwind(test.run);
        // SAFETY: leaving at once.
        unsafe { libc::_exit(if r.is_ok() { 0 } else { 101 }) };
    }
    // SAFETY: system calls on our own child and descriptors.
    let (status, timed_out) = unsafe {
        libc::setpgid(pid, pid);
        libc::close(gate.write);
        let pidfd = libc::syscall(libc::SYS_pidfd_open, pid, 0) as RawFd;
        let mut p = libc::pollfd {
            fd: pidfd,
            events: libc::POLLIN,
            revents: 0,
        };
        let timed_out = libc::poll(&mut p, 1, seconds as i32 * 1000) == 0;
        libc::close(pidfd);
        if timed_out {
            libc::kill(pid, libc::SIGKILL);
        }
        let mut status = 0;
        // A process that even SIGKILL does not end is stuck in the kernel.
        let dead = reap(pid, &mut status);
        libc::kill(-pid, libc::SIGKILL);
        if !dead || !reap_all() {
            libc::close(gate.read);
            return Err("a process does not die of SIGKILL: stuck in the kernel".to_string());
        }
        (status, timed_out)
    };
    let mut words = Vec::new();
    let mut bytes = [0u8; 2048];
    // SAFETY: makes the last read end; everybody who could write is dead.
    unsafe { libc::fcntl(gate.read, libc::F_SETFL, libc::O_NONBLOCK) };
    while let Ok(n @ 1..) = raw::read(gate.read, bytes.as_mut_ptr(), bytes.len()) {
        words.extend_from_slice(&bytes[..n]);
    }
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(gate.read) };
    let words = String::from_utf8_lossy(&words)
        .lines()
        .next()
        .unwrap_or("")
        .to_string();
    match (timed_out, status, words.is_empty()) {
        (true, _, true) => Err(format!("still running after {seconds} s")),
        (true, _, false) => Err(format!("{words} (and hung)")),
        (_, 0, _) => Ok(()),
        (_, _, false) => Err(words),
        (_, status, true) => Err(how_it_ended(status)),
    }
}

/// Waits for one that was killed or has ended.
fn reap(pid: i32, status: &mut i32) -> bool {
    bounded(|| {
        // SAFETY: a wait that does not block.
        let r = unsafe { libc::waitpid(pid, status, libc::WNOHANG) };
        r != 0
    })
}

/// Waits for all that are left, orphans included.
fn reap_all() -> bool {
    bounded(|| loop {
        // SAFETY: a wait that does not block.
        let r = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
        if r == 0 {
            break false;
        }
        if r < 0 {
            break true;
        }
    })
}

/// For what is over in a moment unless something hangs.
pub fn bounded(mut done: impl FnMut() -> bool) -> bool {
    let began = std::time::Instant::now();
    while !done() {
        if began.elapsed().as_millis() > hang_ms() as u128 {
            return false;
        }
        // SAFETY: lets the other process come to its end.
        unsafe { libc::sched_yield() };
    }
    true
}

// ---- chance --------------------------------------------------------------

/// A small generator (xorshift64*): the same seed, the same run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        // Spread small seeds, and never start at 0.
        let mut d = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            d.roll();
        }
        d
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u32) -> u32 {
        ((self.roll() >> 32) % n as u64) as u32
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}

/// Memory that survives fork in both directions.
pub fn shared<T>(len: usize) -> &'static mut [T] {
    let bytes = len * size_of::<T>();
    // SAFETY: fresh zeroed memory, never unmapped; callers use plain integers
    // and atomics, for which zero is a value.
    unsafe {
        let p = libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert!(p != libc::MAP_FAILED, "mmap: {:?}", raw::errno());
        std::slice::from_raw_parts_mut(p.cast(), len)
    }
}
