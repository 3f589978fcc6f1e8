# SPDX-License-Identifier: GPL-2.0-only
"""The examples, run as they are. Needs /dev/kbus0."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# NAME COUNT PROGRAM: runs a program that forks COUNT times, and holds it up after
# the last until COUNT messages of that NAME have been sent. So the children are
# always faster.
SLOW_PARENT = r"""
import os, runpy, sys, kbus
name, count, program = sys.argv[1:]
sys.argv[1:] = []
heard, fork, pids = kbus.Ksock(), os.fork, []
heard.bind(name)
def slow():
    pids.append(fork())
    if pids[-1] and len(pids) == int(count):
        for _ in pids:
            heard.wait_for_msg()
    return pids[-1]
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
    def show(self, name: str, *through: str) -> str:
        done = subprocess.run(
            [sys.executable, *through, str(EXAMPLES / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.decode()

    def test_neighbours(self) -> None:
        self.assertEqual(self.show("neighbours.py").splitlines(), NEIGHBOURS)

    def test_neighbours_who_are_quick(self) -> None:
        shown = self.show("neighbours.py", "-c", SLOW_PARENT, "$.State.*", "20")
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
