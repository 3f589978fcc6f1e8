// SPDX-License-Identifier: GPL-2.0-only
//! The rules of the conformance suite for the Python package: each verb of a rule is a line to a
//! program in Python, `tests/python/conformance.py`, which does it with what the package offers.
//! Wants a bus that nobody else uses, and root:
//!
//!     kbus-test-python [--list] [--skip NAME]... [NAME...] -- DRIVER [ARG...]
//!
//! NAME selects the rules whose name contains it, and --skip leaves some out. Each rule prints
//! `ok name` or `FAILED name: where: why`. The last lines are how many were skipped, by
//! --skip or because this cannot do what they need, and `N passed, N failed`.
//!
//! Where Python's interface is not that of the system calls, and this is meant so:
//!
//! * A name that does not begin with `$.`, or ends there, is refused when a message is made:
//!   with ValueError, and the bus does not see it. It counts as the errno that the bus would
//!   have given.
//! * What is on or off is a bool, so no other number can be said. Those count as EINVAL.
//! * A role is a bool as well, for type checkers; at run time other numbers are passed on.
//! * There is no verb for `/proc/kbus/stats`: the file is read here.
//! * A message without data, without an id and so on has None there, which counts as zero.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{channel, Receiver};
use std::time::{Duration, Instant};

use kbus_test_conformance::{
    caught, id, note_panics, on_off, Binding, Errno, Handle, Id, Msg, Need, Result, Rule, Subject,
    EBADMSG, EINVAL, ENAMETOOLONG, MAX_NAME, RULES,
};
use serde_json::{json, Value};

/// A rule may take so many times as long as by system calls: each verb is two switches to
/// another program, and Python.
const SLOWER: u32 = 8;

/// How many buses the rules use, at most.
const BUSES: u32 = 2;

// ---- the program in Python -------------------------------------------------

/// The program that has the Ksocks.
struct Driver {
    process: Child,
    to: ChildStdin,
    from: Receiver<String>,
    /// When the rule should have ended.
    deadline: Instant,
    opened: Handle,
    open: u32,
}

impl Driver {
    fn start(command: &[String]) -> Driver {
        let mut process = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the driver to start");
        let to = process.stdin.take().expect("a pipe");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        // Read by a thread, so that one can wait with a deadline.
        let (sender, from) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(std::io::Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut driver = Driver {
            process,
            to,
            from,
            deadline: Instant::now(),
            opened: 0,
            open: 0,
        };
        driver.allow(60);
        driver
    }

    /// Gives it so many seconds from now.
    fn allow(&mut self, seconds: u32) {
        self.deadline = Instant::now() + Duration::from_secs(seconds.into());
    }

    /// One line, and the answer to it.
    fn tell(&mut self, command: &Value) -> Answer {
        writeln!(self.to, "{command}").expect("a driver that listens");
        let left = self.deadline.saturating_duration_since(Instant::now());
        let line = match self.from.recv_timeout(left) {
            Ok(line) => line,
            Err(why) => panic!("no answer to {command}: {why}"),
        };
        let answer: Value = serde_json::from_str(&line).expect("an answer in JSON");
        match (answer.get("ok"), answer.get("errno"), answer.get("raised")) {
            (Some(value), ..) => Answer::Ok(value.clone()),
            (_, Some(errno), _) => Answer::Errno(Errno(number(errno) as i32)),
            (.., Some(Value::String(why))) => Answer::Raised(why.clone()),
            _ => panic!("no answer to {command}: {line}"),
        }
    }

    /// One that gives a value, or an errno.
    fn try_verb(&mut self, command: &Value) -> Result<Value> {
        match self.tell(command) {
            Answer::Ok(value) => Ok(value),
            Answer::Errno(errno) => Err(errno),
            Answer::Raised(why) => panic!("{command} raised {why}"),
        }
    }

    /// One that cannot fail.
    fn verb(&mut self, command: &Value) -> Value {
        let done = self.try_verb(command);
        done.unwrap_or_else(|errno| panic!("{command}: {errno:?}"))
    }

    fn open(&mut self, bus: u32) -> Result<Handle> {
        let handle = self.opened + 1;
        self.try_verb(&json!({"do": "open", "bus": bus, "ksock": handle}))?;
        self.opened = handle;
        self.open += 1;
        Ok(handle)
    }

    fn close(&mut self, ksock: Handle) {
        self.verb(&json!({"do": "close", "ksock": ksock}));
        self.open -= 1;
    }

    /// Sets something of a Ksock.
    fn set(&mut self, what: &str, ksock: Handle, value: u32) -> Result<Value> {
        self.try_verb(&json!({"do": what, "ksock": ksock, "value": value}))
    }

    /// Asks a Ksock for something.
    fn ask(&mut self, what: &str, ksock: Handle) -> Value {
        self.verb(&json!({"do": what, "ksock": ksock}))
    }

    /// Puts back what the buses remember when all have closed. Without sizes those that they
    /// have are taken to be right, and returned.
    fn settle(&mut self, sizes: Option<&[u32]>) -> Vec<u32> {
        let mut found = Vec::new();
        for bus in 0..BUSES {
            let k = self.open(bus).expect("a bus to open");
            for what in ["report", "verbose"] {
                self.set(what, k, 0).expect("a setting");
            }
            let want = sizes.map_or(0, |sizes| sizes[bus as usize]);
            found.push(number(&self.set("max_size", k, want).expect("a setting")));
            self.close(k);
        }
        found
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What it says.
enum Answer {
    Ok(Value),
    Errno(Errno),
    /// An exception that is not of the bus.
    Raised(String),
}

#[track_caller]
fn number(value: &Value) -> u32 {
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
    number.unwrap_or_else(|| panic!("expected a number, got {value}"))
}

#[track_caller]
fn pair(value: &Value) -> (u32, u32) {
    (number(&value[0]), number(&value[1]))
}

fn both(value: &Value) -> (bool, bool) {
    (value[0] == true, value[1] == true)
}

fn an_id(value: &Value) -> Id {
    let (net, serial) = pair(value);
    id(net, serial)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(digit).collect()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("a byte");
    (0..text.len()).step_by(2).map(byte).collect()
}

fn written(msg: &Msg) -> Value {
    json!({
        "id": [msg.id.net, msg.id.serial],
        "in_reply_to": [msg.in_reply_to.net, msg.in_reply_to.serial],
        "to": msg.to,
        "from": msg.from,
        "orig_from": [msg.orig_from.0, msg.orig_from.1],
        "final_to": [msg.final_to.0, msg.final_to.1],
        "extra": msg.extra,
        "flags": msg.flags,
        "name": hex(&msg.name),
        "data": hex(&msg.data),
    })
}

fn read(value: &Value) -> Msg {
    Msg {
        id: an_id(&value["id"]),
        in_reply_to: an_id(&value["in_reply_to"]),
        to: number(&value["to"]),
        from: number(&value["from"]),
        orig_from: pair(&value["orig_from"]),
        final_to: pair(&value["final_to"]),
        extra: number(&value["extra"]),
        flags: number(&value["flags"]),
        name: unhex(&value["name"]),
        data: unhex(&value["data"]),
    }
}

// ---- the subject -----------------------------------------------------------

struct Python(Rc<RefCell<Driver>>);

impl Python {
    fn named(&self, what: &str, ksock: Handle, name: &[u8], role: u32) -> Result<Value> {
        let command = json!({"do": what, "ksock": ksock, "name": hex(name), "value": role});
        self.0.borrow_mut().try_verb(&command)
    }

    fn ask(&self, what: &str, ksock: Handle) -> Value {
        self.0.borrow_mut().ask(what, ksock)
    }

    fn set(&self, what: &str, ksock: Handle, value: u32) -> Result<u32> {
        let set = self.0.borrow_mut().set(what, ksock, value);
        set.map(|value| number(&value))
    }

    /// What is on or off.
    fn switch(&self, what: &str, ksock: Handle, value: u32) -> Result<u32> {
        on_off(value)?;
        self.set(what, ksock, value)
    }
}

/// The errno of the bus for a name of which Python makes no message.
fn refused(name: &[u8]) -> Errno {
    match name.len() {
        0 => EINVAL,
        n if n > MAX_NAME => ENAMETOOLONG,
        _ => EBADMSG,
    }
}

impl Subject for Python {
    fn can(&self, need: Need) -> bool {
        // Each verb is two switches to another program.
        need != Need::Speed
    }

    fn open(&mut self, bus: u32) -> Result<Handle> {
        self.0.borrow_mut().open(bus)
    }

    fn close(&mut self, ksock: Handle) {
        self.0.borrow_mut().close(ksock);
    }

    fn id(&mut self, ksock: Handle) -> u32 {
        number(&self.ask("id", ksock))
    }

    fn bind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()> {
        self.named("bind", ksock, name, role).map(drop)
    }

    fn unbind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()> {
        self.named("unbind", ksock, name, role).map(drop)
    }

    fn replier(&mut self, ksock: Handle, name: &[u8]) -> Result<Option<u32>> {
        let found = self.named("replier", ksock, name, 0)?;
        Ok((!found.is_null()).then(|| number(&found)))
    }

    fn send(&mut self, ksock: Handle, msg: &Msg) -> Result<Id> {
        let command = json!({"do": "send", "ksock": ksock, "message": written(msg)});
        match self.0.borrow_mut().tell(&command) {
            Answer::Ok(sent) => Ok(an_id(&sent)),
            Answer::Errno(errno) => Err(errno),
            Answer::Raised(why) => {
                let no_name = !msg.name.starts_with(b"$.") || msg.name.len() < 3;
                assert!(no_name, "{msg:?} raised {why}");
                Err(refused(&msg.name))
            }
        }
    }

    fn send_again(&mut self, ksock: Handle) -> Result<Id> {
        let command = json!({"do": "send_again", "ksock": ksock});
        let sent = self.0.borrow_mut().try_verb(&command)?;
        Ok(an_id(&sent))
    }

    fn discard(&mut self, ksock: Handle) {
        self.ask("discard", ksock);
    }

    fn next(&mut self, ksock: Handle) -> Result<Option<Msg>> {
        let command = json!({"do": "next", "ksock": ksock});
        let next = self.0.borrow_mut().try_verb(&command)?;
        Ok((!next.is_null()).then(|| read(&next)))
    }

    fn poll(&mut self, ksock: Handle) -> (bool, bool) {
        both(&self.ask("poll", ksock))
    }

    fn wait(&mut self, ksock: Handle, reading: bool) -> (bool, bool) {
        let ready = self.0.borrow_mut().set("wait", ksock, reading.into());
        both(&ready.expect("a Ksock that becomes ready"))
    }

    fn count(&mut self, ksock: Handle) -> u32 {
        number(&self.ask("count", ksock))
    }

    fn owed(&mut self, ksock: Handle) -> u32 {
        number(&self.ask("owed", ksock))
    }

    fn last_sent(&mut self, ksock: Handle) -> Id {
        an_id(&self.ask("last_sent", ksock))
    }

    fn max_messages(&mut self, ksock: Handle, limit: u32) -> Result<u32> {
        self.set("max_messages", ksock, limit)
    }

    fn only_once(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.switch("only_once", ksock, value)
    }

    fn verbose(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.switch("verbose", ksock, value)
    }

    fn report(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.switch("report", ksock, value)
    }

    fn max_size(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.set("max_size", ksock, value)
    }

    fn bindings(&mut self) -> Vec<Binding> {
        let all = self.0.borrow_mut().verb(&json!({"do": "bindings"}));
        let binding = |line: &Value| Binding {
            ksock: number(&line[0]),
            role: if line[1] == true { 'R' } else { 'L' },
            name: line[2].as_str().expect("a name").to_string(),
        };
        all.as_array()
            .expect("a list")
            .iter()
            .map(binding)
            .collect()
    }

    fn stats(&mut self) -> String {
        let text = std::fs::read("/proc/kbus/stats").expect("a file in /proc");
        let text = String::from_utf8(text).expect("text");
        let ours = text.split("dev ").find(|part| part.starts_with(" 0:"));
        format!("dev {}", ours.expect("bus 0"))
    }

    fn end(mut self: Box<Self>) {
        assert!(self.0.borrow().open == 0, "a Ksock is open");
        let left = self.bindings();
        assert!(left.is_empty(), "all are closed, and there is {left:?}");
    }
}

// ---- running ---------------------------------------------------------------

/// Runs rules, all by one driver unless one fails: that one's Ksocks must not be in the way
/// of others.
struct Runner {
    command: Vec<String>,
    driver: Option<Rc<RefCell<Driver>>>,
    sizes: Option<Vec<u32>>,
}

impl Runner {
    fn driver(&mut self) -> Rc<RefCell<Driver>> {
        let start = || {
            let mut driver = Driver::start(&self.command);
            let sizes = driver.settle(self.sizes.as_deref());
            self.sizes.get_or_insert(sizes);
            Rc::new(RefCell::new(driver))
        };
        Rc::clone(self.driver.get_or_insert_with(start))
    }

    fn run(&mut self, rule: &Rule) -> std::result::Result<(), String> {
        let result = caught(|| {
            let driver = self.driver();
            driver.borrow_mut().allow(rule.seconds * SLOWER);
            rule.check(Python(Rc::clone(&driver)));
            driver.borrow_mut().settle(self.sizes.as_deref());
        });
        if result.is_err() {
            self.driver = None;
        }
        result
    }
}

fn usage() -> ExitCode {
    eprintln!("kbus-test-python [--list] [--skip NAME]... [NAME...] -- DRIVER [ARG...]");
    ExitCode::from(2)
}

fn main() -> ExitCode {
    let (mut names, mut skip, mut list) = (Vec::new(), Vec::new(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--" => break,
            "--list" => list = true,
            "--skip" => skip.extend(args.next()),
            option if option.starts_with("--") => return usage(),
            _ => names.push(arg),
        }
    }
    let command: Vec<String> = args.collect();
    let mut rules: Vec<&Rule> = RULES.iter().collect();
    rules.retain(|r| names.is_empty() || names.iter().any(|n| r.name.contains(n.as_str())));
    let named = rules.len();
    rules.retain(|r| !skip.iter().any(|s| r.name.contains(s.as_str())));
    let mut skipped = named - rules.len();
    if list {
        for rule in &rules {
            println!("{}", rule.name);
        }
        return ExitCode::SUCCESS;
    }
    if command.is_empty() {
        return usage();
    }
    note_panics();
    let mut runner = Runner {
        command,
        driver: None,
        sizes: None,
    };
    let (mut passed, mut failed) = (0, 0);
    for rule in rules {
        let suits = caught(|| rule.suits(&Python(runner.driver())));
        if suits == Ok(false) {
            skipped += 1;
            println!("skipped {}: needs {:?}", rule.name, rule.needs);
            continue;
        }
        let began = Instant::now();
        let result = runner.run(rule);
        let took = began.elapsed().as_secs();
        match &result {
            Ok(()) if took >= 2 => println!("ok {} ({took} s)", rule.name),
            Ok(()) => println!("ok {}", rule.name),
            Err(why) => println!("FAILED {}: {why}", rule.name),
        }
        if result.is_ok() {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    println!("{skipped} skipped");
    println!("{passed} passed, {failed} failed");
    ExitCode::from((failed > 0 || passed == 0) as u8)
}
