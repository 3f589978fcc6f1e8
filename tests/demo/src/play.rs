// SPDX-License-Identifier: GPL-2.0-only
//! The play itself: who enters when, and gets which cue. Told to somebody who
//! has never heard of KBUS. Where something is claimed, it is checked.

use std::fs;

use crate::module::{Log, Module};
use crate::stage::{scene, tell, Stage};
use crate::Result;

pub(crate) fn perform() -> Result<()> {
    tell(
        "KBUS, a play in five scenes\n\n\
         With KBUS, programs talk through the kernel: they open /dev/kbus0, the bus, and\n\
         send and receive messages that have names. Everybody here is a process of its\n\
         own; on the bus each has a number, as a \"Ksock\".\n",
    )?;
    let log = Log::mark()?;
    let module = Module::load()?;
    let mut stage = Stage::new()?;

    announcement(&mut stage)?;
    request(&mut stage)?;
    conversation(&mut stage)?;
    death(&mut stage)?;
    stranger(&mut stage)?;

    scene(
        "Curtain",
        "Who is bound to what can be read at any time (R: replies, L: listens):",
    )?;
    tell("# cat /proc/kbus/bindings")?;
    tell(bindings()?.trim_end())?;
    stage.clear()?;
    let left = bindings()?;
    if left.lines().any(|line| !line.starts_with('#')) {
        return Err(format!("everybody has left, but still:\n{left}").into());
    }
    tell("\nAll leave; the bus forgets them, and the kernel forgets the bus:\n")?;
    module.unload()?;
    let lines = log.clean()?;
    tell(&format!(
        "# dmesg\n(checked: no complaint in the {lines} lines since the beginning)"
    ))
}

fn announcement(stage: &mut Stage) -> Result<()> {
    scene(
        "1. An announcement",
        "Who wants to hear something listens to its name, or to a pattern of names. Who\n\
         announces something need not know who listens.",
    )?;
    stage.enter("Stalls")?;
    stage.enter("Gallery")?;
    stage.enter("Rosencrantz")?;
    stage.play("Rosencrantz", "announce")?;
    audience(stage)?;
    tell("\nAll who hear the messages of a bus hear them in the same order.")
}

fn request(stage: &mut Stage) -> Result<()> {
    scene(
        "2. A request",
        "A request goes to the one process that replies to its name, and to whoever\n\
         listens. It gets exactly one answer.",
    )?;
    stage.enter("Guildenstern")?;
    stage.duet(("Rosencrantz", "ask"), ("Guildenstern", "answer"))?;
    audience(stage)
}

fn conversation(stage: &mut Stage) -> Result<()> {
    scene(
        "3. A conversation",
        "In a game one wants to go on with the same partner, who knows the score. A\n\
         \"stateful\" request is for one process, and for no other that replies to its\n\
         name.",
    )?;
    stage.duet(
        ("Rosencrantz", "begin a game"),
        ("Guildenstern", "bring the coin"),
    )?;
    for _ in 0..3 {
        stage.duet(("Rosencrantz", "play"), ("Guildenstern", "toss"))?;
    }
    Ok(())
}

fn death(stage: &mut Stage) -> Result<()> {
    scene(
        "4. A death",
        "Guildenstern takes one more request, and is killed before he answers. Nobody\n\
         waits for a dead process: the kernel answers in his place, at once.",
    )?;
    stage.cue("Guildenstern", "take the request")?;
    stage.cue("Rosencrantz", "play")?;
    stage.wait_for("Guildenstern")?;
    stage.kill("Guildenstern")?;
    stage.wait_for("Rosencrantz")?;
    expect(
        stage,
        "Rosencrantz",
        "the replier took the request and did not answer it",
    )
}

fn stranger(stage: &mut Stage) -> Result<()> {
    scene(
        "5. A stranger",
        "Falstaff takes the name. Rosencrantz, who noticed nothing, wants to go on with\n\
         the old game; KBUS does not let another answer in it, and says so.",
    )?;
    stage.enter("Falstaff")?;
    stage.play("Rosencrantz", "play")?;
    expect(stage, "Rosencrantz", "[EPIPE]")?;
    tell("\nHe can begin a new game, knowing that it is one:\n")?;
    stage.duet(("Rosencrantz", "begin a game"), ("Falstaff", "answer"))
}

/// Both parts of the audience hear what was said, and must have heard the same.
fn audience(stage: &mut Stage) -> Result<()> {
    stage.play("Stalls", "hear two")?;
    stage.play("Gallery", "hear two")?;
    let stalls = stage.said("Stalls")?.to_vec();
    if stage.said("Gallery")? != stalls {
        return Err("stalls and gallery did not hear the same".into());
    }
    Ok(())
}

/// What happened must be what we say has happened.
fn expect(stage: &mut Stage, name: &str, words: &str) -> Result<()> {
    if stage.said(name)?.iter().any(|line| line.contains(words)) {
        return Ok(());
    }
    Err(format!("{name} did not say \"{words}\"").into())
}

fn bindings() -> Result<String> {
    let file = "/proc/kbus/bindings";
    fs::read_to_string(file).map_err(|error| format!("{file}: {error}").into())
}
