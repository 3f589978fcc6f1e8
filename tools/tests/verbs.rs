// SPDX-License-Identifier: GPL-2.0-only
//! kbus-tool from outside, on a real bus: what it prints and how it ends. Each
//! test has a bus of its own, on which the first Ksock is number 1 and the
//! first message [0:1].
//!
//! Ignored where there is no bus. `tools/tests/run` runs it in the VM, where
//! kbus-tool is in the PATH and README.md in the working directory.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use kbus::{Access, Ksock, Message, Name};
use serde_json::{json, Value};

/// A bus that nobody else uses.
struct Bus(u32);

impl Bus {
    fn new() -> Bus {
        let made = Command::new("kbus-tool").arg("new-bus").output().unwrap();
        assert!(made.status.success(), "{}", stderr(&made));
        let device = stdout(&made).trim_end();
        assert!(Path::new(device).exists(), "{device}");
        Bus(device.strip_prefix("/dev/kbus").unwrap().parse().unwrap())
    }

    /// The tool with these arguments.
    fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kbus-tool");
        command.args(arguments).env("KBUS_BUS", self.0.to_string());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.tool(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// What it prints, when all goes well.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(
            (output.status.code(), stderr(&output)),
            (Some(0), ""),
            "{arguments:?}"
        );
        stdout(&output).to_owned()
    }

    /// The objects it prints, without the times in them.
    fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        objects(&self.says(arguments))
    }

    /// Starts it and waits until it says that it is bound.
    fn start(&self, arguments: &[&str]) -> Child {
        self.start_into(Stdio::piped(), arguments)
    }

    fn start_into(&self, stdout: Stdio, arguments: &[&str]) -> Child {
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

    fn ksock(&self) -> Ksock {
        Ksock::open(self.0, Access::ReadWrite).unwrap()
    }

    /// A line for a shell, with this bus.
    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env("KBUS_BUS", self.0.to_string())
            .stdin(Stdio::null());
        command
    }

    /// Waits until these queues are empty: all of them.
    fn wait_until_drained(&self) {
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

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn objects(text: &str) -> Vec<Value> {
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
fn ends(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    stdout(&output).to_owned()
}

fn kill(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args([signal, &pid]).status();
    assert!(status.unwrap().success());
}

fn command_of(child: &Child) -> String {
    let line = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let line = String::from_utf8(line).unwrap().replace('\0', " ");
    line.trim_end().to_owned()
}

// ---- listen and send --------------------------------------------------------

#[test]
#[ignore = "needs a bus"]
fn listen_prints_what_send_says() {
    let bus = Bus::new();
    let listen = bus.start(&["listen", "--count", "4", "$.A.*", "$.A.B"]);
    assert_eq!(bus.says(&["send", "$.A.B", "to be"]), "[0:1]\n");
    assert_eq!(
        bus.objects(&["send", "--json", "$.A.C"]),
        [json!({"id": "[0:2]"})]
    );
    let mut piped = bus
        .tool(&["send", "$.A.D", "--file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = piped.stdin.take().unwrap();
    stdin.write_all(&[0xff, 0x00]).unwrap();
    drop(stdin);
    assert!(piped.wait().unwrap().success());
    bus.says(&["send", "--urgent", "--all-or-fail", "$.A.E", "\u{e9}\n"]);
    assert_eq!(
        ends(listen),
        "announcement [0:1] from 2 $.A.B \"to be\"\n\
         announcement [0:2] from 3 $.A.C\n\
         announcement [0:3] from 4 $.A.D 0xff00\n\
         announcement [0:4] from 5 $.A.E \"\u{e9}\\n\"\n"
    );
}

#[test]
#[ignore = "needs a bus"]
fn payloads_are_given_and_shown_in_many_ways() {
    let bus = Bus::new();
    fs::write("/tmp/payload", "{\"b\": 1.0, \"a\": [2]}\n").unwrap();
    let send = |arguments: &[&str]| bus.says(&[&["send", "$.A"], arguments].concat());
    let shown = |show: &str| bus.start(&["listen", "--show", show, "--count", "5", "$.A"]);
    let ways = ["auto", "text", "hex", "base64", "json", "raw"];
    let listening: Vec<Child> = ways.iter().map(|show| shown(show)).collect();
    let json = bus.start(&["listen", "--json", "--show", "json", "--count", "5", "$.A"]);
    let plain = bus.start(&["listen", "--json", "--count", "5", "$.A"]);

    send(&["plain"]);
    send(&["--as", "hex", "00 ff"]);
    send(&["--as", "base64", "aGk="]);
    send(&["--as", "json", "--file", "/tmp/payload"]);
    let lines = bus
        .shell("printf 'one\\ntwo' | kbus-tool send '$.A' --each-line && kbus-tool send '$.B' x")
        .output()
        .unwrap();
    assert_eq!(stdout(&lines), "[0:5]\n[0:6]\n[0:7]\n");

    // The beginning of each line is the same.
    let expected = [
        [
            r#""plain""#,
            "0x00ff",
            r#""hi""#,
            r#""{\"b\": 1.0, \"a\": [2]}""#,
            r#""one""#,
        ],
        [
            r#""plain""#,
            "\"\\0\u{fffd}\"",
            r#""hi""#,
            r#""{\"b\": 1.0, \"a\": [2]}""#,
            r#""one""#,
        ],
        [
            "706c61696e",
            "00ff",
            "6869",
            "7b2262223a20312e302c202261223a205b325d7d",
            "6f6e65",
        ],
        [
            "cGxhaW4=",
            "AP8=",
            "aGk=",
            "eyJiIjogMS4wLCAiYSI6IFsyXX0=",
            "b25l",
        ],
        [
            r#""plain""#,
            "0x00ff",
            r#""hi""#,
            r#"{"b":1.0,"a":[2]}"#,
            r#""one""#,
        ],
        [
            "plain",
            "\0\u{fffd}",
            "hi",
            r#"{"b": 1.0, "a": [2]}"#,
            "one",
        ],
    ];
    for (way, (listening, expected)) in ways.iter().zip(listening.into_iter().zip(expected)) {
        let heard = ends(listening);
        let data: Vec<&str> = heard
            .lines()
            .map(|line| line.split_once(" $.A ").unwrap().1)
            .collect();
        assert_eq!(data, expected, "{way}");
    }
    let data = |child| -> Vec<(Value, Value)> {
        objects(&ends(child))
            .into_iter()
            .map(|object| (object["data"].clone(), object["encoding"].clone()))
            .collect()
    };
    let of = |data: Value, encoding: &str| (data, json!(encoding));
    assert_eq!(
        data(json),
        [
            of(json!("plain"), "text"),
            of(json!("AP8="), "base64"),
            of(json!("hi"), "text"),
            of(
                serde_json::from_str(r#"{"b":1.0,"a":[2]}"#).unwrap(),
                "json"
            ),
            of(json!("one"), "text"),
        ]
    );
    assert_eq!(
        data(plain)[3],
        of(json!("{\"b\": 1.0, \"a\": [2]}"), "text")
    );

    for (format, word) in [
        ("hex", "hexadecimal"),
        ("base64", "base64"),
        ("json", "JSON"),
    ] {
        let wrong = bus.run(&["send", "$.A", "--as", format, "(no)"]);
        assert_eq!(wrong.status.code(), Some(2));
        let words = format!("kbus-tool: the data are not {word}");
        assert!(stderr(&wrong).starts_with(&words), "{}", stderr(&wrong));
    }
}

#[test]
#[ignore = "needs a bus"]
fn listen_can_be_choosy() {
    let bus = Bus::new();
    let listens = [
        bus.start(&["listen", "--count", "1", "--kind", "request", "$.*"]),
        bus.start(&["listen", "--count", "1", "--contains", "needle", "$.*"]),
        bus.start(&["listen", "--count", "1", "--except", "$.A.%", "$.*"]),
        bus.start(&["listen", "--count", "1", "--from", "8", "$.*"]),
        bus.start(&[
            "listen",
            "--count",
            "3",
            "--every-copy",
            "$.A.B",
            "$.A.*",
            "$.*",
        ]),
    ];
    let reply = bus.start(&["reply", "--count", "1", "$.B", "needless"]);
    bus.says(&["send", "$.A.B", "hay"]);
    bus.says(&["send", "$.A.C", "a needle"]);
    bus.says(&["request", "$.B", "q"]);
    assert_eq!(ends(reply), "request [0:3] from 9 $.B \"q\"\n");
    let heard: Vec<String> = listens.into_iter().map(ends).collect();
    assert_eq!(heard[0], "request [0:3] from 9 $.B \"q\"\n");
    assert_eq!(heard[1], "announcement [0:2] from 8 $.A.C \"a needle\"\n");
    assert_eq!(heard[2], "request [0:3] from 9 $.B \"q\"\n");
    assert_eq!(heard[3], "announcement [0:2] from 8 $.A.C \"a needle\"\n");
    assert_eq!(
        heard[4],
        "announcement [0:1] from 7 $.A.B \"hay\"\n".repeat(3)
    );

    let timed = bus.start(&["listen", "--time", "--for", "0.3", "$.*"]);
    bus.says(&["send", "$.A", "x"]);
    let timed = ends(timed);
    let (time, rest) = timed.split_once(' ').unwrap();
    // As in 17:22:00.000000
    assert_eq!((time.len(), time.matches(':').count()), (15, 2), "{time}");
    assert!(rest.starts_with("announcement [0:5] from "), "{rest}");
    // No colours where nobody sees them.
    assert!(!timed.contains('\x1b'));
}

#[test]
#[ignore = "needs a bus"]
fn repliers_that_come_and_go_are_heard() {
    let bus = Bus::new();
    bus.says(&["limits", "--report-repliers", "on"]);
    let listen = bus.start(&[
        "listen",
        "--json",
        "--count",
        "2",
        "$.KBUS.ReplierBindEvent",
    ]);
    let reply = bus.start(&["reply", "--for", "0.1", "$.A"]);
    ends(reply);
    let heard = objects(&ends(listen));
    let event = |bound: bool| json!({"bound": bound, "binder": 3, "name": "$.A"});
    assert_eq!(
        [&heard[0]["event"], &heard[1]["event"]],
        [&event(true), &event(false)]
    );
    assert_eq!(
        (&heard[0]["kind"], &heard[0]["from"]),
        (&json!("event"), &Value::Null)
    );
}

#[test]
#[ignore = "needs a bus"]
fn what_the_bus_leaves_out_is_told() {
    let bus = Bus::new();
    let listen = bus.start(&["listen", "--queue", "5", "--count", "6", "$.*"]);
    let json = bus.start(&["listen", "--json", "--queue", "5", "--count", "6", "$.*"]);
    let roomy = bus.start(&["listen", "--json", "--count", "13", "$.*"]);
    for child in [&listen, &json, &roomy] {
        kill(child, "-STOP");
    }
    let ksock = bus.ksock();
    let name = Name::new("$.A").unwrap();
    let say = |words: &str| {
        ksock.send(&Message::announcement(&name, words)).unwrap();
    };
    (0..12).for_each(|_| say("x"));
    let full = bus.says(&["stats"]);
    assert!(full.contains("  Ksock 1: queue 5 of 5, "), "{full}");
    assert!(full.contains(", full\n"), "{full}");
    for child in [&listen, &json, &roomy] {
        kill(child, "-CONT");
    }
    bus.wait_until_drained();
    // They must have told before they go on.
    say("y");
    let listen = listen.wait_with_output().unwrap();
    let lines: Vec<&str> = stdout(&listen).lines().collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert_eq!(lines[4], "announcement [0:5] from 4 $.A \"x\"");
    assert_eq!(lines[6], "announcement [0:13] from 4 $.A \"y\"");
    // Perhaps y is there already when it looks: it cannot tell then that this
    // one is not missing.
    let told = "missed up to 7 messages may be missing after [0:5]";
    assert_eq!(lines[5], told);
    assert!(
        stderr(&listen).contains("up to 7 messages may be missing, in 1 place: our queue of 5"),
        "{}",
        stderr(&listen)
    );
    let json = json.wait_with_output().unwrap();
    let missed = objects(stdout(&json)).remove(5);
    assert_eq!(
        (&missed["kind"], &missed["after"]),
        (&json!("missed"), &json!("[0:5]"))
    );
    assert_eq!(missed["at_most"], json!(7));
    // One with room misses nothing and says nothing.
    let ids: Vec<Value> = objects(&ends(roomy))
        .iter()
        .map(|line| line["id"].clone())
        .collect();
    assert_eq!(
        ids,
        (1..=13)
            .map(|id| json!(format!("[0:{id}]")))
            .collect::<Vec<_>>()
    );
}

/// Twenty thousand messages a second, as far as this machine can send them:
/// all in order, and each one heard or told to be missing. Where time is
/// counted in instructions, however busy the host, all of them are heard.
#[test]
#[ignore = "needs a bus"]
fn listen_keeps_up() {
    const MESSAGES: u32 = 40_000;
    const EACH: u32 = 20; // a millisecond
    let bus = Bus::new();
    let file = format!("/tmp/heard{}", bus.0);
    let mut listen = bus.tool(&["listen", "$.Fast.*"]);
    let mut listen = listen
        .stdout(File::create(&file).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(listen.stderr.take().unwrap());
    errors.read_line(&mut String::new()).unwrap();
    let ksock = bus.ksock();
    let name = Name::new("$.Fast.Message").unwrap();
    let began = Instant::now();
    for number in 0..MESSAGES {
        if number % EACH == 0 {
            let due = began + Duration::from_millis((number / EACH).into());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        ksock
            .send(&Message::announcement(&name, number.to_string()))
            .unwrap();
    }
    let sent = began.elapsed();
    bus.wait_until_drained();
    let drained = began.elapsed();
    kill(&listen, "-INT");
    assert_eq!(listen.wait().unwrap().signal(), Some(2));

    let text = fs::read_to_string(&file).unwrap();
    let (mut heard, mut missed, mut last) = (0, 0, None);
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("missed up to ") {
            missed += words.split(' ').next().unwrap().parse::<u32>().unwrap();
            continue;
        }
        let number = line.rsplit('"').nth(1).unwrap().parse::<u32>().unwrap();
        assert!(last < Some(number), "{line} after {last:?}");
        last = Some(number);
        heard += 1;
    }
    let rate = |time: Duration| f64::from(MESSAGES) / time.as_secs_f64();
    eprintln!(
        "listen: {:.0} messages/s sent, {heard} heard, {missed} told missing, all taken after \
         {:.2} s ({:.0}/s)",
        rate(sent),
        drained.as_secs_f64(),
        rate(drained)
    );
    assert_eq!(heard + missed, MESSAGES);
    if std::env::var_os("KBUS_TIME_IS_INSTRUCTIONS").is_some() {
        assert_eq!(missed, 0);
    }
}

#[test]
#[ignore = "needs a bus"]
fn send_waits_for_room_if_told_to() {
    let bus = Bus::new();
    let listener = bus.ksock();
    listener.set_max_messages(1).unwrap();
    listener
        .bind(kbus::Role::Listener, Name::new("$.A").unwrap())
        .unwrap();
    assert_eq!(bus.says(&["send", "$.A", "1"]), "[0:1]\n");
    let full = bus.run(&["send", "--all-or-fail", "$.A", "2"]);
    assert_eq!(full.status.code(), Some(1));
    assert!(stderr(&full).contains("[EBUSY]"), "{}", stderr(&full));
    let late = bus.run(&["send", "--all-or-wait", "--timeout", "0.1", "$.A", "3"]);
    assert_eq!(late.status.code(), Some(4));
    assert!(stderr(&late).contains("not sent"), "{}", stderr(&late));
    let waiting = bus
        .tool(&["send", "--all-or-wait", "$.A", "4"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !bus.says(&["stats"]).contains("waits to send") {}
    assert_eq!(listener.next_message().unwrap().unwrap().data(), b"1");
    let sent = waiting.wait_with_output().unwrap();
    assert_eq!((stdout(&sent), sent.status.code()), ("[0:4]\n", Some(0)));
    assert_eq!(listener.next_message().unwrap().unwrap().data(), b"4");
}

// ---- request and reply ------------------------------------------------------

#[test]
#[ignore = "needs a bus"]
fn reply_answers_what_request_asks() {
    let bus = Bus::new();
    let reply = bus.start(&["reply", "--count", "3", "$.Coin", "heads"]);
    assert_eq!(
        bus.says(&["request", "--timeout", "10", "$.Coin", "toss"]),
        "heads\n"
    );
    assert_eq!(
        bus.says(&["request", "--show", "hex", "$.Coin", "toss"]),
        "6865616473\n"
    );
    assert_eq!(
        bus.objects(&["request", "--json", "$.Coin", "toss"]),
        [json!({
            "kind": "reply", "id": "[0:6]", "from": 1, "to": 4, "in_reply_to": "[0:5]",
            "name": "$.Coin", "data": "heads", "encoding": "text"
        })]
    );
    assert_eq!(
        ends(reply),
        "request [0:1] from 2 $.Coin \"toss\"\n\
         request [0:3] from 3 $.Coin \"toss\"\n\
         request [0:5] from 4 $.Coin \"toss\"\n"
    );

    let echo = bus.start(&["reply", "--json", "--count", "1", "--echo", "$.Echo"]);
    assert_eq!(bus.says(&["request", "--urgent", "$.Echo", "ho"]), "ho\n");
    assert_eq!(
        objects(&ends(echo)),
        [json!({
            "kind": "request", "id": "[0:7]", "from": 6, "name": "$.Echo",
            "flags": ["want_a_reply", "want_you_to_reply", "urgent"],
            "data": "ho", "encoding": "text"
        })]
    );
}

#[test]
#[ignore = "needs a bus"]
fn a_command_answers() {
    let bus = Bus::new();
    let shout = bus.start_into(
        Stdio::null(),
        &["reply", "--count", "2", "--exec", "tr a-z A-Z", "$.Shout"],
    );
    assert_eq!(bus.says(&["request", "$.Shout", "hello"]), "HELLO\n");
    // More than a pipe holds, both ways at once.
    let long = "abc ".repeat(50_000);
    fs::write("/tmp/long", &long).unwrap();
    let heard = bus.says(&["request", "$.Shout", "--file", "/tmp/long"]);
    assert_eq!(heard, format!("{}\n", long.to_uppercase()));
    ends(shout);

    let told = bus.start(&[
        "reply",
        "--count",
        "1",
        "--exec",
        "printf '%s %s %s' $KBUS_NAME $KBUS_ID $KBUS_FROM",
        "$.Env.*",
    ]);
    assert_eq!(bus.says(&["request", "$.Env.X"]), "$.Env.X [0:5] 5\n");
    ends(told);

    let fails = bus.start(&["reply", "--count", "1", "--exec", "exit 3", "$.Fails"]);
    let asked = bus.run(&["request", "$.Fails"]);
    assert_eq!(asked.status.code(), Some(3));
    assert!(
        stderr(&asked).contains("the replier took the request and did not answer it"),
        "{}",
        stderr(&asked)
    );
    let fails = fails.wait_with_output().unwrap();
    assert_eq!(
        stderr(&fails),
        "kbus-tool: request [0:7] is declined: the command ended with exit status: 3\n"
    );
}

#[test]
#[ignore = "needs a bus"]
fn the_exit_status_of_request_tells_what_happened() {
    let bus = Bus::new();
    let nobody = bus.run(&["request", "$.Nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("nobody replies to this name [EADDRNOTAVAIL]"));

    let mut reply = bus.start(&["reply", "$.Stopped", "too late"]);
    kill(&reply, "-STOP");
    let late = bus.run(&["request", "--timeout", "0.1", "$.Stopped"]);
    assert_eq!(late.status.code(), Some(4));
    assert!(
        stderr(&late).contains("no answer came in time"),
        "{}",
        stderr(&late)
    );

    let other = bus.run(&["request", "--to", "4000000000", "$.Stopped"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("[EPIPE]"), "{}", stderr(&other));

    // It is asked before it dies, or else it would be too late to ask.
    let listen = bus.start(&["listen", "--count", "1", "$.Stopped"]);
    let asking = bus
        .tool(&["request", "$.Stopped"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    ends(listen);
    reply.kill().unwrap();
    reply.wait().unwrap();
    let gone = asking.wait_with_output().unwrap();
    assert_eq!(gone.status.code(), Some(3));
    assert!(
        stderr(&gone).contains("the replier went away"),
        "{}",
        stderr(&gone)
    );
}

// ---- Looking ----------------------------------------------------------------

#[test]
#[ignore = "needs a bus"]
fn list_and_who_tell_who_is_there() {
    let bus = Bus::new();
    let number = bus.0;
    assert_eq!(
        bus.says(&["list"]),
        format!("/dev/kbus{number}: 0 Ksocks, 0 bindings\n")
    );
    let listen = bus.start(&["listen", "--queue", "7", "$.A.B", "$.A.*"]);
    let any = bus.start(&["reply", "$.A.*", "any"]);
    let one = bus.start(&["reply", "$.A.%", "one"]);
    // Somebody who is bound to nothing.
    let mut quiet = bus
        .shell(&format!("exec 3<>/dev/kbus{number}; echo; exec sleep 1000"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(quiet.stdout.take().unwrap());
    said.read_line(&mut String::new()).unwrap();
    while command_of(&quiet) != "sleep 1000" {}
    let us = quiet.id();
    let ours = "sleep 1000";
    let [listener, any_pid, one_pid] = [&listen, &any, &one].map(Child::id);
    let [listening, anys, ones] = [&listen, &any, &one].map(command_of);
    assert_eq!(
        bus.says(&["list"]),
        format!(
            "/dev/kbus{number}: 4 Ksocks, 4 bindings\n  \
               also open in pid {us} {ours}\n  \
               Ksock 1 queue 0 of 7 pid {listener} {listening}\n    \
                 listens to $.A.B\n    \
                 listens to $.A.*\n  \
               Ksock 2 queue 0 of 100 pid {any_pid} {anys}\n    \
                 replies to $.A.*\n  \
               Ksock 3 queue 0 of 100 pid {one_pid} {ones}\n    \
                 replies to $.A.%\n  \
               Ksock 4 queue 0 of 100 (bound to nothing)\n"
        )
    );
    let listed = bus.objects(&["list", "--json"]);
    assert_eq!(
        listed[..2],
        [
            json!({"bus": number, "device": format!("/dev/kbus{number}"), "ksocks": 4,
                "bindings": 4, "others": [{"pid": us, "command": ours}]}),
            json!({"bus": number, "ksock": 1, "queue": 0, "limit": 7, "pid": listener,
                "command": listening, "replies_to": [], "listens_to": ["$.A.B", "$.A.*"]}),
        ]
    );
    assert_eq!((listed.len(), &listed[4]["pid"]), (5, &Value::Null));

    let who = |name: &str| bus.says(&["who", name]);
    assert_eq!(
        who("$.A.B"),
        format!(
            "replier Ksock 3 pid {one_pid} {ones} by $.A.%\n\
             listener Ksock 1 pid {listener} {listening} by $.A.B\n\
             listener Ksock 1 pid {listener} {listening} by $.A.*\n"
        )
    );
    assert_eq!(
        who("$.A.*"),
        format!(
            "replier Ksock 2 pid {any_pid} {anys} by $.A.*\n\
             listener Ksock 1 pid {listener} {listening} by $.A.*\n"
        )
    );
    assert_eq!(who("$.B"), "nobody replies to $.B\n");
    assert_eq!(bus.says(&["who", "--id", "$.A.B.C"]), "2\n");
    assert_eq!(bus.says(&["request", "$.A.B.C"]), "any\n");
    assert_eq!(
        bus.objects(&["who", "--json", "$.A.B.C"])[0],
        json!({"bus": number, "role": "replier", "ksock": 2, "pid": any_pid, "command": anys,
            "bound_to": "$.A.*"})
    );
    let nobody = bus.run(&["who", "--id", "$.B"]);
    assert_eq!((nobody.status.code(), stdout(&nobody)), (Some(1), ""));
    let late = bus.run(&["who", "--wait", "0.1", "$.B"]);
    assert_eq!(late.status.code(), Some(4));
    assert_eq!(stderr(&late), "kbus-tool: nobody replied to $.B in time\n");
    let late = bus.run(&["who", "--wait", "0.1", "--listeners", "2", "$.A.B"]);
    assert_eq!(late.status.code(), Some(4));
    for mut child in [listen, any, one, quiet] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
#[ignore = "needs a bus"]
fn stats_and_top_count() {
    let bus = Bus::new();
    let number = bus.0;
    assert_eq!(
        bus.says(&["stats"]),
        format!("bus {number}: next Ksock 1, next message 1\n")
    );
    let listener = bus.ksock();
    listener.set_max_messages(2).unwrap();
    listener
        .bind(kbus::Role::Listener, Name::new("$.A").unwrap())
        .unwrap();
    listener
        .bind(kbus::Role::Replier, Name::new("$.B").unwrap())
        .unwrap();
    let asker = bus.ksock();
    let asked = asker.request(&Name::new("$.B").unwrap(), "").send();
    asked.unwrap();
    std::mem::forget(listener.incoming(Duration::ZERO).unwrap());
    for _ in 0..2 {
        bus.says(&["send", "$.A"]);
    }
    assert_eq!(
        bus.says(&["stats"]),
        format!(
            "bus {number}: next Ksock 5, next message 4\n  \
             Ksock 1: queue 2 of 2, awaits 0 (max 0), owes 1 (max 1), last sent [0:0], full\n  \
             Ksock 2: queue 0 of 100, awaits 1 (max 1), owes 0 (max 0), last sent [0:1]\n"
        )
    );
    assert_eq!(
        bus.objects(&["stats", "--json"])[..2],
        [
            json!({"bus": number, "next_ksock": 5, "next_message": 4, "events_set_aside": 0,
                "events_lost": false}),
            json!({"bus": number, "ksock": 1, "last_sent": "[0:0]", "queue": 2, "limit": 2,
                "full": true, "awaits": 0, "most_awaited": 0, "owes": 1, "most_owed": 1,
                "waits_to_send": false, "bytes_left_to_read": 0}),
        ]
    );

    let looks = bus.objects(&["top", "--json", "--count", "2", "--interval", "0.05"]);
    assert_eq!(looks[0]["messages_per_second"], Value::Null);
    assert_eq!(looks[1]["messages_per_second"].as_f64(), Some(0.0));
    assert_eq!(looks[1]["messages"], json!(3));
    let row = &looks[1]["ksocks"][0];
    assert_eq!(
        (&row["queue"], &row["full"], &row["found_full"]),
        (&json!(2), &json!(true), &json!(2))
    );
    assert_eq!(row["pid"], json!(std::process::id()));
    let top = bus.says(&["top", "--count", "1"]);
    assert!(top.contains(&format!("bus {number}: 2 Ksocks\n")), "{top}");
    assert!(!top.contains('\x1b'), "{top:?}");
    // A rate, when there is one.
    let mut top = bus
        .tool(&["top", "--json", "--count", "2", "--interval", "0.5"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(top.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    (0..5).for_each(|_| drop(bus.says(&["send", "$.C"])));
    let look = objects(&lines.next().unwrap().unwrap()).remove(0);
    assert!(
        look["messages_per_second"].as_f64().unwrap() > 0.0,
        "{look}"
    );
    assert!(top.wait().unwrap().success());
}

#[test]
#[ignore = "needs a bus"]
fn limits_are_shown_and_set() {
    let bus = Bus::new();
    let shown = "message size     409600 bytes (at most 409600)\n\
                 report repliers  off\nverbose          off\n\
                 queue            100 messages, for new Ksocks\n";
    assert_eq!(bus.says(&["limits"]), shown);
    assert_eq!(
        bus.objects(&[
            "limits",
            "--json",
            "--message-size",
            "200",
            "--report-repliers",
            "on"
        ]),
        [
            json!({"bus": bus.0, "message_size": 200, "largest_message_size": 409_600,
            "report_repliers": true, "verbose": false, "queue": 100})
        ]
    );
    let long = bus.run(&["send", "$.A", &"x".repeat(200)]);
    assert_eq!(long.status.code(), Some(1));
    assert!(stderr(&long).contains("[EMSGSIZE]"), "{}", stderr(&long));
    let wrong = bus.run(&["limits", "--message-size", "99"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("[EINVAL]"), "{}", stderr(&wrong));
    bus.says(&["limits", "--verbose", "on"]);
    assert_eq!(
        bus.says(&[
            "limits",
            "--verbose",
            "off",
            "--report-repliers",
            "off",
            "--message-size",
            "409600"
        ]),
        shown
    );
}

#[test]
#[ignore = "needs a bus"]
fn new_buses_are_made() {
    let (first, second) = (Bus::new(), Bus::new());
    assert_ne!(first.0, second.0);
    let made = first.objects(&["new-bus", "--json"]).remove(0);
    assert_eq!(made["device"], json!(format!("/dev/kbus{}", made["bus"])));
}

#[test]
#[ignore = "needs a bus"]
fn words_are_explained() {
    let bus = Bus::new();
    let explain = |what: &str| bus.says(&["explain", what]);
    assert_eq!(
        explain("ENOLCK"),
        "ENOLCK (37)\n  cannot ask: our own queue has no room for the answer; read some messages \
         first, or raise the limit of our queue (MAXMSGS)\n"
    );
    assert_eq!(explain("37"), explain("enolck"));
    assert!(explain("ENOMEM").contains("\n  whatever was tried: the kernel has no memory for it;"));
    assert!(explain("18").contains("(nothing that a bus says)"));
    assert_eq!(
        explain("$.KBUS.Replier.GoneAway"),
        "$.KBUS.Replier.GoneAway: instead of a reply, from the bus: the replier went away before \
         it took the request; start a replier for this name and ask again\n"
    );
    assert!(explain("$.KBUS.ReplierBindEvent").contains("an announcement of the bus"));
    assert!(explain("$.Lamp.%").contains("a pattern: can be bound to"));
    assert!(explain("$.Lamp").contains("a name: messages may be called so"));
    assert!(explain("$.a_b").contains("not a name: '_' (character 4)"));
    assert_eq!(
        bus.objects(&["explain", "--json", "EPIPE"]),
        [json!({"errno": "EPIPE", "number": 32, "cannot": ["ask"],
            "meaning": "the name has another replier now than the one this conversation was with",
            "todo": "begin the conversation anew, with an ordinary request"})]
    );
    let unknown = bus.run(&["explain", "what"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("neither an errno nor a name"));
}

#[test]
#[ignore = "needs a bus"]
fn doctor_finds_what_is_wrong() {
    let bus = Bus::new();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let well = bus.says(&["doctor"]);
    let lines: Vec<&str> = well.lines().collect();
    assert_eq!(
        lines[0],
        format!("good  kernel     {} runs kbus", release.trim())
    );
    assert!(
        lines[1].starts_with("good  module     loaded, with "),
        "{well}"
    );
    assert_eq!(
        lines[2..],
        [
            "good  proc       /proc/kbus can be read",
            &format!("good  device     /dev/kbus{} is there", bus.0),
            "good  permission we may read and write (mode 0666, owner root, group root)",
            "good  bus        it is one, and answers",
        ]
    );
    let missing = bus.run(&["doctor", "--json", "--bus", "255"]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(stderr(&missing), "kbus-tool: 1 fault found\n");
    let found = objects(stdout(&missing)).pop().unwrap();
    assert_eq!(
        (&found["check"], &found["state"]),
        (&json!("device"), &json!("fault"))
    );
    assert!(found["todo"]
        .as_str()
        .unwrap()
        .contains("kbus-tool new-bus"));

    // Somebody whom the mode does not admit.
    let device = format!("/dev/kbus{}", bus.0);
    let chmod = Command::new("chmod").args(["0600", &device]).status();
    assert!(chmod.unwrap().success());
    let as_nobody = |arguments: &str| {
        let line = format!(
            "exec su nobody -s /bin/sh -c 'PATH={} {arguments}'",
            std::env::var("PATH").unwrap()
        );
        bus.shell(&line).output().unwrap()
    };
    let refused = as_nobody("kbus-tool doctor");
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(
        stdout(&refused).contains("FAULT permission we may not use it (mode 0600, owner root"),
        "{}",
        stdout(&refused)
    );
    let refused = as_nobody("kbus-tool send $.A");
    assert!(
        stderr(&refused).contains("we may not use this bus [EACCES]"),
        "{}",
        stderr(&refused)
    );
}

// ---- record and replay ------------------------------------------------------

#[test]
#[ignore = "needs a bus"]
fn what_is_recorded_is_replayed() {
    let bus = Bus::new();
    let file = format!("/tmp/recording{}", bus.0);
    let reply = bus.start(&["reply", "--count", "2", "$.Q", "fine"]);
    let record = bus.start(&["record", &file, "$.*", "$.A"]);
    bus.says(&["send", "$.A", "--as", "hex", "00ff"]);
    bus.says(&["request", "$.Q", "how are you?"]);
    bus.says(&["send", "--urgent", "$.B", "bye"]);
    bus.wait_until_drained();
    kill(&record, "-TERM");
    assert_eq!(record.wait_with_output().unwrap().status.signal(), Some(15));

    let text = fs::read_to_string(&file).unwrap();
    let mut lines = objects(&text);
    assert_eq!(
        lines.remove(0),
        json!({"kbus-recording": 1, "bus": bus.0, "names": ["$.*", "$.A"]})
    );
    for line in &mut lines {
        assert!(line.as_object_mut().unwrap().remove("at").unwrap().is_f64());
    }
    assert_eq!(
        lines,
        [
            json!({"kind": "announcement", "id": "[0:1]", "from": 4, "name": "$.A", "flags": 0,
                "data": "AP8="}),
            json!({"kind": "request", "id": "[0:2]", "from": 5, "name": "$.Q", "flags": 1,
                "data": "aG93IGFyZSB5b3U/"}),
            json!({"kind": "reply", "id": "[0:3]", "from": 1, "to": 5, "in_reply_to": "[0:2]",
                "name": "$.Q", "flags": 0, "data": "ZmluZQ=="}),
            json!({"kind": "announcement", "id": "[0:4]", "from": 6, "name": "$.B", "flags": 8,
                "data": "Ynll"}),
        ]
    );

    let listen = bus.start(&["listen", "--count", "2", "$.*"]);
    assert_eq!(
        bus.says(&["replay", "--fast", &file]),
        "2 messages sent, 2 skipped\n"
    );
    let heard = ends(listen);
    assert!(
        heard.contains(" $.A 0x00ff\n") && heard.contains(" $.B \"bye\"\n"),
        "{heard}"
    );
    assert_eq!(
        bus.objects(&["replay", "--json", "--requests", "--speed", "1000", &file]),
        [json!({"sent": 3, "asked": 1, "answered": 1, "skipped": 1, "refused": 0})]
    );
    ends_with_requests(reply);
    let nobody = bus.run(&["replay", "--fast", "--requests", &file]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("line 3: cannot ask: nobody replies"));

    // Only what it says it is, and nothing is written over.
    let again = bus.run(&["record", &file]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("cannot make "),
        "{}",
        stderr(&again)
    );
    for (text, words) in [
        ("hello\n", "line 1: this is no recording"),
        (
            "{\"kbus-recording\":9,\"time\":\"\",\"bus\":0,\"names\":[]}\n",
            "version 9",
        ),
        (
            "{\"kbus-recording\":1,\"time\":\"\",\"bus\":0,\"names\":[]}\n{\"at\":1",
            "line 2: ",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let wrong = bus.run(&["replay", &file]);
        assert_eq!(wrong.status.code(), Some(2), "{text}");
        assert!(stderr(&wrong).contains(words), "{}", stderr(&wrong));
    }
    // Through pipes as well.
    let piped = bus
        .shell("kbus-tool record --for 0.2 - 2>/dev/null | kbus-tool replay -")
        .output()
        .unwrap();
    assert_eq!(stdout(&piped), "0 messages sent\n");
}

fn ends_with_requests(reply: Child) {
    assert_eq!(ends(reply).lines().count(), 2);
}

// ---- Ends -------------------------------------------------------------------

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

// ---- Help, manual, completions, README --------------------------------------

/// The verbs that the help lists.
fn verbs() -> Vec<String> {
    let help = Command::new("kbus-tool").arg("--help").output().unwrap();
    let help = stdout(&help).to_owned();
    let list = help.split("\nVerbs:\n").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    list.lines()
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|verb| verb != "help")
        .collect()
}

/// Each example in the help is run, as it is written there. Beside it: what
/// others do meanwhile, and what it prints, N being the number of the bus.
#[test]
#[ignore = "needs a bus"]
fn the_examples_in_the_help_work() {
    let _ = fs::remove_file("/tmp/everything.kbus");
    let heard = |id| {
        format!(
            "announcement [0:{id}] from {} $.Actor.Hamlet \"x\"
",
            id + 1
        )
    };
    let heard = (1..=10).map(heard).collect::<Vec<String>>().concat();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let ask_three = "kbus-tool who --wait 20 '$.Coin' >&2; for i in 1 2 3; do kbus-tool request \
                     '$.Coin' x >&2; done";
    let examples: Vec<(&str, &str, String)> = vec![
        ("kbus-tool list", "", "/dev/kbusN: 0 Ksocks, 0 bindings\n".into()),
        (
            "kbus-tool listen --count 10 '$.Actor.*'",
            "kbus-tool who --wait 20 --listeners 1 '$.Actor.Hamlet' >&2; for i in 1 2 3 4 5 6 7 8 \
             9 10; do kbus-tool send '$.Actor.Hamlet' x >&2; done",
            heard,
        ),
        (
            "kbus-tool send '$.Actor.Hamlet' 'To be, or not to be'",
            "",
            "[0:1]\n".into(),
        ),
        (
            "kbus-tool request --timeout 2.5 '$.Coin' toss",
            "REPLIER",
            "heads\n".into(),
        ),
        (
            "kbus-tool reply --count 3 '$.Coin' heads",
            ask_three,
            "request [0:1] from 2 $.Coin \"x\"\nrequest [0:3] from 3 $.Coin \"x\"\n\
             request [0:5] from 4 $.Coin \"x\"\n"
                .into(),
        ),
        (
            "kbus-tool reply --count 1 --exec 'tr a-z A-Z' '$.Shout'",
            "kbus-tool who --wait 20 '$.Shout' >&2; kbus-tool request '$.Shout' hi | grep -q '^HI$'",
            "request [0:1] from 2 $.Shout \"hi\"\n".into(),
        ),
        (
            "kbus-tool who --wait 10 '$.Coin'",
            "REPLIER",
            "replier Ksock 1 pid P kbus-tool reply $.Coin heads by $.Coin\n".into(),
        ),
        ("kbus-tool stats", "", "bus N: next Ksock 1, next message 1\n".into()),
        (
            "kbus-tool top --interval 0.5 --count 4",
            "",
            "bus N: 0 Ksocks, 0.0 messages/s".into(),
        ),
        (
            "kbus-tool limits --message-size 65536",
            "",
            "message size     65536 bytes (at most 409600)\nreport repliers  off\n\
             verbose          off\nqueue            100 messages, for new Ksocks\n"
                .into(),
        ),
        ("kbus-tool new-bus", "", "/dev/kbus".into()),
        (
            "kbus-tool explain EBUSY",
            "",
            "EBUSY (16)\n  cannot send: the queue of a listener who must not miss it is full; try \
             again later, or let ALL_OR_WAIT wait for room\n"
                .into(),
        ),
        (
            "kbus-tool explain '$.KBUS.Replier.GoneAway'",
            "",
            "$.KBUS.Replier.GoneAway: instead of a reply, from the bus: ".into(),
        ),
        ("kbus-tool record --for 1 /tmp/everything.kbus", "", "".into()),
        (
            "kbus-tool replay --fast /tmp/everything.kbus",
            "",
            "0 messages sent\n".into(),
        ),
        (
            "kbus-tool doctor",
            "",
            format!("good  kernel     {} runs kbus\n", release.trim()),
        ),
        ("kbus-tool completions bash", "", "_kbus__tool() {\n".into()),
    ];
    let mut seen = 0;
    for verb in verbs() {
        let help = Command::new("kbus-tool")
            .args([&verb, "--help"])
            .output()
            .unwrap();
        let help = stdout(&help);
        let lines = help.lines().map(str::trim);
        let written: Vec<&str> = lines
            .filter(|line| line.starts_with("kbus-tool "))
            .collect();
        assert!(!written.is_empty(), "{verb} has no example:\n{help}");
        for line in written {
            let (_, beside, expected) = examples
                .iter()
                .find(|(example, ..)| *example == line)
                .unwrap_or_else(|| panic!("this example is not tested: {line}"));
            seen += 1;
            let bus = Bus::new();
            let mut others: Vec<Child> = Vec::new();
            match *beside {
                "" => {}
                "REPLIER" => others.push(bus.start(&["reply", "$.Coin", "heads"])),
                line => others.push(bus.shell(line).stderr(Stdio::null()).spawn().unwrap()),
            }
            let output = bus.shell(line).output().unwrap();
            assert!(output.status.success(), "{line}: {}", stderr(&output));
            let pid = others.first().map_or(0, Child::id).to_string();
            let expected = expected
                .replace('N', &bus.0.to_string())
                .replace(" P ", &format!(" {pid} "));
            if *beside == "REPLIER" {
                others[0].kill().unwrap();
                others[0].wait().unwrap();
            } else {
                others
                    .iter_mut()
                    .for_each(|other| assert!(other.wait().unwrap().success(), "beside {line}"));
            }
            let printed = stdout(&output);
            match verb.as_str() {
                "top" | "completions" | "explain" | "doctor" | "new-bus" => {
                    assert!(printed.contains(&expected), "{line}: {printed}");
                }
                _ => assert_eq!(printed, expected, "{line}"),
            }
        }
    }
    assert_eq!(
        seen,
        examples.len(),
        "an example was tested that is not in the help"
    );
}

#[test]
#[ignore = "needs a bus"]
fn manual_and_completions_know_every_verb() {
    let bus = Bus::new();
    let (man, bash) = (bus.says(&["man"]), bus.says(&["completions", "bash"]));
    let (zsh, fish) = (
        bus.says(&["completions", "zsh"]),
        bus.says(&["completions", "fish"]),
    );
    for verb in verbs() {
        assert!(man.contains(&format!("\n.SS {verb}\n")), "{verb}");
        for completions in [&bash, &zsh, &fish] {
            assert!(completions.contains(&verb), "{verb}");
        }
    }
}

/// The play in the README: its lines, run by a shell, print what is printed
/// there.
#[test]
#[ignore = "needs a bus"]
fn the_play_in_the_readme_works() {
    let readme = fs::read_to_string("README.md").unwrap();
    let section = readme
        .split("\n## The play, in shell lines\n")
        .nth(1)
        .unwrap();
    let block = |language: &str| {
        let begin = format!("\n```{language}\n");
        let block = section.split(&begin).nth(1).unwrap();
        format!("{}\n", block.split("\n```").next().unwrap())
    };
    let bus = Bus::new();
    let directory = format!("/tmp/play{}", bus.0);
    fs::create_dir(&directory).unwrap();
    let script = format!("set -u\n{}", block("sh"));
    let output = bus.shell(&script).current_dir(&directory).output().unwrap();
    assert_eq!(stdout(&output), block("text"), "{}", stderr(&output));
    let there = bus.says(&["list"]);
    assert_eq!(there, format!("/dev/kbus{}: 0 Ksocks, 0 bindings\n", bus.0));
}
