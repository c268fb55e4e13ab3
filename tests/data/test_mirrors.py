from __future__ import annotations

import http.client
import io

import pytest

from levinthal.data import mirrors
from levinthal.data.mirrors import MirrorError, ask, checked_address, reason
from levinthal.errors import InputError


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org:8443/a/",
        "http://localhost:8000",
        "http://[::1]:1/",
        "http://127.9.9.9",
    ],
)
def test_https_and_this_machine_are_taken(address: str) -> None:
    assert checked_address(address) == address


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://example.org/", "is not encrypted"),
        ("http://127.0.0.1.example.org/", "is not encrypted"),
        ("http://2130706433/", "is not encrypted"),
        ("ftp://127.0.0.1/", "begins with https"),
        ("https://", "begins with https"),
        ("https://h:99999/", "cannot be read"),
        ("https://[bad", "cannot be read"),
        ("https://h/?a=1", "a query"),
        ("https://h/a b", "characters that no address has"),
        ("https://h/\u202e", "characters that no address has"),
        ("https://h/\x1b[31m", "characters that no address has"),
        ("", "begins with https"),
        (5, "is not text"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(address: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        checked_address(address)
    assert str(caught.value).isprintable()


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InputError, match=r"^the base URL holds a user name") as caught:
        checked_address("https://ada:secret@example.org/")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("to", ["http://127.0.0.1:9/x", "ftp://127.0.0.1/x"])
def test_a_redirect_to_anything_but_https_is_not_followed(to: str) -> None:
    handler = mirrors._HttpsAlone()
    with pytest.raises(MirrorError, match="HTTP 302, and not to an https address but to"):
        handler.redirect_request(None, None, 302, "Found", {}, to)  # type: ignore[arg-type]


def test_the_words_of_a_server_are_shown_as_text_and_not_at_length() -> None:
    assert reason(http.client.BadStatusLine("\x1b[31mred\x07")) == "red"
    assert len(reason(ValueError("a" * 9999))) == 200


def test_what_cannot_be_reached_is_one_line(server) -> None:
    server.files = {"/file": b"x"}
    server.next(status=503)
    with pytest.raises(MirrorError, match="HTTP 503 Service Unavailable"):
        ask(f"{server.url}/file", start=0, validator="", most=10)


def test_too_many_bytes_too_slow_and_too_long_end_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = mirrors._Meter(io.BytesIO(bytes(99)), 50)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="it sends more than 50 bytes"):
        meter.readinto(bytearray(99))
    meter = mirrors._Meter(io.BytesIO(b""), 10**9)  # type: ignore[arg-type]
    meter._count(20_000, meter.begun + mirrors.WINDOW + 0.1)
    with pytest.raises(OSError, match="too slow: 100 bytes in 15 s"):
        meter._count(100, meter.since + mirrors.WINDOW)
    with pytest.raises(OSError, match="not done after 3600 s"):
        meter._count(10**6, meter.begun + mirrors.LONGEST + 1)
