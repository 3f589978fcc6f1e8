// SPDX-License-Identifier: GPL-2.0-only
//! The stage: processes that are given cues, and what they say, printed with
//! who says it. What they do is in `role`, when they do it in `play`.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::voice::SEPARATOR;
use crate::Result;

/// Nothing on this stage takes long: then something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// Those who are on it, and where they are heard.
pub(crate) struct Stage {
    actors: Vec<Actor>,
    /// All speak into one end and are heard from the other.
    mouth: UnixDatagram,
    ear: UnixDatagram,
}

struct Actor {
    name: &'static str,
    process: Child,
    cues: ChildStdin,
    /// What was said since the last cue.
    said: Vec<String>,
    /// Has a cue and has not followed it yet.
    busy: bool,
}

/// Tells the spectators something.
pub(crate) fn tell(words: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{words}")?;
    Ok(out.flush()?)
}

/// Begins a scene, with what there is to know before it.
pub(crate) fn scene(title: &str, words: &str) -> Result<()> {
    tell(&format!(
        "\n--- {title} {:-<1$}\n{words}\n",
        "",
        74 - title.len()
    ))
}

impl Stage {
    pub(crate) fn new() -> Result<Stage> {
        let (mouth, ear) = UnixDatagram::pair()?;
        ear.set_read_timeout(Some(PATIENCE))?;
        Ok(Stage {
            actors: Vec::new(),
            mouth,
            ear,
        })
    }

    /// Somebody enters: a new process. They say who they are.
    pub(crate) fn enter(&mut self, name: &'static str) -> Result<()> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--as", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(self.mouth.try_clone()?)))
            .spawn()?;
        let cues = process.stdin.take().ok_or("no pipe to the process")?;
        self.actors.push(Actor {
            name,
            process,
            cues,
            said: Vec::new(),
            busy: false,
        });
        self.play(name, "enter")
    }

    /// Gives a cue.
    pub(crate) fn cue(&mut self, name: &str, cue: &str) -> Result<()> {
        let actor = self.actor(name)?;
        actor.said.clear();
        actor.busy = true;
        let cued = writeln!(actor.cues, "{cue}");
        cued.map_err(|error| format!("{name} does not hear us: {error}").into())
    }

    /// Waits until they have followed their cue. Prints what everybody says
    /// meanwhile, in the order in which they say it.
    pub(crate) fn wait_for(&mut self, name: &str) -> Result<()> {
        while self.actor(name)?.busy {
            self.listen()
                .map_err(|error| format!("waiting for {name}: {error}"))?;
        }
        Ok(())
    }

    /// Gives a cue and waits until it has been followed.
    pub(crate) fn play(&mut self, name: &str, cue: &str) -> Result<()> {
        self.cue(name, cue)?;
        self.wait_for(name)
    }

    /// One asks, the other answers.
    pub(crate) fn duet(
        &mut self,
        (asking, question): (&str, &str),
        (answering, answer): (&str, &str),
    ) -> Result<()> {
        self.cue(answering, answer)?;
        self.cue(asking, question)?;
        self.wait_for(asking)?;
        self.wait_for(answering)
    }

    /// What they said after the last cue.
    pub(crate) fn said(&mut self, name: &str) -> Result<&[String]> {
        Ok(&self.actor(name)?.said)
    }

    /// They are killed, by a signal that cannot be caught.
    pub(crate) fn kill(&mut self, name: &str) -> Result<()> {
        let process = &mut self.actor(name)?.process;
        tell(&format!("# kill -KILL {}", process.id()))?;
        process.kill()?;
        process.wait()?;
        self.actors.retain(|actor| actor.name != name);
        Ok(())
    }

    /// All leave: there are no more cues, so each process ends.
    pub(crate) fn clear(self) -> Result<()> {
        for mut actor in self.actors {
            drop(actor.cues);
            let status = actor.process.wait()?;
            if !status.success() {
                return Err(format!("{} left with {status}", actor.name).into());
            }
        }
        Ok(())
    }

    fn actor(&mut self, name: &str) -> Result<&mut Actor> {
        let actor = self.actors.iter_mut().find(|actor| actor.name == name);
        actor.ok_or_else(|| format!("{name} is not on the stage").into())
    }

    /// Hears one line, and prints it.
    fn listen(&mut self) -> Result<()> {
        let mut line = [0; 4096];
        let len = self.ear.recv(&mut line)?;
        let line = String::from_utf8_lossy(line.get(..len).unwrap_or_default());
        let Some((name, words)) = line.trim_end_matches('\n').split_once(SEPARATOR) else {
            return Err(format!("somebody mumbles: {line}").into());
        };
        // A last word may come from somebody who is dead by now.
        let actor = self.actors.iter_mut().find(|actor| actor.name == name);
        if words.is_empty() {
            actor.into_iter().for_each(|actor| actor.busy = false);
            return Ok(());
        }
        actor
            .into_iter()
            .for_each(|actor| actor.said.push(words.to_owned()));
        tell(&line_of(name, words))
    }
}

/// Who says it, and what, in as many lines as that takes on a narrow terminal.
fn line_of(name: &str, words: &str) -> String {
    const WIDTH: usize = 80;
    const NAME: usize = 13;
    let mut text = format!("{name:>NAME$}:");
    let mut column = text.len();
    for word in words.split(' ') {
        let len = word.chars().count();
        if column + 1 + len > WIDTH && column > NAME + 1 {
            text += &format!("\n{:1$}", "", NAME + 1);
            column = NAME + 1;
        }
        text += " ";
        text += word;
        column += 1 + len;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn long_speeches_are_broken_between_words() {
        assert_eq!(line_of("Falstaff", "Tails!"), "     Falstaff: Tails!");
        let text = line_of("Falstaff", &"abcd ".repeat(20));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].len(), 79);
        assert_eq!(
            lines[1].trim_end(),
            format!("{:15}{}", "", "abcd ".repeat(7).trim_end())
        );
        assert!(line_of("A", &"x".repeat(200)).lines().count() == 1);
    }
}
