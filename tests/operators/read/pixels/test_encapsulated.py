"""Which fragments are which frame: offset tables, fragmented frames, and what cannot be told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, uid
from pydicom.encaps import generate_fragments, parse_basic_offsets

from operators.read.pixels.encapsulated import frames_of, read_fragments
from operators.read.pixels.stored_values import pixel_format
from operators.refused import Reason, Refused
from phantoms.frames.pictures import greys
from tests.operators.read.encoded_pictures import compressed, encapsulated, htj2k, instance_at, picture, stored

ARRAY = greys(40, 40, 4, bits=12)


@pytest.mark.parametrize("table", ["basic", "extended", "none"])
@pytest.mark.parametrize("fragments", [1, 3])
def test_frames_are_found(tmp_path: Path, table: str, fragments: int) -> None:
    if table == "extended" and fragments > 1:
        fragments = 1  # an extended table allows one fragment for each frame only (PS3.5 section A.4)
    path = encapsulated(
        picture(ARRAY, bits=12),
        tmp_path / "image.dcm",
        uid.HTJ2KLossless,
        htj2k(ARRAY),
        fragments=fragments,
        table=table,
    )
    content = dcmread(path).PixelData
    # The first item is the table.
    assert len(list(generate_fragments(content))) == 1 + 4 * fragments
    assert len(parse_basic_offsets(content)) == (4 if table == "basic" else 0)
    np.testing.assert_array_equal(stored(path), ARRAY)


def test_a_frame_of_several_fragments(tmp_path: Path) -> None:
    for table in ("basic", "none"):
        path = encapsulated(
            picture(ARRAY[:1], bits=12),
            tmp_path / "image.dcm",
            uid.HTJ2KLossless,
            htj2k(ARRAY[:1]),
            fragments=5,
            table=table,
        )
        np.testing.assert_array_equal(stored(path), ARRAY[:1])


def test_a_table_that_points_nowhere_does_not_count(tmp_path: Path) -> None:
    """Seen where the offsets of more than 4 GiB ran over, or count from another place."""
    path = compressed(picture(ARRAY, bits=12), tmp_path / "image.dcm", uid.RLELossless)
    content = path.read_bytes()
    table = content.index(b"\xfe\xff\x00\xe0\x10\x00\x00\x00") + 8
    for wrong in ([0, 1, 2, 3], [8, 16, 24, 32], [0, 0, 0, 0], [2**32 - 1] * 4):
        path.write_bytes(content[:table] + np.array(wrong, "<u4").tobytes() + content[table + 16 :])
        np.testing.assert_array_equal(stored(path), ARRAY)


def test_fewer_fragments_than_frames_are_refused(tmp_path: Path) -> None:
    path = encapsulated(
        picture(ARRAY, bits=12), tmp_path / "image.dcm", uid.HTJ2KLossless, htj2k(ARRAY[:3]), table="none"
    )
    with pytest.raises(Refused, match="holds 3 fragments of pixel data, its header announces 4 frames") as refused:
        stored(path)
    assert refused.value.reason is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize("table", ["basic", "none"])
def test_frames_that_cannot_be_told_apart_are_refused(tmp_path: Path, table: str) -> None:
    path = encapsulated(
        picture(ARRAY, bits=12, NumberOfFrames=3), tmp_path / "image.dcm", uid.HTJ2KLossless, htj2k(ARRAY), table=table
    )
    with pytest.raises(Refused, match="4 fragments of pixel data cannot be shared out to 3 frames") as refused:
        stored(path)
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_more_frames_than_one_are_no_one_frame(tmp_path: Path) -> None:
    """Joined as fragments of one frame, the decoder would read the first and keep silent about the rest."""
    instance = picture(ARRAY, bits=12, NumberOfFrames=1)
    path = encapsulated(instance, tmp_path / "image.dcm", uid.HTJ2KLossless, htj2k(ARRAY))
    with pytest.raises(Refused, match="4 frames") as refused:
        stored(path)
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_fragments_are_read_without_the_rest(tmp_path: Path) -> None:
    streams = htj2k(ARRAY)
    path = encapsulated(picture(ARRAY, bits=12), tmp_path / "image.dcm", uid.HTJ2KLossless, streams, fragments=2)
    instance = instance_at(path)
    located = frames_of(instance, pixel_format(instance))
    assert [len(fragments) for fragments in located] == [2] * 4
    for fragments, stream in zip(located, streams, strict=True):
        assert read_fragments(instance, fragments).startswith(stream)
