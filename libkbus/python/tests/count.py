# SPDX-License-Identifier: GPL-2.0-only
"""count.py [NAME...]: runs the tests beside it, or those modules of them, and
says how many passed and failed in the words of tests/run. One that hangs ends
the run, with a traceback of every thread."""

from __future__ import annotations

import faulthandler
import os
import sys
import unittest
from typing import Any

# The virtual machine is ten to thirty times slower than the real one.
SECONDS = 60


class Result(unittest.TextTestResult):
    good = 0

    def startTest(self, test: Any) -> None:
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        super().startTest(test)

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self.good += 1


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    loader = unittest.TestLoader()
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names) if names else loader.discover(here)
    kind: Any = Result
    runner = unittest.TextTestRunner(resultclass=kind, verbosity=int(os.environ.get("V", "0")))
    outcome = runner.run(suite)
    assert isinstance(outcome, Result)
    bad = len(outcome.failures) + len(outcome.errors) + len(outcome.unexpectedSuccesses)
    print("%d passed, %d failed" % (outcome.good, bad), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
