from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.node.web.multipart import MAXIMUM_HEADER_BYTES, MultipartError, MultipartParser


class Parts:
    """What a parser tells."""

    def __init__(self) -> None:
        self.parts: list[tuple[dict[str, str], bytes, bool]] = []

    def part_begun(self, fields: Mapping[str, str]) -> None:
        self.parts.append((dict(fields), b"", False))

    def part_data(self, data: bytes) -> None:
        fields, content, _ = self.parts[-1]
        self.parts[-1] = fields, content + data, False

    def part_ended(self) -> None:
        fields, content, _ = self.parts[-1]
        self.parts[-1] = fields, content, True


def parse(pieces: Iterable[bytes], boundary: str = "B") -> list[tuple[dict[str, str], bytes, bool]]:
    parts = Parts()
    parser = MultipartParser(boundary, parts)
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    return parts.parts


@given(
    contents=st.lists(st.binary(max_size=80) | st.sampled_from([b"\r\n", b"\r\n--", b"--B", b"\r\n--A", b""])),
    cuts=st.lists(st.integers(1, 30)),
    preamble=st.sampled_from([b"", b"\r\n", b"to be ignored\r\n"]),
    epilogue=st.sampled_from([b"", b"\r\n", b"\r\nignored, too\r\n--B\r\n\r\nx"]),
)
def test_parts_come_out_as_they_went_in_however_they_are_cut(
    contents: list[bytes], cuts: list[int], preamble: bytes, epilogue: bytes
) -> None:
    boundary = "Bound-ary/9"
    body = preamble
    for number, content in enumerate(contents):
        line_break = b"\r\n" if number or (preamble and not preamble.endswith(b"\r\n")) else b""
        body += (
            line_break + f"--{boundary}\r\nContent-Type: application/dicom\r\nX: {number}\r\n\r\n".encode() + content
        )
    body += (b"\r\n" if contents else b"") + f"--{boundary}--".encode() + epilogue
    pieces: list[bytes] = []
    while body:
        length = cuts[len(pieces) % len(cuts)] if cuts else len(body)
        pieces.append(body[:length])
        body = body[length:]
    assert parse(pieces, boundary) == [
        ({"content-type": "application/dicom", "x": str(number)}, content, True)
        for number, content in enumerate(contents)
    ]


def test_what_senders_do_is_understood() -> None:
    assert parse([b"--B\r\n\r\nplain\r\n--B--"]) == [({}, b"plain", True)]
    assert parse([b"--B  \t\r\nA:b\r\n\r\n\r\n--B--"]) == [({"a": "b"}, b"", True)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--B",
        b"--B\r\nA: b\r\n\r\nhalf",
        b"--B\r\nA: b\r\n\r\nhalf\r\n--B",
        b"--Bother\r\n\r\nx\r\n--B--",
        b"--B\r\nno field\r\n\r\nx\r\n--B--",
        b"--B\r\nA: " + b"b" * MAXIMUM_HEADER_BYTES + b"\r\n\r\nx\r\n--B--",
        b"--B\r\n" + b"b" * 2 * MAXIMUM_HEADER_BYTES,
        b"--B" + b" " * 2 * MAXIMUM_HEADER_BYTES,
    ],
)
def test_a_broken_body_is_an_error(body: bytes) -> None:
    with pytest.raises(MultipartError):
        parse([body])
    with pytest.raises(MultipartError):
        parse(bytes([each]) for each in body)


@pytest.mark.parametrize("boundary", ["", "x" * 201, "ä", "a\r\nb"])
def test_what_cannot_be_a_boundary_is_an_error(boundary: str) -> None:
    with pytest.raises(MultipartError):
        MultipartParser(boundary, Parts())


@given(st.binary(max_size=200))
def test_any_bytes_are_parts_or_an_error(body: bytes) -> None:
    with contextlib.suppress(MultipartError):
        parse([body])
