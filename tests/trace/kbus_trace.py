# SPDX-License-Identifier: GPL-2.0-only
"""A Ksock that writes down what it does and sees. The format is described in
src/lib.rs. Each line is one write(), so that it is there when the process is
killed after it."""

from __future__ import annotations

import os
import time
from typing import Optional

from kbus import Ksock, Message, MessageId


def _pair(pair: Optional[object]) -> str:
    return "0:0" if pair is None else "%d:%d" % (pair.network_id, pair.serial_num)


def _kind(msg: Message) -> str:
    if msg.in_reply_to is not None:
        return "status" if msg.is_synthetic() else "reply"
    return "request" if msg.is_request() else "announcement"


class TracedKsock(Ksock):
    """The trace is a file of its own in `directory`."""

    def __init__(self, directory: str, bus: int = 0) -> None:
        start = time.monotonic_ns()
        super().__init__(bus)
        self._name = "%d:%d" % (bus, self.ksock_id())
        self._lines = 0
        path = os.path.join(directory, self._name.replace(":", "."))
        self._trace = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._line(start, "open")

    def _line(self, start: int, event: str) -> None:
        self._lines += 1
        now = time.monotonic_ns()
        line = "%s %d %d-%d %s\n" % (self._name, self._lines, start, now, event)
        os.write(self._trace, line.encode())

    def settled(self) -> None:
        """All answers that it was owed have come."""
        self._line(time.monotonic_ns(), "settled")

    def close(self) -> None:
        start = time.monotonic_ns()
        super().close()
        self._line(start, "close")
        os.close(self._trace)

    def set_max_messages(self, count: int) -> int:
        start = time.monotonic_ns()
        limit = super().set_max_messages(count)
        self._line(start, "limit %d" % limit)
        return limit

    def bind(self, name: str, replier: bool = False) -> None:
        start = time.monotonic_ns()
        super().bind(name, replier)
        self._line(start, "bind %s %s" % ("replier" if replier else "listener", name))

    def send_msg(self, msg: Message) -> MessageId:
        start = time.monotonic_ns()
        words = (_kind(msg), msg.name, msg.flags, msg.to, _pair(msg.in_reply_to))
        self._line(start, "send %s %s flags=0x%x to=%d re=%s" % words)
        start = time.monotonic_ns()
        try:
            number = super().send_msg(msg)
        except OSError as error:
            self._line(start, "refused %d" % error.errno)
            raise
        self._line(start, "sent " + _pair(number))
        return number

    def read_next_msg(self) -> Optional[Message]:
        start = time.monotonic_ns()
        msg = super().read_next_msg()
        if msg is None:
            self._line(start, "empty")
            return None
        words = (_kind(msg), _pair(msg.id), msg.name, msg.flags, msg.from_, msg.to, _pair(msg.in_reply_to))
        self._line(start, "got %s %s %s flags=0x%x from=%d to=%d re=%s" % words)
        return msg
