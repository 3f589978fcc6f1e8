// SPDX-License-Identifier: GPL-2.0-only
//! What it knows to say of errnos, names and machines.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::bus::{objects, stderr, stdout, Bus};

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
