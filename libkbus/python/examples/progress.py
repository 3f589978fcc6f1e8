#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A job that announces how far it is, and a progress bar that shows it.

    progress.py job NAME [STEPS]    announces $.Progress.NAME
    progress.py bar                 shows the progress of all jobs there are
    progress.py                     two jobs, and a bar for them

The jobs do not know whether somebody watches, and any number of bars may.
"""

from __future__ import annotations

import hashlib
import os
import sys

import kbus


def job(name: str, steps: int) -> None:
    """Some work."""
    with kbus.Ksock() as ksock:
        digest = b""
        for step in range(1, steps + 1):
            digest = hashlib.sha256(digest * 1000).digest()
            # A bar that is slow should not miss the end.
            flags = kbus.ALL_OR_FAIL if step == steps else 0
            data = kbus.encode({"step": step, "of": steps})
            ksock.send_msg(kbus.Announcement("$.Progress." + name, data, flags=flags))


def listen() -> kbus.Ksock:
    """A Ksock to which all progress comes."""
    ksock = kbus.Ksock(mode="r")
    ksock.set_max_messages(1000)
    ksock.bind("$.Progress.%")
    return ksock


def bar(ksock: kbus.Ksock, jobs: int = 0) -> None:
    """Shows what comes, until so many jobs are done."""
    done = 0
    while not jobs or done < jobs:
        message = ksock.wait_for_msg()
        assert message is not None
        at = message.json()
        name = message.name.rpartition(".")[2]
        part = at["step"] / at["of"]
        print("\r%-10s [%-30s] %3d%%" % (name, "#" * int(30 * part), 100 * part), end="")
        if part == 1:
            done += 1
            print(flush=True)


def main() -> None:
    """See above."""
    if sys.argv[1:2] == ["job"]:
        job(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1000)
    elif sys.argv[1:2] == ["bar"]:
        bar(listen())
    else:
        # Before the jobs begin, so that nothing is missed.
        ksock = listen()
        if os.fork() == 0:
            job("Baking", 200)
            job("Washing", 100)
            os._exit(0)
        bar(ksock, 2)
        os.wait()


if __name__ == "__main__":
    main()
