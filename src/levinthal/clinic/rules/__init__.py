"""Rules, one family a module: a context in, findings out. A rule stands beside the kind that it reports."""
