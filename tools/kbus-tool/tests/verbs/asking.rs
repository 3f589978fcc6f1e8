// SPDX-License-Identifier: GPL-2.0-only
//! Requests and their answers.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::bus::{ends, kill, objects, stderr, Bus};

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
