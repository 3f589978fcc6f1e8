// SPDX-License-Identifier: GPL-2.0-only
//! What can be set, and new buses.

use serde_json::json;

use crate::bus::{stderr, Bus};

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
    let number = made["bus"].to_string();
    assert_eq!(first.says(&["remove-bus", &number]), "");
    let again = first.run(&["remove-bus", &number]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("[ENXIO]"), "{}", stderr(&again));
}
