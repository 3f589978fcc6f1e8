// SPDX-License-Identifier: GPL-2.0-only
//! What kbus-tool reads: recordings, payloads, `/proc/kbus` and command lines. Nothing panics,
//! and what was understood is understood again when the tool has written it.

use kbus_tool::parsers;

pub fn run(bytes: &[u8]) {
    let Some((&which, written)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(written);
    match which {
        b'P' => payloads(written),
        b'C' => {
            let words: Vec<&str> = std::iter::once("kbus-tool").chain(text.lines()).collect();
            let _ = parsers::command_line(&words);
        }
        // In Latin-1, as they are.
        b'S' => {
            let text: String = written.iter().copied().map(char::from).collect();
            let (buses, ksocks) = parsers::stats(&text);
            assert!(buses + ksocks <= text.lines().count());
        }
        b'B' => {
            let text: String = written.iter().copied().map(char::from).collect();
            assert!(parsers::bindings(&text).len() <= text.lines().count());
        }
        _ => recording(&text),
    }
}

fn payloads(written: &[u8]) {
    for format in parsers::formats() {
        let Ok(bytes) = parsers::payload(&format, written) else {
            continue;
        };
        match &*format {
            "text" => assert_eq!(bytes, written),
            "json" => assert_eq!(parsers::payload("json", &bytes).as_ref(), Ok(&bytes)),
            _ => assert!(bytes.len() < written.len().max(1)),
        }
    }
}

fn recording(text: &str) {
    for line in text.lines() {
        if let Ok(head) = parsers::head(line) {
            assert_eq!(parsers::head(&head).as_ref(), Ok(&head));
        }
        if let Ok(Some((said, name, data))) = parsers::line(line) {
            let again = (said.clone(), name, data);
            assert_eq!(parsers::line(&said), Ok(Some(again)));
        }
    }
}
