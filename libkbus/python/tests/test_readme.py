# SPDX-License-Identifier: GPL-2.0-only
"""The README, typed as it stands: the first reply by two programs, the play into
four interactive interpreters, the coroutine. Needs a bus that nobody has used before, as its
message ids begin with 1."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Dict, List, Tuple

import kbus

README = Path(__file__).resolve().parents[1] / "README.md"

# An interactive interpreter, which says when it is done with a line.
TERMINAL = r"""
import code, sys
sys.stderr = sys.stdout
console = code.InteractiveConsole()
for line in sys.stdin:
    more = console.push(line.rstrip("\n"))
    print("\0", end="", flush=True)
"""


class Terminal:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", TERMINAL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.busy = False

    def type(self, line: str) -> None:
        assert self.process.stdin
        self.busy = True
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def output(self) -> str:
        """What it printed until it was ready for the next line."""
        assert self.process.stdout
        text = b""
        while self.busy:
            byte = self.process.stdout.read(1)
            if not byte:
                raise EOFError(text.decode())
            if byte == b"\0":
                self.busy = False
            else:
                text += byte
        return text.decode()

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def blocks(language: str) -> List[str]:
    return re.findall(r"^```%s\n(.*?)^```" % language, README.read_text("utf-8"), re.M | re.S)


def transcript() -> List[Tuple[str, str, str]]:
    """Who types what, and what is to be seen then."""
    lines: List[Tuple[str, str, str]] = []
    for line in "".join(blocks("pycon")).splitlines():
        typed = re.match(r"([A-Z][a-z]+)(?:>>>|\.\.\.)(?: (.*))?$", line)
        if typed:
            lines.append((typed[1], typed[2] or "", ""))
        else:
            who, what, seen = lines.pop()
            lines.append((who, what, seen + line + "\n"))
    return lines


@unittest.skipUnless(os.path.exists("/dev/kbus0"), "there is no /dev/kbus0")
class Readme(unittest.TestCase):
    def test_1_the_play(self) -> None:
        terminals: Dict[str, Terminal] = {}
        checker = doctest.OutputChecker()
        lines = transcript()
        self.assertGreater(len(lines), 70)
        for who, what, wanted in lines:
            terminal = terminals.get(who)
            if terminal is None:
                terminal = terminals[who] = Terminal()
                self.addCleanup(terminal.close)
            # What waited before has been given what it waited for.
            self.assertEqual(terminal.output(), "", who)
            terminal.type(what)
            if what.endswith("# waits"):
                continue
            seen = terminal.output()
            self.assertTrue(
                checker.check_output(wanted, seen, doctest.ELLIPSIS),
                "%s>>> %s\nshould show:\n%sbut shows:\n%s" % (who, what, wanted, seen),
            )
        self.assertEqual(sorted(terminals), ["Audience", "Falstaff", "Guildenstern", "Rosencrantz"])

    def test_2_the_first_reply(self) -> None:
        replier, asker, _ = blocks("python")
        self.assertEqual(len(blocks(r"\w+")), len(blocks("pycon")) + 3, "all are run here")
        lines = replier.splitlines() + asker.splitlines()
        self.assertLess(len(lines), 10)
        said = "import logging, kbus\n" + replier.replace(
            "ksock.serve()", "print('ready', flush=True)\nksock.serve()"
        )
        process = subprocess.Popen([sys.executable, "-c", said], stdout=subprocess.PIPE)
        assert process.stdout
        try:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            done = subprocess.run([sys.executable, "-c", asker], stdout=subprocess.PIPE, check=True)
            self.assertEqual(done.stdout, b"on\n")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_3_asyncio(self) -> None:
        said = blocks("python")[2].replace('bind("$.Lamp.*")', 'bind("$.Lamp.*"); print("ready")')
        process = subprocess.Popen([sys.executable, "-u", "-c", said], stdout=subprocess.PIPE)
        assert process.stdout
        try:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            kbus.Ksock().announce("$.Lamp.Kitchen", "on")
            self.assertEqual(process.stdout.readline(), b"$.Lamp.Kitchen on\n")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


if __name__ == "__main__":
    unittest.main()
