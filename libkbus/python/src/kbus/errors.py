# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong, in words.

An errno of the bus stays what it is, only its text is replaced by one that
says what it means on a bus. What the bus does not tell by errno, but by
answering a request itself, is :class:`NoAnswer`.
"""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .messages import Message

__all__ = ["NoAnswer"]


class NoAnswer(OSError):
    """A request was answered, but not by who should have: there is a status.

    The status message is the attribute ``status``. What it says is in its
    name; a replier that failed says why in its data.
    """

    def __init__(self, status: Message) -> None:
        what = _STATUS.get(status.name, "the answer is " + status.name)
        why = (status.data or b"").decode("utf-8", "replace")
        super().__init__("%s: %s" % (what, why) if why else what)
        self.status = status


_STATUS = {
    "$.KBUS.Replier.GoneAway": "the replier went away before it took the request",
    "$.KBUS.Replier.Ignored": "the replier took the request and did not answer it",
    "$.KBUS.Replier.Unbound": "the replier stopped replying to this name",
    "$.KBUS.Replier.Disappeared": "the replier went away while the request waited for room",
    "$.KBUS.ErrorSending": "the request waited for room and could not be sent in the end",
}

# With ENOLCK nothing was sent; with ENOBUFS, which the bus does not use, the
# request was, and its answer is lost.
_CROWDED = (
    "%d messages that nobody has taken are kept here, and no more are while a call waits: take "
    "them, or call through another Ksock"
)

_OPEN = {
    errno.ENOENT: "there is no such bus: load the module (insmod kbus.ko), or look which "
    "buses there are (ls /dev/kbus*)",
    errno.ENXIO: "there is a device node but no bus behind it: load the module (insmod kbus.ko)",
    errno.ENODEV: "there is a device node but no bus behind it: load the module (insmod kbus.ko)",
    errno.EACCES: "we may not use this bus: change the mode of its device node",
    errno.EDQUOT: "this user has as many Ksocks open as it may (kbus_max_user_ksocks)",
}

_WRITE = {
    errno.EALREADY: "an earlier message still waits for room at its recipients",
    errno.EINVAL: "the message is not well formed, or has both ALL_OR_WAIT and ALL_OR_FAIL",
    errno.EMSGSIZE: "the message is larger than this bus takes",
    errno.ENAMETOOLONG: "the name of the message is too long",
    errno.EBADMSG: "this is not a name that messages may have",
}

_SEND = {
    errno.EADDRNOTAVAIL: "nobody replies to this name, or who asked has gone",
    errno.ECONNREFUSED: "nobody waits for this answer, or no longer",
    errno.EPIPE: "somebody else is the replier by now",
    errno.EBUSY: "a recipient has no room for this message",
    errno.EAGAIN: "a recipient has no room yet; the message waits for it",
    errno.ENOLCK: "there is no room here for the answer to this request",
    errno.ENOMSG: "nothing was written that could be sent",
    errno.EBADMSG: "this is not a name that messages may have",
}

_BIND = {
    errno.EADDRINUSE: "somebody else is the replier for this name",
    errno.EDQUOT: "this user has as many bindings as it may (kbus_max_user_bindings)",
    errno.EAGAIN: "somebody listens for repliers that come and go, and has no room",
    errno.EBADMSG: "this is not a name that can be bound to, or not by a replier",
    errno.ENAMETOOLONG: "this name is too long",
    errno.EINVAL: "this Ksock is not bound to this name in this role",
}


def _in_words(error: OSError, words: dict[int, str], name: str | None = None) -> OSError:
    """The same error, in the words of the bus."""
    text = words.get(error.errno or 0)
    if text is None or type(error).__name__ == "UnsupportedOperation":
        return error
    return OSError(error.errno, text) if name is None else OSError(error.errno, text, name)
