"""Rules, family by family: a chart in, findings out. A rule and the kind that it reports stand together."""
