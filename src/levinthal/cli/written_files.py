"""Options that name a file or a folder that is written: what may be said, before the command begins."""

from __future__ import annotations

from levinthal.cli.last_word import last_word
from levinthal.errors import StoreError
from levinthal.written_files import named_file, named_path, store_path

file_option = last_word(lambda token: named_file(token.value, StoreError))
"""A file: no folder, no address."""
store_option = last_word(lambda token: store_path(token.value))
"""A store: no device, no folder, no `:memory:`."""
folder_option = last_word(lambda token: named_path(token.value, StoreError))
"""A folder: no address, no home of nobody."""
