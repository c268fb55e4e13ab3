"""The documentation site: Sphinx reads the Markdown files of this folder. `python3 dev.py docs` builds it."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

from levinthal.figures.palette import DARK, LIGHT

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "levinthal"
copyright = "the authors of levinthal, MIT licence"
version = release = installed("levinthal")

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.githubpages",
    "api_pages",
    "gallery_pages",
    "repository_pages",
]
exclude_patterns = ["_*"]
root_doc = "index"

myst_enable_extensions = ["colon_fence", "attrs_block", "attrs_inline"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
default_role = "code"
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "levinthal"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "native"


def variables(colours: dict[str, str]) -> dict[str, str]:
    """The theme's variables in the colours of our reports; every colour is there under its own name too."""
    return colours | {
        "color-background-primary": colours["paper"],
        "color-background-secondary": colours["raised"],
        "color-background-border": colours["rule"],
        "color-foreground-primary": colours["ink"],
        "color-foreground-secondary": colours["muted"],
        "color-foreground-muted": colours["muted"],
        "color-code-background": colours["raised"],
        "color-code-foreground": colours["ink"],
        "color-inline-code-background": colours["raised"],
        "color-api-name": colours["accent"],
        "color-api-pre-name": colours["muted"],
        "color-brand-primary": colours["accent"],
        "color-brand-content": colours["accent"],
        "color-brand-visited": colours["accent"],
    }


html_theme_options = {
    "light_css_variables": variables(dict(LIGHT)),
    "dark_css_variables": variables(dict(DARK)),
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
}
