# SPDX-License-Identifier: GPL-2.0-only
"""stress.py DIRECTORY: sixteen processes announce, listen, ask and answer, and
repliers are killed while they do. All write down what they see, into DIRECTORY;
whether that can be is for kbus-test-trace to say."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from typing import Callable

from kbus import URGENT, Announcement, Ksock, Message, Request, reply_to
from kbus_trace import TracedKsock

REPLIERS, REQUESTERS = 4, 8
HEARD = ["$.*", "$.P.*", "$.P.Say.%", "$.P.Ask.*"]
REQUESTS, KILLS = 12, 6
END = "$.P.End"

directory = sys.argv[1]
# A byte for each request that was answered.
read_tick, write_tick = os.pipe()


def tick() -> None:
    os.write(write_tick, b".")


def await_ticks(count: int) -> None:
    for _ in range(count):
        assert os.read(read_tick, 1), "nobody is left"


def start(life: Callable[[TracedKsock, int], None], number: int) -> int:
    """A child that lives so."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        ksock = TracedKsock(directory)
        ksock.set_max_messages(20000)
        life(ksock, number)
        ksock.close()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def await_msg(ksock: TracedKsock) -> Message:
    poll = select.poll()
    poll.register(ksock, select.POLLIN)
    while True:
        msg = ksock.read_next_msg()
        if msg is not None:
            return msg
        poll.poll()


def listener(ksock: TracedKsock, number: int) -> None:
    ksock.bind(HEARD[number])
    if number > 1:
        ksock.bind(END)
    tick()
    while await_msg(ksock).name != END:
        pass
    assert ksock.read_next_msg() is None


def replier(ksock: TracedKsock, number: int) -> None:
    ksock.bind(END)
    ksock.bind("$.P.Ask.n%d" % number, True)
    while True:
        msg = await_msg(ksock)
        if msg.name == END:
            return
        ksock.send_msg(reply_to(msg))


def requester(ksock: TracedKsock, number: int) -> None:
    done = 0
    while done < REQUESTS:
        flags = 0 if done % 8 else URGENT
        ksock.send_msg(Announcement("$.P.Say.n%d" % ((done + number) % 3), flags=flags))
        try:
            asked = ksock.send_msg(Request("$.P.Ask.n%d" % ((done * 7 + number) % REPLIERS)))
        except OSError:
            # Killed, and its successor is not there yet.
            select.select([ksock], [], [], 0.001)
            continue
        assert await_msg(ksock).in_reply_to == asked
        done += 1
        tick()
    ksock.settled()


def ended(pid: int, by_signal: int = 0) -> None:
    status = os.waitpid(pid, 0)[1]
    assert status == by_signal, "one ended with %d" % status


def main() -> None:
    listeners = [start(listener, n) for n in range(len(HEARD))]
    repliers = [start(replier, n) for n in range(REPLIERS)]
    await_ticks(len(HEARD))
    requesters = [start(requester, n) for n in range(REQUESTERS)]
    left = REQUESTERS * REQUESTS
    for n in range(KILLS):
        # Now and then, as their work goes on.
        await_ticks(5 + n)
        left -= 5 + n
        at = n % REPLIERS
        os.kill(repliers[at], signal.SIGKILL)
        ended(repliers[at], signal.SIGKILL)
        repliers[at] = start(replier, at)
    await_ticks(left)
    for pid in requesters:
        ended(pid)
    with Ksock() as ksock:
        # A successor may not have bound yet: then it would not hear the end.
        for n in range(REPLIERS):
            while ksock.find_replier("$.P.Ask.n%d" % n) is None:
                select.select([], [], [], 0.001)
    ksock = TracedKsock(directory)
    ksock.send_msg(Announcement(END))
    ksock.close()
    for pid in repliers + listeners:
        ended(pid)


main()
