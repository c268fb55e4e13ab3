"""Files that are written: whole or not at all, and never in the place of something that is not ours.

A path is looked at before the work begins (`writable`) and again when the file is written (`whole_file`). A
link is followed, and stays. Devices, pipes, sockets, folders and `/proc` are refused. A file that is there is
replaced only where we wrote it, which is known by what it holds (`Ours`).
"""

from __future__ import annotations

from levinthal.written_files.names import named_file, named_path, plain_name
from levinthal.written_files.places import make_folder, require_apart, store_path
from levinthal.written_files.whole import new_file, whole_file, writable, write_whole

__all__ = [
    "make_folder",
    "named_file",
    "named_path",
    "new_file",
    "plain_name",
    "require_apart",
    "store_path",
    "whole_file",
    "writable",
    "write_whole",
]
