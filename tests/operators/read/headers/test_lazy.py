"""A header whose elements are not made yet is pydicom's data set all the same, whoever asks for whatever of it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset, FileMetaDataset

from operators.read.attributes import integer, numbers, text, uid, values
from operators.read.headers.lazy import elements_of, is_implicit, lazy_elements_of, ordinary
from operators.read.headers.reader import HeaderReader
from operators.read.study import read_study
from operators.read.volume import read_volume
from phantoms.volumes.single_frame import write_ct
from tests.operators.read.headers.test_reader import (
    NATIVE,
    VALUES,
    assert_equal,
    character_sets,
    compare,
    instance,
    with_undefined_lengths,
)
from tests.operators.read.slices import AXIAL, ramp, save


def lazy_header(folder: Path) -> tuple[FileDataset, Path]:
    """A header like the one before it, so that none of its elements had to be made."""
    reader = HeaderReader()
    paths = [save(instance(number), folder / f"{number}.dcm") for number in (7, 8, 9)]
    header = [reader.read_lazily(path) for path in paths][-1].dataset
    assert lazy_elements_of(header) is not None
    return header, paths[-1]


def equal(header: FileDataset, path: Path) -> bool:
    return bool(header == dcmread(path, stop_before_pixels=True))


USES: list[Callable[[FileDataset, Path], bool]] = [
    equal,
    lambda header, path: equal(copy.copy(header), path),
    lambda header, path: equal(copy.deepcopy(header), path),
    lambda header, path: equal(pickle.loads(pickle.dumps(header)), path),
    lambda header, path: str(header) == str(dcmread(path, stop_before_pixels=True)),
    lambda header, path: list(header) == list(dcmread(path, stop_before_pixels=True)),
    lambda header, path: "ScanOptions" in header,
    lambda header, path: header["ScanOptions"].value == ["FS", "SAT1"],
    lambda header, path: header.ScanOptions == ["FS", "SAT1"],
    lambda header, path: header.filename == str(path),
    lambda header, path: vars(header)["timestamp"] == path.stat().st_mtime,
    lambda header, path: header.file_meta.MediaStorageSOPInstanceUID == "1.2.3.9",
    lambda header, path: header.__class__ is FileDataset,
]


@pytest.mark.parametrize("use", USES)
def test_whatever_is_asked_for_makes_it_an_ordinary_data_set(tmp_path: Path, use: Callable[..., bool]) -> None:
    header, path = lazy_header(tmp_path)
    assert isinstance(header, FileDataset)
    assert use(header, path)
    assert lazy_elements_of(header) is None
    assert header.file_meta.__class__ is FileMetaDataset
    assert "_lazy" not in vars(header)
    assert_equal(header, dcmread(path, stop_before_pixels=True))


def test_it_can_be_changed(tmp_path: Path) -> None:
    changed, path = lazy_header(tmp_path)
    changed.ScanOptions = "changed"
    shortened, _ = lazy_header(tmp_path)
    del shortened.ScanOptions
    emptied, _ = lazy_header(tmp_path)
    emptied["ScanOptions"].value = None
    untouched, _ = lazy_header(tmp_path)
    assert changed.ScanOptions == "changed"
    assert "ScanOptions" not in shortened
    assert emptied.ScanOptions is None
    assert equal(untouched, path)


def test_headers_that_share_elements_are_changed_one_by_one(tmp_path: Path) -> None:
    reader = HeaderReader()
    paths = [save(instance(number), tmp_path / f"{number}.dcm") for number in (1, 2, 3, 4)]
    headers = [reader.read_lazily(path).dataset for path in paths]
    headers[2].ScanOptions.append("changed")
    headers[2].file_meta.ImplementationVersionName = "changed"
    assert headers[3].ScanOptions == ["FS", "SAT1"]
    assert_equal(headers[3], dcmread(paths[3], stop_before_pixels=True))


def test_many_threads_get_the_same_header(tmp_path: Path) -> None:
    for number in range(20):
        header, _ = lazy_header(tmp_path)
        header_of_all: FileDataset = header

        def change(index: int, header: FileDataset = header_of_all) -> bool:
            header.add_new(0x00191000 + 0x10 + index, "LO", str(index))
            return integer(header, "InstanceNumber") == 9 and header.ScanOptions == ["FS", "SAT1"]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(change, range(8))), number
        assert [header[0x00191000 + 0x10 + index].value for index in range(8)] == [str(index) for index in range(8)]


def test_what_is_absent_is_told_without_making_anything(tmp_path: Path) -> None:
    header, _ = lazy_header(tmp_path)
    assert (numbers(header, "SliceThickness"), text(header, "StudyID"), uid(header, "ConcatenationUID")) == (
        (),
        None,
        None,
    )
    assert values(header, "PatientOrientation") == ()
    assert lazy_elements_of(header) is not None


def test_a_plain_series_is_read_without_making_its_headers(tmp_path: Path) -> None:
    write_ct(tmp_path, ramp("u2", (12, 6, 5)), AXIAL)
    study = read_study(tmp_path)
    read_volume(study.series[0])
    made = [instance for instance in study.instances if lazy_elements_of(instance.header) is None]
    # The first headers teach what varies; of one of each kind the values are worked out.
    assert len(made) < 8


@settings(max_examples=40, deadline=None)
@given(
    headers=st.lists(
        st.tuples(st.sampled_from(NATIVE), st.booleans(), st.fixed_dictionaries({}, optional=VALUES)),
        min_size=2,
        max_size=8,
    )
)
def test_elements_asked_for_by_tag_are_those_of_pydicom(
    headers: list[tuple[str, bool, dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("headers")
    reader = HeaderReader()
    for index, (syntax, undefined, attributes) in enumerate(headers):
        dataset = instance(**attributes)
        if undefined:
            with_undefined_lengths(dataset, True)
        path = save(dataset, folder / f"{index}.dcm", syntax)
        for _ in range(2):
            ours, file_meta, _offset = reader.read_lazily(path)
            reference = dcmread(path, stop_before_pixels=True)
            for mine, theirs in ((ours, reference), (file_meta, reference.file_meta)):
                # Of a tag that is in neither there is nothing.
                for tag in [*theirs.keys(), *instance(ImageComments="", WindowCenter=1).keys()]:
                    one, other = elements_of(mine).get(tag), theirs._dict.get(tag)
                    assert (one is None) == (other is None)
                    if isinstance(other, RawDataElement):
                        assert one[:4] == other[:4]
            assert is_implicit(ours) == reference.original_encoding[0]
            assert numbers(ours, "InstanceNumber") == numbers(reference, "InstanceNumber")
            assert_equal(ordinary(ours), reference)
            assert character_sets(ours) == character_sets(reference)


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    """Files of one kind each, in each encoding, with sequences of defined and of undefined length."""
    folder = tmp_path_factory.mktemp("neighbours")
    return [
        [
            save(with_undefined_lengths(instance(number), True) if undefined else instance(number), path, syntax)
            for number in (5, 6, 7, 8)
            for path in [folder / f"{syntax}{undefined}{number}.dcm"]
        ]
        for syntax in NATIVE
        for undefined in (False, True)
    ]


@settings(max_examples=300, deadline=None)
@given(
    kind=st.integers(0, 3),
    changes=st.lists(
        st.tuples(
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 4),
            st.one_of(st.none(), st.binary(max_size=4), st.sampled_from([b"\xff\xff\xff\xff", b"SQ", b"UN", b"\0\0"])),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_a_damaged_file_among_known_ones_reads_as_with_pydicom(
    kind: int,
    changes: list[tuple[float, int, bytes | None]],
    neighbours: list[list[Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    reader = HeaderReader()
    for path in neighbours[kind]:
        reader.read_lazily(path)
    content = bytearray(neighbours[kind][-1].read_bytes())
    for place, count, inserted in changes:
        at = 132 + int(place * (len(content) - 132))
        # Without an insertion the bytes are overwritten, so that everything else stays where it was.
        content[at : at + count] = bytes(reversed(content[at : at + count])) if inserted is None else inserted
    path = tmp_path_factory.mktemp("damaged") / "damaged.dcm"
    path.write_bytes(content)
    compare(reader, path)
    compare(reader, neighbours[kind][0])
