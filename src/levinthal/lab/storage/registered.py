"""Frozen claims as a small file: written before a run, to commit or to send, and read back afterwards."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from levinthal.errors import InputError
from levinthal.lab.storage.claims import Frozen, hash_of
from levinthal.lab.storage.schema import project_version
from levinthal.shown import escaped_in_json

FORMAT = 1
KIND = "registered claims of a levinthal study"
NO_STORE = "no store was looked at"
_WAY_OUT = "make it with `levinthal study register`"


def file_text(claims: Frozen) -> str:
    """The text of the file: JSON with sorted keys, and a hash over all the rest.

    Args:
        claims: as they were frozen; their `time` is that of the file.

    Returns:
        The same text for the same claims, time and version of the package.
    """
    content = claims.content | {
        "kind": KIND,
        "format": FORMAT,
        "levinthal": project_version(),
        "date": claims.time,
        "finished runs": claims.finished,
        "claims hash": claims.hash,
    }
    if claims.finished is None:
        content["finished runs are null because"] = NO_STORE
    return (
        escaped_in_json(
            json.dumps(content | {"hash": hash_of(content)}, indent=1, sort_keys=True, ensure_ascii=False)
        )
        + "\n"
    )


def from_file(path: Path) -> Frozen:
    """Read such a file.

    Args:
        path: the file.

    Returns:
        The claims, with the time of the file as their `time`.

    Raises:
        InputError: the file is missing, is another kind of file, or was edited: its hash does not match.
    """
    content = _content(path)
    if content.get("kind") != KIND:
        raise InputError(f"{path} holds no registered claims: {_WAY_OUT}")
    if content.get("format") != FORMAT:
        found = content.get("format")
        raise InputError(f"{path} has format {found}; this levinthal reads {FORMAT}: upgrade levinthal")
    written = content.pop("hash", None)
    counted = _hash(content)
    if written != counted:
        short = f"{str(written)[:12]} in the file, {counted[:12]} of its content"
        raise InputError(f"{path} was edited after it was registered ({short}): pass the file as it was made")
    try:
        held = {name: content[name] for name in ("study", "version", "preset", "plan", "claims")}
        _require_time(path, content["date"])
        return Frozen(**held, time=content["date"], finished=content["finished runs"])
    except KeyError as error:
        raise InputError(f"{path} lacks {error}: {_WAY_OUT}") from error


def _require_time(path: Path, text: Any) -> None:
    try:
        known = datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise InputError(f"{path} has date {text!r}, which is no time with its zone: {_WAY_OUT}")


def _hash(content: dict[str, Any]) -> str:
    try:
        return hash_of(content)
    except ValueError:  # NaN and infinity are no JSON, and no claim has them
        return ""


def _content(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or a pipe"
        raise InputError(f"{path} is {kind}: {_WAY_OUT}")
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {_WAY_OUT}") from error
    except ValueError as error:  # bytes that are not UTF-8, or text that is not JSON
        raise InputError(f"{path} is not JSON: {_WAY_OUT}") from error
    return content if isinstance(content, dict) else {}
