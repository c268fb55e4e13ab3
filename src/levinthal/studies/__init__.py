"""One study a file, all alike, found by walking the chapters."""
