"""`levinthal study new`: a whole study that runs, written to a file of one's own to be changed."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from levinthal.cli.terminal import stdout
from levinthal.cli.written_files import folder_option
from levinthal.errors import InputError, require_one_of
from levinthal.vocabulary.studies import NAME
from levinthal.written_files import new_file

TEMPLATES = {"computed": "keep-length", "trained": "momentum-speed"}
"""Template -> the name that its study has in the documentation."""

NewName = Annotated[str, Parameter(help="The name of the new study, such as `wide-layers`.")]
Template = Annotated[
    str,
    Parameter(
        help="`computed`: a study without a data set. `trained`: a study that trains networks on digits."
    ),
]
Folder = Annotated[Path, Parameter(help="The folder for the file.", converter=folder_option)]


def new(name: NewName, /, *, template: Template = "computed", folder: Folder = Path()) -> None:
    """Write a new study as a file of your own: `wide_layers.py` for `wide-layers`. It runs as it is."""
    text = skeleton(name, template)
    path = _free(name, folder)
    new_file(path, text)
    stdout().print(f"{path} written: it runs as it stands; change it part by part.", soft_wrap=True)
    stdout().print(f"  levinthal study run {path}", soft_wrap=True)
    stdout().print("What each part is for: docs/write-a-study.md", soft_wrap=True)


def skeleton(name: str, template: str) -> str:
    """The text of a new study.

    Args:
        name: the name of the study: small letters, digits and hyphens.
        template: "computed" or "trained".

    Returns:
        The file of that template, with the name of the study in it.

    Raises:
        InputError: a name that no study can have, or an unknown template.
    """
    require_one_of("template", template, TEMPLATES)
    if not re.fullmatch(NAME, name):
        raise InputError(
            f"'{name}' is no name of a study: use small letters, digits and hyphens{_near(name)}"
        )
    text = files("levinthal.cli.templates").joinpath(f"{template}.py").read_text(encoding="utf-8")
    return text.replace(f'name="{TEMPLATES[template]}"', f'name="{name}"')


def _near(name: str) -> str:
    near = re.sub(r"[^a-z0-9]+", "-", name.removesuffix(".py").lower()).strip("-0123456789")
    return f", such as '{near}'" if near else ""


def _free(name: str, folder: Path) -> Path:
    """The path of the new file, which must not exist yet nor hide a module of that name."""
    from levinthal.studies import all_studies

    path = folder / f"{name.replace('-', '_')}.py"
    if keyword.iskeyword(path.stem):
        raise InputError(f"'{path.stem}' is a keyword of Python, no file can have its name: choose another")
    if name in all_studies():
        raise InputError(f"'{name}' is a study of levinthal: choose another name")
    if os.path.lexists(path):  # also a link to nothing, which would be written through
        raise InputError(f"{path} exists: choose another name, or move that file away")
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: make it, or give another with --folder")
    if importlib.util.find_spec(path.stem):
        raise InputError(f"'{path.stem}' is the name of another Python module: choose another name")
    return path
