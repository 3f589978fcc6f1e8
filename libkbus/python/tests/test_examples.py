# SPDX-License-Identifier: GPL-2.0-only
"""The examples, run as they are. Needs /dev/kbus0."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Sequence

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# Runs a program that forks so many times, and stops it after the last until so
# many messages of a name have been heard: its children are never faster.
SLOW_PARENT = r"""
import os, runpy, sys, kbus
program, name, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
children = left
sys.argv[1:] = []
heard, fork = kbus.Ksock(), os.fork
heard.set_max_messages(10_000)
heard.bind(name)
def slow():
    global left
    pid = fork()
    if pid:
        left -= 1
        for _ in range(0 if left else children):
            heard.wait_for_msg()
    return pid
os.fork = slow
runpy.run_path(program, run_name="__main__")
"""

NEIGHBOURS = [
    "come: 20 processes see each other, and heard the same 20 changes in the same order",
    "killed some: 15 processes see each other, and heard the same 20 changes in the same order",
    "gone: nothing is left of them",
]


@unittest.skipUnless(os.path.exists("/dev/kbus0"), "there is no /dev/kbus0")
class Examples(unittest.TestCase):
    def show(self, name: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> str:
        done = subprocess.run(
            [sys.executable, *before, str(EXAMPLES / name), *after],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.decode()

    def test_neighbours(self) -> None:
        self.assertEqual(self.show("neighbours.py").splitlines(), NEIGHBOURS)

    def test_neighbours_who_are_quick(self) -> None:
        shown = self.show("neighbours.py", ["-c", SLOW_PARENT], ["$.State.*", "20"])
        self.assertEqual(shown.splitlines(), NEIGHBOURS)

    def test_service(self) -> None:
        shown = self.show("service.py").splitlines()
        self.assertEqual(
            shown,
            [
                "note number 1",
                "note number 2",
                "note number 3",
                "there are three: ['buy a coin', 'toss it', 'write down the result']",
                "refused: the replier took the request and did not answer it: "
                "ValueError: an empty note",
                "and logged by the service: ValueError: an empty note",
            ],
        )

    def test_progress(self) -> None:
        shown = [line.split("\r")[-1] for line in self.show("progress.py").split("\n")]
        full = "[" + "#" * 30 + "] 100%"
        self.assertEqual(shown, ["%-10s %s" % (n, full) for n in ("Baking", "Washing")] + [""])


if __name__ == "__main__":
    unittest.main()
