"""Texts that do more than be read: in a terminal, a page, Markdown, a table, a template."""

from __future__ import annotations

MARK = "Zq7"
"""Each text begins with it, so that one finds where it is shown."""
HOST = "hostile.example"

TEXTS = {
    "colours": "\x1b[31mred\x1b[0m\x1b[2J",
    "a link (OSC 8)": f"\x1b]8;;http://{HOST}\x1b\\click\x1b]8;;\x1b\\",
    "a title (OSC 0)": "\x1b]0;title\x07",
    "8-bit controls": "\x9b31m\x9d0;title\x9c",
    "a return": "bad\rgood",
    "backspaces": "bad\b\b\bgood",
    "a bell and a NUL": "\x07\x00",
    "turned text": "\u202etxt.exe\u202c\u2066x\u2069",
    "no width": "a\u200bb\u200dc\ufeffd\u2060e",
    "end of line": "a\nHOSTILE: all is well\n\n# HOSTILE\n| HOSTILE |\n",
    "other ends of line": "a\x0bHOSTILE\x0cHOSTILE\x85HOSTILE\u2028HOSTILE\u2029HOSTILE",
    "rich": "[bold red]x[/bold red][link=http://x]y[/link]",
    "rich, closed only": "[/red]",
    "jinja": "{{ 7 * 191 }}{% for x in y %}{{ config }}",
    "format": "{0} %s %(x)s {x!r} ${HOME} $(id) `id`",
    "HTML": "</script></style></title></textarea>--><hostile onhostile=1><img src=x onerror=alert(1)>",
    "HTML, attributes": "\" onhostile=\"1\" x=' onhostile='1' ><hostile>",
    "HTML, entities": "&lt;hostile&gt;&#60;hostile&#62;<a href='javascript:hostile()'>x</a>",
    "Markdown": f"|a|`b` ``` ![x](http://{HOST}/x.png) [y](javascript:hostile()) *z* <hostile>",
    "a formula": "=cmd|' /C calc'!A0",
    "long": "a" * 10_000,
    "half of a pair": "\ud800\udfff\udc80",
    "right to left, emoji": "\u05d0\u05d1 \u0645 \U0001f600\U0001f468",
    "combining": "a" + "\u0301" * 500,
}
FORMULAS = {"equals": "=1+cmd|'x'!A0", "plus": "+1+1", "minus": "-1+1", "at": "@SUM(1)", "tab": "\t=1+1"}
"""Texts that a spreadsheet runs; these stand without the mark."""
