// SPDX-License-Identifier: GPL-2.0-only
//! Who is there, and what the bus counts.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use kbus::Name;
use serde_json::{json, Value};

use crate::bus::{command_of, objects, stderr, stdout, Bus};

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
