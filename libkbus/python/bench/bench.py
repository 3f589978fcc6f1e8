#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What kbus costs from Python, beside what the standard library has: the time of
a round trip, and of telling several listeners, in one run. Where instructions
are counted instead of time (tests/python/bench), a nanosecond is one.

    bench.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import multiprocessing.connection
import os
import socket
import subprocess
import sys
import time
from typing import Any, Callable, List, Optional, Tuple

import kbus
from kbus.aio import Ksock

SIZES = (16, 1024, 65536)
LISTENERS = (1, 4, 16)

# A function that does one round with some bytes.
Round = Callable[[bytes], object]


def child(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except (EOFError, OSError, ValueError):
            pass  # the other end has gone
        finally:
            os._exit(0)
    return pid


def measure(rounds: int, one: Round, data: bytes) -> float:
    """Nanoseconds of a round: the best of some."""
    for _ in range(3):
        one(data)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter_ns()
        for _ in range(rounds):
            one(data)
        best = min(best, (time.perf_counter_ns() - start) / rounds)
    return best


# --- round trips: each starts an echo, and gives what does a round -----------


def by_call() -> Tuple[Round, int]:
    ready, tell = os.pipe()

    def work() -> None:
        ksock = kbus.Ksock()
        ksock.replier("$.Echo")(lambda request: request.data)
        os.write(tell, b"!")
        ksock.serve()

    pid = child(work)
    os.read(ready, 1)
    ksock = kbus.Ksock()
    return lambda data: ksock.call("$.Echo", data), pid


def by_classic() -> Tuple[Round, int]:
    ready, tell = os.pipe()

    def work() -> None:
        ksock = kbus.Ksock()
        ksock.bind("$.Classic", True)
        os.write(tell, b"!")
        while True:
            request = ksock.wait_for_msg()
            assert request is not None
            ksock.send_msg(kbus.reply_to(request, request.data))

    pid = child(work)
    os.read(ready, 1)
    ksock = kbus.Ksock()

    def one(data: bytes) -> object:
        ksock.send_msg(kbus.Request("$.Classic", data))
        return ksock.wait_for_msg()

    return one, pid


def by_asyncio() -> Tuple[Round, int]:
    """Both ends are coroutines; a round runs the loop once."""
    ready, tell = os.pipe()

    async def serve() -> None:
        ksock = Ksock()
        ksock.replier("$.Aio")(lambda request: request.data)
        os.write(tell, b"!")
        await ksock.serve()

    pid = child(lambda: asyncio.run(serve()))
    os.read(ready, 1)
    loop, ksock = asyncio.new_event_loop(), Ksock()
    return lambda data: loop.run_until_complete(ksock.call("$.Aio", data)), pid


def by_connection() -> Tuple[Round, int]:
    ours, theirs = multiprocessing.connection.Pipe()

    def work() -> None:
        ours.close()
        while True:
            theirs.send_bytes(theirs.recv_bytes())

    pid = child(work)

    def one(data: bytes) -> object:
        ours.send_bytes(data)
        return ours.recv_bytes()

    return one, pid


def by_socket() -> Tuple[Round, int]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def work() -> None:
        ours.close()
        while True:
            data = theirs.recv(1 << 17)
            if not data:
                return
            theirs.send(data)

    pid = child(work)

    def one(data: bytes) -> object:
        ours.send(data)
        return ours.recv(1 << 17)

    return one, pid


# --- fan-out: one tells, all take; the last of them says that it has ---------


def listeners(count: int, listen: Callable[[int, Any], object]) -> Tuple[socket.socket, List[int]]:
    """Starts them; each has an end to say with that it is ready, or has heard."""
    ours, theirs = socket.socketpair()
    pids = []
    for number in range(count):
        pids.append(child(lambda number=number: listen(number, theirs)))  # type: ignore[misc]
        ours.recv(1)
    theirs.close()
    return ours, pids


def all_heard(end: socket.socket, count: int) -> None:
    while count:
        count -= len(end.recv(count))


def fan_by_kbus(count: int) -> Tuple[Round, List[int]]:
    def listen(number: int, end: socket.socket) -> None:
        ksock = kbus.Ksock(mode="r")
        ksock.bind("$.Fan")
        end.send(b"!")
        while ksock.wait_for_msg():
            end.send(b"!")

    end, pids = listeners(count, listen)
    ksock = kbus.Ksock()

    def one(data: bytes) -> None:
        ksock.announce("$.Fan", data)
        all_heard(end, count)

    return one, pids


def fan_by_connection(count: int) -> Tuple[Round, List[int]]:
    pipes = [multiprocessing.connection.Pipe() for _ in range(count)]

    def listen(number: int, end: socket.socket) -> None:
        for ours, _ in pipes:
            ours.close()
        end.send(b"!")
        while True:
            pipes[number][1].recv_bytes()
            end.send(b"!")

    end, pids = listeners(count, listen)

    def one(data: bytes) -> None:
        for ours, _ in pipes:
            ours.send_bytes(data)
        all_heard(end, count)

    return one, pids


def fan_by_socket(count: int) -> Tuple[Round, List[int]]:
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(count)]

    def listen(number: int, end: socket.socket) -> None:
        for ours, _ in pairs:
            ours.close()
        end.send(b"!")
        while pairs[number][1].recv(1 << 17):
            end.send(b"!")

    end, pids = listeners(count, listen)

    def one(data: bytes) -> None:
        for ours, _ in pairs:
            ours.send(data)
        all_heard(end, count)

    return one, pids


# --- importing ---------------------------------------------------------------


def importing(module: str) -> float:
    """Beyond the start of Python, which imports little by itself."""

    def run(code: str) -> float:
        return measure(1, lambda _: subprocess.run([sys.executable, "-c", code], check=True), b"")

    return run("import " + module) - run("pass")


# --- the tables --------------------------------------------------------------


def end(pids: List[int]) -> None:
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def row(label: str, costs: List[Optional[float]]) -> None:
    ours = costs[0]
    assert ours is not None
    cells = ["%12s" % format(round(ours), ",")]
    for cost in costs[1:]:
        assert cost is not None
        cells.append("%12s (%.2fx)" % (format(round(cost), ","), ours / cost))
    print("%-28s%s" % (label, "".join("%22s" % cell for cell in cells)), flush=True)


def head(title: str, columns: List[str]) -> None:
    print("\n" + title)
    print("%-28s%s" % ("", "".join("%22s" % column for column in columns)), flush=True)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    # What the kernel does after it has booted would count as ours.
    with open("/proc/uptime", encoding="ascii") as file:
        time.sleep(max(0, 20 - float(file.read().split()[0])))

    kinds = (by_call, by_classic, by_asyncio, by_connection, by_socket)
    head(
        "Python: a round trip, in ns (in brackets: kbus call / this)",
        ["kbus call", "kbus classic", "kbus.aio call", "mp.connection", "socket"],
    )
    table: List[List[Optional[float]]] = [[] for _ in SIZES]
    for kind in kinds:
        one, pid = kind()
        for line, size in zip(table, SIZES):
            line.append(measure(rounds, one, bytes(size)))
        end([pid])
    for line, size in zip(table, SIZES):
        row("%d bytes" % size, line)

    head(
        "Python: 1 KiB told to N processes that listen, in ns",
        ["kbus announce", "mp.connection", "socket"],
    )
    for count in LISTENERS:
        costs: List[Optional[float]] = []
        for fan in (fan_by_kbus, fan_by_connection, fan_by_socket):
            one, pids = fan(count)
            costs.append(measure(max(rounds // 4, 20), one, bytes(1024)))
            end(pids)
        row("%d listeners" % count, costs)

    modules = ["kbus", "multiprocessing.connection", "socket"]
    head("Python: an import, in ns", ["kbus", "mp.connection", "socket"])
    row("import", [importing(module) for module in modules])


if __name__ == "__main__":
    main()
