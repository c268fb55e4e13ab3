"""Servers, mirrors, parts and folders that do what they should not while `levinthal data get` is at work."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.abuse import answers, parts, places, servers
from benchmarks.abuse.attack import Attack, command
from benchmarks.abuse.getting import GET, Getting, done, refused


def _answers() -> list[Attack]:
    found = [
        refused(case.kind, case.name, Getting(case.answering, scaled=case.scaled), *case.says)
        for case in answers.REFUSED
    ]
    return found + [
        done(case.kind, case.name, Getting(case.answering, scaled=case.scaled)) for case in answers.MENDED
    ]


def _redirects() -> list[Attack]:
    targets = {
        "file": "file:///etc/passwd",
        "ftp": "ftp://127.0.0.1/x",
        "http": "http://example.org/x",
        "another port": "http://127.0.0.1:9/x",
        "data": "data:text/plain,x",
        "javascript": "javascript:alert(1)",
        "nothing": "",
        "control characters": "https://\x1b[31m/\x07",
        "a port of words": "https://127.0.0.1:port/",
        "a bracket": "https://[::1/",
        "10,000 characters": "https://127.0.0.1/" + "a" * 10_000,
    }
    found = [
        refused("redirect", f"to {name}", Getting(servers.redirect(to, code)), "https")
        for name, to in targets.items()
        for code in (302, 308)
        if name not in ("nothing", "a port of words", "a bracket", "10,000 characters", "control characters")
    ]
    found += [
        refused("redirect", f"to {name}", Getting(servers.redirect(targets[name])))
        for name in ("nothing", "a port of words", "a bracket", "10,000 characters", "control characters")
    ]
    tls = {"a circle": servers.circle, "to http": servers.redirect("http://127.0.0.1:9/x")}
    found += [refused("redirect", f"{name}, from https", Getting(act, tls=True)) for name, act in tls.items()]
    found.append(done("redirect", "to https, from https", Getting(servers.onwards, tls=True)))
    found.append(refused("redirect", "without a place", Getting(servers.nowhere)))
    return found


def _addresses() -> list[Attack]:
    wrong = (
        "''", "ftp://127.0.0.1/", "file:///etc/", "127.0.0.1", "http://example.org/", "http://10.0.0.1/",
        "http://127.0.0.1.example.org/", "http://localhost.example.org/", "https://", "https:///x",
        "https://h:99999/", "https://h:port/", "https://[bad", "https://u:secret@example.org/",
        "https://h/?a=1", "https://h/#a", "'https://h/a b'", "https://h/\u202e", "https://h/\x1b[31m",
        "https://münchen.example/ä", "HTTP://EXAMPLE.ORG/", "javascript:alert(1)", "'https://h/a\nb'",
        "'https:\\\\h\\\\'", "http://0x7f.1/", "http://2130706433/",
        "http://127.0.0.1@example.org/", "https://h\x01/", "-1",
    )  # fmt: skip
    return [command("address", f"{GET} {text}", "base", name=ascii(text)[:60]) for text in wrong]


def _names() -> list[Attack]:
    wrong = (
        "''",
        "MNIST",
        "mnits",
        "../mnist",
        "/etc",
        "mnist/",
        "'mn ist'",
        "digits",
        "mnist\u202e",
        "a" * 9999,
    )
    return [command("data set", f"data get {text} --data-dir sets", name=text[:30]) for text in wrong] + [
        command("data set", "data get '[/red]' --data-dir sets", "unknown data set"),
        command("data set", "data get", "name"),
        command("data set", "data get mnist kmnist", "kmnist"),
    ]


def attacks() -> Sequence[Attack]:
    """Everything that can go wrong between a server and a folder."""
    return [*_answers(), *_redirects(), *_addresses(), *_names(), *parts.attacks(), *places.attacks()]
