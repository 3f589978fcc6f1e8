// SPDX-License-Identifier: GPL-2.0-only
//! What listeners hear, and what senders say.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kbus::{Message, Name};
use serde_json::{json, Value};

use crate::bus::{ends, kill, objects, stderr, stdout, Bus};

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
