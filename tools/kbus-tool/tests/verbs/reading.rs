// SPDX-License-Identifier: GPL-2.0-only
//! What people read: the help, the manual, the README. Its examples work.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::bus::{stderr, stdout, Bus};

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
            "kbus-tool remove-bus \"$(kbus-tool new-bus)\"",
            "",
            "".into(),
        ),
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
    // There is no block that nothing runs: two fences each.
    assert_eq!(readme.matches("\n```").count(), 4);
    let bus = Bus::new();
    let directory = format!("/tmp/play{}", bus.0);
    fs::create_dir(&directory).unwrap();
    let script = format!("set -u\n{}", block("sh"));
    let output = bus.shell(&script).current_dir(&directory).output().unwrap();
    assert_eq!(stdout(&output), block("text"), "{}", stderr(&output));
    let there = bus.says(&["list"]);
    assert_eq!(there, format!("/dev/kbus{}: 0 Ksocks, 0 bindings\n", bus.0));
}
