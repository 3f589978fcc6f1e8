#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Twenty processes that see each other come and go, and tell of their state.

    neighbours.py [HOW_MANY]

Nobody keeps a list of who is there, no process and no file. Each is the replier
for a name of its own, which the bus forgets when the process ends, however it
does. The bus announces repliers that come and go, so whoever listens knows, and
what they are doing they announce themselves.

The play: all come and see all others; they change their state, and each hears
of each change, in the same order; some are killed with SIGKILL, and those who
stay see them go. In the end nothing is left.
"""

from __future__ import annotations

import os
import signal
import sys

import kbus

EVENTS = "$.KBUS.ReplierBindEvent"


def neighbour(number: int, count: int) -> None:
    """One process: what it sees is all it knows."""
    me = "$.House.N%d" % number
    with kbus.Ksock() as ksock:
        ksock.set_max_messages(10_000)
        ksock.bind("$.State.*")
        ksock.bind("$.House.Leave")
        # First listen, then look who is there: so nobody is missed.
        ksock.bind(EVENTS)
        ksock.report_replier_binds(True)
        ksock.bind(me, replier=True)
        here: set[str] = set()
        states: list[tuple[str, str]] = []
        while True:
            message = ksock.wait_for_msg()
            assert message is not None
            if message.wants_us_to_reply():
                ksock.send_msg(kbus.reply_to(message, kbus.encode([sorted(here), states])))
            elif message.name == EVENTS:
                comes, _, name = kbus.split_replier_bind_event_data(message.data)
                if not name.startswith("$.House.N"):
                    continue
                if comes and name not in here:
                    here.add(name)
                    if len(here) == count:
                        ksock.announce("$.State." + me.rpartition(".")[2], "everybody is here")
                elif not comes:
                    here.discard(name)
            elif message.name.startswith("$.State."):
                states.append((message.name, message.text))
            else:
                return


def look(ksock: kbus.Ksock, names: list[str], done: str) -> None:
    """Asks everybody what they see. Our question is behind all that has happened
    before it, so the answer is complete."""
    answers = [ksock.call(name).json() for name in names]
    heard = answers[0][1]
    for here, states in answers:
        assert here == sorted(names), here
        assert states == heard, "not the same, or not in the same order"
    print(
        "%s: %d processes see each other, and heard the same %d changes in the same order"
        % (done, len(names), len(heard))
    )


def main() -> None:
    """Starts them, looks, kills some, looks again."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    killed = set(range(0, count, 4))
    pids = {}
    with kbus.Ksock() as ksock:
        ksock.set_max_messages(10_000)
        # Before they come, so that nothing is missed.
        ksock.bind("$.State.*")
        for number in range(count):
            pid = os.fork()
            if pid == 0:
                try:
                    ksock.close()
                    neighbour(number, count)
                except BaseException:
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
                os._exit(0)
            pids[number] = pid

        for _ in range(count):
            message = ksock.wait_for_msg(120)
            assert message is not None, "somebody does not see everybody"
        look(ksock, ["$.House.N%d" % n for n in range(count)], "come")
        for number in killed:
            os.kill(pids[number], signal.SIGKILL)
            os.waitpid(pids[number], 0)
        look(ksock, ["$.House.N%d" % n for n in range(count) if n not in killed], "killed some")
        ksock.announce("$.House.Leave")
        for number in set(pids) - killed:
            assert os.waitpid(pids[number], 0)[1] == 0
        left = [name for _, _, name in kbus.read_bindings({}) if name.startswith("$.House.")]
        assert not left, left
        ksock.report_replier_binds(False)
    print("gone: nothing is left of them")


if __name__ == "__main__":
    main()
