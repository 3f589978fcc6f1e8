// SPDX-License-Identifier: GPL-2.0-only
//! kbus-tool from outside, on a real bus: what it prints and how it ends.
//!
//! Ignored where there is no bus. `tools/tests/run` runs it in the VM, where
//! kbus-tool is in the PATH.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

/// The tool with these arguments.
fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new("kbus-tool");
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    tool(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Starts it and waits until it says that it is bound.
fn start(arguments: &[&str]) -> Child {
    let mut child = tool(arguments)
        .stdout(Stdio::piped())
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

/// What a message line says but its numbers, which other tests use up, too.
fn without_numbers(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.split(' ')
                .filter(|word| !word.starts_with('[') && word.parse::<u32>().is_err())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
#[ignore = "needs a bus"]
fn listen_prints_what_send_says() {
    let listen = start(&["listen", "--count", "4", "$.Tool.A.*", "$.Tool.A.B"]);
    let sent = run(&["send", "$.Tool.A.B", "to be"]);
    assert!(sent.status.success());
    assert!(stdout(&sent).starts_with("[0:"), "{}", stdout(&sent));
    run(&["send", "$.Tool.A.C"]);
    let mut piped = tool(&["send", "$.Tool.A.D", "--file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    piped
        .stdin
        .take()
        .unwrap()
        .write_all(&[0xff, 0x00])
        .unwrap();
    assert!(piped.wait().unwrap().success());
    run(&[
        "send",
        "--urgent",
        "--all-or-fail",
        "$.Tool.A.E",
        "\u{e9}\n",
    ]);
    let heard = listen.wait_with_output().unwrap();
    assert!(heard.status.success());
    assert_eq!(
        without_numbers(stdout(&heard)),
        "announcement from $.Tool.A.B \"to be\"\n\
         announcement from $.Tool.A.C\n\
         announcement from $.Tool.A.D 0xff00\n\
         announcement from $.Tool.A.E \"\u{e9}\\n\""
    );
}

#[test]
#[ignore = "needs a bus"]
fn reply_answers_what_request_asks() {
    let reply = start(&["reply", "--count", "2", "$.Tool.Coin", "heads"]);
    for _ in 0..2 {
        let asked = run(&["request", "--timeout", "10", "$.Tool.Coin", "toss"]);
        assert_eq!((stdout(&asked), asked.status.code()), ("heads\n", Some(0)));
    }
    let replied = reply.wait_with_output().unwrap();
    assert!(replied.status.success());
    let line = "request from $.Tool.Coin \"toss\"";
    assert_eq!(without_numbers(stdout(&replied)), format!("{line}\n{line}"));
}

#[test]
#[ignore = "needs a bus"]
fn the_exit_status_of_request_tells_what_happened() {
    let nobody = run(&["request", "$.Tool.Nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("nobody replies to this name [EADDRNOTAVAIL]"));

    let mut reply = start(&["reply", "$.Tool.Stopped", "too late"]);
    let pid = reply.id().to_string();
    assert!(Command::new("kill")
        .args(["-STOP", &pid])
        .status()
        .unwrap()
        .success());
    let late = run(&["request", "--timeout", "0.1", "$.Tool.Stopped"]);
    assert_eq!(late.status.code(), Some(4));
    assert!(
        stderr(&late).contains("no answer came in time"),
        "{}",
        stderr(&late)
    );

    let other = run(&["request", "--to", "4000000000", "$.Tool.Stopped"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("[EPIPE]"), "{}", stderr(&other));

    // It is asked before it dies, or else it would be too late to ask: the
    // answer to a timed out request shows that nothing else can happen.
    let listen = start(&["listen", "--count", "1", "$.Tool.Stopped"]);
    let asking = tool(&["request", "$.Tool.Stopped"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(listen.wait_with_output().unwrap().status.success());
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

#[test]
#[ignore = "needs a bus"]
fn wrong_use_and_missing_buses_are_told() {
    let wildcard = run(&["send", "$.Tool.*"]);
    assert_eq!(wildcard.status.code(), Some(2));
    assert!(stderr(&wildcard).contains("a wildcard is for binding"));
    let missing = run(&["--bus", "255", "listen", "$.Tool"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("there is no such bus [ENOENT]"),
        "{}",
        stderr(&missing)
    );
    let file = run(&["send", "$.Tool", "--file", "/no/such/file"]);
    assert_eq!(file.status.code(), Some(1));
    assert!(
        stderr(&file).contains("cannot read /no/such/file"),
        "{}",
        stderr(&file)
    );
}

/// As in `kbus-tool listen ... | head -n 1`.
#[test]
#[ignore = "needs a bus"]
fn a_closed_pipe_ends_it_quietly() {
    let mut listen = start(&["listen", "$.Tool.Pipe"]);
    run(&["send", "$.Tool.Pipe", "1"]);
    let mut line = String::new();
    BufReader::new(listen.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.ends_with("\"1\"\n"), "{line}");
    run(&["send", "$.Tool.Pipe", "2"]);
    let ended = listen.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), stderr(&ended)), (Some(0), ""));
}
