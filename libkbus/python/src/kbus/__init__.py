# SPDX-License-Identifier: GPL-2.0-only
"""KBUS: named messages between the processes of a machine, through the kernel.

>>> import kbus
>>> kbus.Message('$.Lamp.Kitchen', 'on')
Message('$.Lamp.Kitchen', data=b'on')

A Ksock sends and receives them. For asyncio there is kbus.aio, which is
imported only when it is asked for, since asyncio takes its time to start.
The specification, of which docstrings name sections, is kmod/uapi/kbus-abi.md
where this package comes from.
"""

from __future__ import annotations

from .errors import *
from .errors import __all__ as _errors
from .ksock import *
from .ksock import __all__ as _ksock
from .messages import *
from .messages import __all__ as _messages
from .replier import *
from .replier import __all__ as _replier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import aio as aio

__all__ = [*_ksock, *_messages, *_errors, *_replier]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "aio":
        import importlib

        return importlib.import_module(".aio", __name__)
    raise AttributeError("module 'kbus' has no attribute %r" % name)
