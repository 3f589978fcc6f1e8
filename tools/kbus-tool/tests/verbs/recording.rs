// SPDX-License-Identifier: GPL-2.0-only
//! Recordings, and playing them again.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use serde_json::json;

use crate::bus::{ends, kill, objects, stderr, stdout, Bus};

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
