# SPDX-License-Identifier: GPL-2.0-only
"""The vectors that every language is tested against; see their README.md."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

VECTORS = Path(os.environ.get("KBUS_VECTORS") or Path(__file__).resolve().parents[2] / "vectors")


def vectors(name: str) -> Any:
    """What is in one of the files."""
    return json.loads((VECTORS / (name + ".json")).read_text(encoding="utf-8"))


def text(name: Any) -> str:
    """A name, which may be written as a repetition."""
    if isinstance(name, str):
        return name
    return str(name["before"] + name["repeat"] * name["times"] + name["after"])


def number(name: Optional[str]) -> Optional[int]:
    """An errno, of which the name is given."""
    return None if name is None else int(getattr(errno, name))


def names() -> Iterator[Tuple[str, Optional[int], Optional[int]]]:
    """Each name, the errno of binding to it, and that of sending a message."""
    for row in vectors("names")["names"]:
        yield text(row["name"]), number(row["bind"]), number(row["send"])
