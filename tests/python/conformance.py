# SPDX-License-Identifier: GPL-2.0-only
"""conformance.py [--classic]: does with Ksocks what it is told, for kbus-test-python.

Each line of its input is a JSON object: a verb, the Ksock that it is for, and
its arguments. Each is answered by one line: what the verb gives as "ok", or the
error as "errno", or, for an exception that is no error of the bus, as "raised".
Names and data are in hexadecimal.

Only what the package offers its users is used. Messages can be sent and taken
in two ways, of which --classic chooses the older.
"""

from __future__ import annotations

import json
import select
import sys
from typing import Any, Callable, Dict, List, Tuple

import kbus

CLASSIC = "--classic" in sys.argv[1:]
# That a setting is asked for, as the bus is asked (specification 3.7).
ASK = 0xFFFFFFFF
# As long as a wait lasts that should have ended at once.
HANG_MS = 20_000

Command = Dict[str, Any]

ksocks: Dict[int, kbus.Ksock] = {}


def name(command: Command) -> bytes:
    """The name that a line has."""
    return bytes.fromhex(command["name"])


def pair(value: Any) -> List[int]:
    """An id or an address as numbers; None is none of them."""
    if value is None:
        return [0, 0]
    return [getattr(value, field) for field, _ in value._fields_]


def said(message: kbus.Message) -> Dict[str, Any]:
    """All that a message says."""
    return {
        "id": pair(message.id),
        "in_reply_to": pair(message.in_reply_to),
        "to": message.to,
        "from": message.from_,
        "orig_from": pair(message.orig_from),
        "final_to": pair(message.final_to),
        "extra": message.msg.extra,
        "flags": message.flags,
        "name": message.name.encode("latin-1").hex(),
        "data": (message.data or b"").hex(),
    }


def made(parts: Dict[str, Any]) -> kbus.Message:
    """The message that says so."""
    message = kbus.Message(
        bytes.fromhex(parts["name"]),
        bytes.fromhex(parts["data"]),
        to=parts["to"],
        from_=parts["from"],
        orig_from=tuple(parts["orig_from"]),
        final_to=tuple(parts["final_to"]),
        in_reply_to=tuple(parts["in_reply_to"]),
        flags=parts["flags"],
        id=tuple(parts["id"]),
    )
    message.msg.extra = parts["extra"]
    return message


def send(ksock: kbus.Ksock, parts: Dict[str, Any]) -> List[int]:
    """Writes a message and sends it."""
    message = made(parts)
    if not CLASSIC:
        return pair(ksock.send_msg(message))
    ksock.write_msg(message)
    return pair(ksock.send())


def take(ksock: kbus.Ksock) -> Any:
    """The next message, if there is one."""
    if CLASSIC:
        length = ksock.next_msg()
        message = ksock.read_msg(length) if length else None
    else:
        message = ksock.read_next_msg()
    return None if message is None else said(message)


def ready(ksock: kbus.Ksock, events: int, timeout: int) -> Tuple[bool, bool]:
    """Whether it is readable and writable; of the two only what is waited for."""
    poll = select.poll()
    poll.register(ksock, events)
    bits = sum(bits for _, bits in poll.poll(timeout))
    return bool(bits & select.POLLIN), bool(bits & select.POLLOUT)


def wait(ksock: kbus.Ksock, reading: bool) -> Tuple[bool, bool]:
    """Waits until it is readable, or writable."""
    event = select.POLLIN if reading else select.POLLOUT
    assert any(ready(ksock, event, HANG_MS)), "it does not become ready"
    return ready(ksock, select.POLLIN | select.POLLOUT, 0)


def setting(change: Any, value: int) -> int:
    """Sets what is on or off, or asks."""
    return int(change(just_ask=True) if value == ASK else change(bool(value)))


def most_messages(ksock: kbus.Ksock, value: int) -> int:
    """Sets how many messages may wait, or asks."""
    return ksock.set_max_messages(value) if value else ksock.max_messages()


def largest_message(ksock: kbus.Ksock, value: int) -> int:
    """Sets how long messages may be, or asks."""
    return ksock.set_max_message_size(value) if value else ksock.max_message_size()


# What is done with a Ksock. All but a message may be left out of a line.
VERBS: Dict[str, Callable[[kbus.Ksock, Command], Any]] = {
    "id": lambda ksock, _: ksock.ksock_id(),
    "bind": lambda ksock, command: ksock.bind(name(command), command["value"]),
    "unbind": lambda ksock, command: ksock.unbind(name(command), command["value"]),
    "replier": lambda ksock, command: ksock.find_replier(name(command)),
    "send": lambda ksock, command: send(ksock, command["message"]),
    "send_again": lambda ksock, _: pair(ksock.send()),
    "discard": lambda ksock, _: ksock.discard(),
    "next": lambda ksock, _: take(ksock),
    "poll": lambda ksock, _: ready(ksock, select.POLLIN | select.POLLOUT, 0),
    "wait": lambda ksock, command: wait(ksock, bool(command["value"])),
    "count": lambda ksock, _: ksock.num_messages(),
    "owed": lambda ksock, _: ksock.num_unreplied_to(),
    "last_sent": lambda ksock, _: pair(ksock.last_msg_id()),
    "max_messages": lambda ksock, command: most_messages(ksock, command["value"]),
    "max_size": lambda ksock, command: largest_message(ksock, command["value"]),
    "only_once": lambda ksock, command: setting(ksock.want_messages_once, command["value"]),
    "verbose": lambda ksock, command: setting(ksock.kernel_module_verbose, command["value"]),
    "report": lambda ksock, command: setting(ksock.report_replier_binds, command["value"]),
}


def do(command: Command) -> Any:
    """Does what one line says, and returns what is to be answered."""
    verb = command["do"]
    if verb == "bindings":
        return kbus.read_bindings({})
    if verb == "open":
        ksocks[command["ksock"]] = kbus.Ksock(command["bus"])
        return None
    if verb == "close":
        ksocks.pop(command["ksock"]).close()
        return None
    return VERBS[verb](ksocks[command["ksock"]], command)


def answer(line: str) -> Dict[str, Any]:
    """The answer to one line."""
    try:
        return {"ok": do(json.loads(line))}
    except OSError as error:
        return {"errno": error.errno}
    except ValueError as error:
        return {"raised": "%s: %s" % (type(error).__name__, error)}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(line)) + "\n")
    sys.stdout.flush()
