# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong, in words.

An errno of the bus stays what it is, only its text is replaced by the sentence
that every KBUS library has for it. What the bus does not tell by errno, but by
answering a request itself, is :class:`NoAnswer`.
"""

from __future__ import annotations

import errno

from ._words import DOING, STATUSES, WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .messages import Message

__all__ = ["NoAnswer"]


class NoAnswer(OSError):
    """A request was answered, but not by its replier: there is a status.

    The status message is the attribute ``status`` (specification 6.2). What it
    says is in its name; a replier that declines says why in its data.
    """

    def __init__(self, status: Message) -> None:
        unknown = "there is no reply: " + status.name, ""
        meaning, advice = STATUSES.get(status.name, unknown)
        # Advice is for when nothing is known but the status.
        why = (status.data or b"").decode("utf-8", "replace")
        text = "%s: %s" % (meaning, why) if why else "%s; %s" % (meaning, advice)
        super().__init__(text if why or advice else meaning)
        self.status = status


def _in_words(error: OSError, *calls: str, name: str | None = None) -> OSError:
    """The error of a call, with the sentence for it; or as it is when there is none.

    The calls are named as in the words. Several are given for a message that
    was written in pieces, and whose kind we do not know.
    """
    code = errno.errorcode.get(error.errno or 0, "")
    known = [WORDS[call, code] for call in calls if (call, code) in WORDS]
    known = known or ([WORDS["", code]] if ("", code) in WORDS else [])
    if not known or type(error).__name__ == "UnsupportedOperation":
        return error
    meanings = ", or ".join(dict.fromkeys(meaning for meaning, _ in known))
    advice = "; " + known[0][1] if len(set(known)) == 1 else ""
    text = "cannot %s: %s%s" % (DOING[calls[0]], meanings, advice)
    return OSError(error.errno, text) if name is None else OSError(error.errno, text, name)


def _crowded(code: int, count: int) -> OSError:
    """For a call that would have to defer more messages than it may.

    ENOLCK is as from the bus: nothing was sent. With ENOBUFS, which the bus
    does not use, the request was, and its answer is lost.
    """
    if code == errno.ENOLCK:
        error = _in_words(OSError(code, ""), "Ask")
        return OSError(code, "%s (%d messages are deferred here)" % (error.strerror, count))
    return OSError(
        code,
        "%d messages that were not taken are deferred here, and no more are while a call waits: "
        "take them, or call through another Ksock" % count,
    )
