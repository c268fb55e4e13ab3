"""How findings are shown: summary, terminal, notebook, page and its figures."""
