// SPDX-License-Identifier: GPL-2.0-only
//! What `/proc/kbus` says (8.1), for subjects that are a device.

use crate::Binding;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("/proc/kbus/{name}")).expect("a file in /proc")
}

/// The bindings that there are, all of them on bus 0.
pub fn proc_bindings() -> Vec<Binding> {
    parse_bindings(&file("bindings"), 0)
}

/// The statistics of bus 0.
pub fn proc_stats() -> String {
    let text = String::from_utf8(file("stats")).expect("text");
    let ours = text.split("dev ").find(|part| part.starts_with(" 0:"));
    format!("dev {}", ours.expect("device 0"))
}

/// The bindings that a text in the format of `/proc/kbus/bindings` has, all of them on one bus.
pub fn parse_bindings(text: &[u8], bus: u32) -> Vec<Binding> {
    let text: String = text.iter().copied().map(char::from).collect();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut all = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split_whitespace().collect();
        assert!(fields.len() == 5, "expected five fields, got {line:?}");
        assert!(fields[0] == format!("{bus}:"), "another bus: {line:?}");
        all.push(Binding {
            ksock: fields[1].parse().expect("a number"),
            role: fields[3].chars().next().expect("not empty"),
            name: fields[4].to_string(),
        });
    }
    all
}
