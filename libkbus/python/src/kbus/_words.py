# SPDX-License-Identifier: GPL-2.0-only
"""The sentences for what goes wrong. Made of libkbus/vectors/errnos.json by
libkbus/vectors/generate; do not edit. Errnos are by name; no call is any call.
"""

# What was being done, as in "cannot ...".
DOING = {
    "Open": "open the bus",
    "Write": "send",
    "Read": "receive",
    "Poll": "wait",
    "Bind": "bind",
    "Unbind": "unbind",
    "KsockId": "ask for our id",
    "Replier": "ask for the replier",
    "NextMessage": "receive",
    "LenLeft": "ask how much is left to read",
    "Send": "send",
    "Ask": "ask",
    "Answer": "answer",
    "Discard": "discard",
    "LastSent": "ask for the last message sent",
    "MaxMessages": "limit our queue",
    "NumMessages": "ask how many messages wait",
    "UnrepliedTo": "ask how many answers we owe",
    "OnlyOnce": "change how often we get a message",
    "Verbose": "change what the kernel logs",
    "NewDevice": "make a bus",
    "ReportReplierBinds": "have repliers reported",
    "MaxMessageSize": "limit messages",
    "RemoveDevice": "remove the bus",
}

# What is the matter, and what to do.
WORDS = {
    ("Open", "EACCES"): (
        "we may not use this bus",
        "run as a user whom the mode of the device node admits, or change the mode",
    ),
    ("Bind", "EADDRINUSE"): (
        "somebody else is the replier for this name",
        "there is one replier for a name: choose another, or end the other program",
    ),
    ("Ask", "EADDRNOTAVAIL"): (
        "nobody replies to this name",
        "start a replier for this name first",
    ),
    ("Answer", "EADDRNOTAVAIL"): (
        "whoever asked has gone",
        "nothing is to be done: nobody waits for this reply",
    ),
    ("Bind", "EAGAIN"): (
        "somebody listens for repliers that come and go, and has a full queue",
        "try again when that program has read some of its messages",
    ),
    ("Unbind", "EAGAIN"): (
        "somebody listens for repliers that come and go, and has a full queue",
        "try again when that program has read some of its messages",
    ),
    ("Send", "EAGAIN"): (
        "it waits to be sent: the queue of somebody who must not miss it is full",
        "wait until the Ksock is writable, or discard the message",
    ),
    ("Ask", "EAGAIN"): (
        "it waits to be sent: the queue of somebody who must not miss it is full",
        "wait until the Ksock is writable, or discard the message",
    ),
    ("Answer", "EAGAIN"): (
        "it waits to be sent: the queue of somebody who must not miss it is full",
        "wait until the Ksock is writable, or discard the message",
    ),
    ("Write", "EALREADY"): (
        "an earlier message still waits for room at its recipients",
        "wait until the Ksock is writable, or discard that message",
    ),
    ("Write", "EBADF"): (
        "this Ksock is open for reading only",
        "open it for writing as well",
    ),
    ("Read", "EBADF"): (
        "this Ksock is open for writing only",
        "open it for reading as well",
    ),
    ("Write", "EBADMSG"): (
        "this is no name for a message",
        "names look like $.Lamp.Kitchen; wildcards are for binding only",
    ),
    ("Send", "EBADMSG"): (
        "this is no name for a message",
        "names look like $.Lamp.Kitchen; wildcards are for binding only",
    ),
    ("Ask", "EBADMSG"): (
        "this is no name for a message",
        "names look like $.Lamp.Kitchen; wildcards are for binding only",
    ),
    ("Answer", "EBADMSG"): (
        "this is no name for a message",
        "names look like $.Lamp.Kitchen; wildcards are for binding only",
    ),
    ("Read", "EBADMSG"): (
        "the message ended before it was complete",
        "use a Ksock in one program at a time, and read it through this library only",
    ),
    ("Bind", "EBADMSG"): (
        "this is no name to bind to, or not one to be the replier for",
        "names look like $.Lamp.Kitchen, $.Lamp.* or $.Lamp.%",
    ),
    ("Unbind", "EBADMSG"): (
        "this is no name to bind to",
        "names look like $.Lamp.Kitchen, $.Lamp.* or $.Lamp.%",
    ),
    ("Send", "EBUSY"): (
        "the queue of a listener who must not miss it is full",
        "try again later, or let ALL_OR_WAIT wait for room",
    ),
    ("Ask", "EBUSY"): (
        "the queue of the replier is full, or that of a listener who must not miss it",
        "try again later, or let ALL_OR_WAIT wait for room",
    ),
    ("Answer", "EBUSY"): (
        "the queue of whoever asked is full, or that of a listener who must not miss it",
        "try again later, or let ALL_OR_WAIT wait for room",
    ),
    ("ReportReplierBinds", "EBUSY"): (
        "our own queue had no room to tell of all repliers; reporting is on",
        "read the messages, or raise the limit of our queue first (MAXMSGS)",
    ),
    ("RemoveDevice", "EBUSY"): (
        "somebody has the bus open",
        "close it everywhere first (kbus-tool stats says which Ksocks it has)",
    ),
    ("Answer", "ECONNREFUSED"): (
        "the recipient does not expect this reply: it did not ask, or was answered already",
        "answer each request once",
    ),
    ("Open", "EDQUOT"): (
        "this user has as many Ksocks open as it may, on all buses together",
        "close some, or have the limit raised (module parameter kbus_max_user_ksocks)",
    ),
    ("Bind", "EDQUOT"): (
        "this user has as many bindings as it may, on all buses together",
        "undo some, or have the limit raised (module parameter kbus_max_user_bindings)",
    ),
    ("NewDevice", "EDQUOT"): (
        "this user has made as many buses as it may",
        "use one of them, or have the limit raised (module parameter kbus_max_user_buses)",
    ),
    ("Write", "EINVAL"): (
        "the message is not well formed, or has both ALL_OR_WAIT and ALL_OR_FAIL",
        "choose one of the two flags",
    ),
    ("Unbind", "EINVAL"): (
        "this Ksock is not bound to that name in that role",
        "unbind what was bound: the same name, the same role",
    ),
    ("Send", "EINVAL"): (
        "the message was not written entirely",
        "use a Ksock in one program at a time",
    ),
    ("Ask", "EINVAL"): (
        "the message was not written entirely",
        "use a Ksock in one program at a time",
    ),
    ("Answer", "EINVAL"): (
        "the message was not written entirely",
        "use a Ksock in one program at a time",
    ),
    ("MaxMessages", "EINVAL"): (
        "a queue has room for at least one message",
        "choose 1 or more",
    ),
    ("NewDevice", "EINVAL"): (
        "there are 256 buses, and there can be no more",
        "use one of them",
    ),
    ("MaxMessageSize", "EINVAL"): (
        "messages cannot be limited to this size",
        "choose at least 100 bytes, and no more than the largest that the module allows",
    ),
    ("Open", "EMFILE"): (
        "too many files are open",
        "close some, or raise the limit (ulimit -n)",
    ),
    ("Write", "EMSGSIZE"): (
        "the message is larger than this bus takes",
        "send less at a time, or raise the limit of the bus (MAXMSGSIZE)",
    ),
    ("Open", "ENFILE"): (
        "too many files are open",
        "close some, or raise the limit (ulimit -n)",
    ),
    ("Open", "ENODEV"): (
        "there is a device node but no bus behind it",
        "load the module (modprobe kbus); remove the node if it was made by hand",
    ),
    ("Open", "ENOENT"): (
        "there is no such bus",
        "load the module (modprobe kbus), or look which buses there are (ls /dev/kbus*)",
    ),
    ("Ask", "ENOLCK"): (
        "our own queue has no room for the answer",
        "read some messages first, or raise the limit of our queue (MAXMSGS)",
    ),
    ("Send", "ENOMSG"): (
        "there is no message to send",
        "use a Ksock in one program at a time",
    ),
    ("Ask", "ENOMSG"): (
        "there is no message to send",
        "use a Ksock in one program at a time",
    ),
    ("Answer", "ENOMSG"): (
        "there is no message to send",
        "use a Ksock in one program at a time",
    ),
    ("Open", "ENXIO"): (
        "there is a device node but no bus behind it",
        "load the module (modprobe kbus); remove the node if it was made by hand",
    ),
    ("RemoveDevice", "ENXIO"): (
        "there is no such bus",
        "look which buses there are (ls /dev/kbus*)",
    ),
    ("Open", "EPERM"): (
        "we may not use this bus",
        "run as a user whom the mode of the device node admits, or change the mode",
    ),
    ("Verbose", "EPERM"): (
        "this concerns all who use the bus, and here not everybody may do it",
        "let an administrator or the node's owner do it (module parameter kbus_settings)",
    ),
    ("NewDevice", "EPERM"): (
        "this concerns all who use the bus, and here not everybody may do it",
        "let an administrator or the node's owner do it (module parameter kbus_settings)",
    ),
    ("ReportReplierBinds", "EPERM"): (
        "this concerns all who use the bus, and here not everybody may do it",
        "let an administrator or the node's owner do it (module parameter kbus_settings)",
    ),
    ("MaxMessageSize", "EPERM"): (
        "this concerns all who use the bus, and here not everybody may do it",
        "let an administrator or the node's owner do it (module parameter kbus_settings)",
    ),
    ("RemoveDevice", "EPERM"): (
        "the bus is not one that we have made",
        "let who made it, or an administrator, remove it; those that the module began with stay",
    ),
    ("Ask", "EPIPE"): (
        "the name has another replier now than the one this conversation was with",
        "begin the conversation anew, with an ordinary request",
    ),
    ("", "EFAULT"): (
        "the kernel could not reach our memory",
        "report this as a bug",
    ),
    ("", "EINTR"): (
        "a signal came first",
        "try again",
    ),
    ("", "ENAMETOOLONG"): (
        "the name is too long",
        "use at most 1000 bytes",
    ),
    ("", "ENOMEM"): (
        "the kernel has no memory for it",
        "free some and try again",
    ),
    ("", "ENOTTY"): (
        "this is no KBUS device",
        "open /dev/kbus0, /dev/kbus1, ...",
    ),
}

# The same for the bus's answers to requests, by their names.
STATUSES = {
    "$.KBUS.Replier.GoneAway": (
        "the replier went away before it took the request",
        "start a replier for this name and ask again",
    ),
    "$.KBUS.Replier.Ignored": (
        "the replier took the request and did not answer it",
        "whether it was acted upon is not known",
    ),
    "$.KBUS.Replier.Unbound": (
        "the replier gave up the name before it took the request",
        "start a replier for this name and ask again",
    ),
    "$.KBUS.Replier.Disappeared": (
        "the recipient was gone before it could be sent",
        "start a replier for this name and ask again",
    ),
    "$.KBUS.ErrorSending": (
        "it was waiting to be sent and could not be",
        "send it again to learn the reason",
    ),
}
