# SPDX-License-Identifier: GPL-2.0-only
"""Repliers: functions that answer requests, and the promise that one comes."""

from __future__ import annotations

import errno

from .messages import Message, Reply, reply_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO
    from logging import Logger
    from typing import Any, Callable, List, Optional, Protocol, Tuple, TypeVar, Union

    from .messages import MessageId

    class Sender(Protocol):
        """What answers go through: a Ksock."""

        fd: Optional[FileIO]

        def send_msg(self, msg: Message) -> MessageId:
            """Sends a message."""

    # What goes into a message: nothing, bytes, text, or what JSON can say.
    Answer = Any
    Handler = TypeVar("Handler", bound=Callable[[Message], Any])

__all__ = ["encode"]

_DECLINED = "$.KBUS.Replier.Ignored"


def _log() -> Logger:
    # Imported when there is something to log, for it takes its time.
    import logging

    return logging.getLogger("kbus")


def encode(value: Answer) -> Union[bytes, str, None]:
    """Data for a message: bytes and text as they are, anything else as JSON.

    Raises:
        TypeError: JSON cannot say it.
    """
    if value is None or isinstance(value, (bytes, str)):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Repliers:
    """Which function is the replier for which names."""

    def __init__(self) -> None:
        self._all: List[Tuple[str, Callable[[Message], Any]]] = []

    def add(self, name: str, handler: Callable[[Message], Any]) -> None:
        """Adds one; the bus has agreed that there is no other of that name."""
        self._all.append((name, handler))

    def handler(self, request: Message) -> Callable[[Message], Any]:
        """The function for a request, chosen as the bus chooses a replier
        (specification 5.2): the exact name before % before *, and among those
        the newest.

        Raises:
            LookupError: there is none.
        """
        name, best, chosen = request.name, 0, None
        for pattern, handler in self._all:
            stem = pattern[:-1]
            if pattern == name:
                rank = 3
            elif not pattern.endswith(("*", "%")) or not name.startswith(stem) or name == stem:
                continue
            elif pattern.endswith("*"):
                rank = 1
            elif "." in name[len(stem) :]:
                continue
            else:
                rank = 2
            if rank >= best:
                best, chosen = rank, handler
        if chosen is None:
            raise LookupError("no function replies to %s" % name)
        return chosen


class Owed:
    """The one answer that a request is owed."""

    def __init__(self, ksock: Sender, request: Message) -> None:
        self._ksock = ksock
        self._request = request
        self._answered = False

    def answer(self, value: Any) -> None:
        """Sends what a function has returned as the answer.

        Raises:
            TypeError: JSON cannot say it.
            ValueError: it is a message, and not the answer to this request.
            OSError: the bus does not take it.
        """
        reply = value
        if not isinstance(value, Message):
            reply = reply_to(self._request, encode(value))
        elif value.in_reply_to != self._request.id:
            raise ValueError("This is not the reply to %s: %s" % (self._request, value))
        self._send(reply)

    def failed(self, error: BaseException) -> None:
        """Declines the request, and logs why."""
        _log().error("cannot answer %s", self._request, exc_info=error)
        self._decline("%s: %s" % (type(error).__name__, error))

    def settle(self) -> None:
        """Declines the request if there was no answer: nothing more can come."""
        if not self._answered:
            _log().error("interrupted while answering %s", self._request)
            self._decline("interrupted")

    def _decline(self, why: str) -> None:
        # The name that the bus itself uses when a replier closes and still
        # owes an answer, so programs in other languages know it. Only that it
        # is not SYNTHETIC tells that we are still there.
        if self._answered:
            return
        request = self._request
        try:
            self._send(
                Reply(
                    _DECLINED,
                    why[:1000],
                    to=request.from_,
                    in_reply_to=request.id,
                    errors="replace",
                )
            )
        except OSError as error:
            # The bus will answer when this Ksock closes.
            _log().error("cannot even decline %s: %s", request, error)

    def _send(self, reply: Message) -> None:
        try:
            self._ksock.send_msg(reply)
        except OSError as error:
            # Not waited for: the asker has gone, or was answered.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.ECONNREFUSED):
                raise
            _log().debug("the answer is not wanted: %s: %s", reply, error)
        except ValueError:
            if self._ksock.fd is not None:
                raise
            # Closed meanwhile: the bus has answered.
        self._answered = True
