"""Several volumes in one series, copies, localizers, kernels: told apart, left out or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.read.rules import ReadingRules
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume, read_volumes, stacked
from operators.refused import Reason, Refused
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.single_frame import write_ct, write_mr, write_pet
from tests.operators.read.second_readers import volume_of
from tests.operators.read.slices import AXIAL, ramp, rotated

SHAPE = (4, 6, 5)
OBLIQUE = rotated(AXIAL, 15.0, (1.0, 0.2, 0.1))


def write_volumes(folder: Path, *attributes: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    """One MR volume for each of `attributes`, all in one series; their instances interleave in a reader's order."""
    arrays = []
    for number, changes in enumerate(attributes):
        array = ramp("u2", SHAPE, start=600 * number)
        write_mr(folder / str(number), array, OBLIQUE, first_number=1 + number * SHAPE[0], **changes)
        arrays.append(array)
    return arrays


def volumes_of(folder: Path, **rules: Any) -> tuple[Volume, ...]:
    (series,) = read_study(folder).series
    return read_volumes(series, ReadingRules(**rules))


def refusal(folder: Path, **rules: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        volume_of(folder, ReadingRules(**rules))
    return refused.value


@pytest.mark.parametrize(
    ("attributes", "name", "values", "said"),
    [
        ("DiffusionBValue", "b_value", [0.0, 500.0, 1000.0], "b-value 0, 500, 1000 s/mm²"),
        ("EchoTime", "echo_time", [12.0, 85.0], "echo time 12, 85 ms"),
        ("TemporalPositionIdentifier", "temporal_position", [1, 2, 3], "temporal position 1, 2, 3"),
        ("TriggerTime", "trigger_time", [0.0, 35.5, 71.0], "trigger time 0, 35.5, 71 ms"),
        ("InversionTime", "inversion_time", [100.0, 900.0], "inversion time 100, 900 ms"),
        ("FlipAngle", "flip_angle", [4.0, 24.0], "flip angle 4, 24 °"),
        ("AcquisitionNumber", "acquisition_number", [1, 2], "acquisition number 1, 2"),
        (
            "ImageType",
            "image_type",
            ["ORIGINAL\\PRIMARY\\M\\ND", "ORIGINAL\\PRIMARY\\P\\ND"],
            r"image type ORIGINAL\PRIMARY\M\ND, ORIGINAL\PRIMARY\P\ND",
        ),
    ],
)
def test_each_dimension_makes_a_labelled_stack_and_a_refusal_that_names_it(
    tmp_path: Path, attributes: str, name: str, values: list[Any], said: str
) -> None:
    arrays = write_volumes(tmp_path, *({attributes: value} for value in values))
    volumes = volumes_of(tmp_path)
    assert [volume.label for volume in volumes] == [{name: value} for value in values]
    np.testing.assert_array_equal(stacked(volumes), arrays)
    assert np.shares_memory(stacked(volumes), volumes[0].array)
    for volume in volumes:
        np.testing.assert_allclose(volume.affine, OBLIQUE, rtol=0, atol=1e-9)

    refused = refusal(tmp_path)
    assert refused.reason is Reason.SEVERAL_VOLUMES
    assert refused.detail == f"the series holds {len(values)} volumes: {said}"

    chosen = volume_of(tmp_path, ReadingRules(choose={name: values[1]}))
    np.testing.assert_array_equal(chosen.array, arrays[1])


def test_the_private_b_values_of_siemens_and_ge_are_known(tmp_path: Path) -> None:
    for creator, group, element, values in (
        ("SIEMENS MR HEADER", 0x0019, 0x0C, ["0", "800"]),
        ("GEMS_PARM_01", 0x0043, 0x39, [["1000000000", "8", "0", "0"], ["1000000800", "8", "0", "0"]]),
    ):
        folder = tmp_path / creator
        arrays = write_volumes(folder, {}, {})
        for number, value in enumerate(values):
            for path in (folder / str(number)).iterdir():
                add_private(path, creator, group, element, value)
        volumes = volumes_of(folder)
        assert [volume.label for volume in volumes] == [{"b_value": 0.0}, {"b_value": 800.0}]
        np.testing.assert_array_equal(stacked(volumes), arrays)


def add_private(path: Path, creator: str, group: int, element: int, value: Any) -> None:
    from pydicom import dcmread

    instance = dcmread(path)
    instance.private_block(group, creator, create=True).add_new(element, "IS", value)
    instance.save_as(path)


def test_directions_of_diffusion_are_told_apart_beside_the_b_value(tmp_path: Path) -> None:
    directions = [None, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    arrays = write_volumes(
        tmp_path,
        *(
            {"DiffusionBValue": 0.0 if one is None else 1000.0, "DiffusionGradientOrientation": one}
            for one in directions
        ),
    )
    volumes = volumes_of(tmp_path)
    assert [volume.label["b_value"] for volume in volumes] == [0.0, 1000.0, 1000.0]
    assert {volume.label["gradient_direction"] for volume in volumes[1:]} == {(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)}
    by_direction = {volume.label["gradient_direction"]: volume for volume in volumes}
    np.testing.assert_array_equal(by_direction[1.0, 0.0, 0.0].array, arrays[1])
    # Two volumes have this b-value: one choice is not enough.
    assert refusal(tmp_path, choose={"b_value": 1000}).reason is Reason.SEVERAL_VOLUMES
    np.testing.assert_array_equal(volume_of(tmp_path, ReadingRules(choose={"b_value": "lowest"})).array, arrays[0])


def test_two_dimensions_that_vary_independently(tmp_path: Path) -> None:
    arrays = write_volumes(
        tmp_path,
        *({"EchoTime": echo, "TemporalPositionIdentifier": time} for echo in (10.0, 20.0) for time in (1, 2, 3)),
    )
    volumes = volumes_of(tmp_path)
    assert [volume.label for volume in volumes] == [
        {"echo_time": echo, "temporal_position": time} for echo in (10.0, 20.0) for time in (1.0, 2.0, 3.0)
    ]
    np.testing.assert_array_equal(stacked(volumes), arrays)
    chosen = volume_of(tmp_path, ReadingRules(choose={"echo_time": "highest", "temporal_position": 2}))
    np.testing.assert_array_equal(chosen.array, arrays[4])
    assert chosen.label == {"echo_time": 20.0, "temporal_position": 2.0}


@settings(deadline=None, max_examples=15)
@given(order=st.permutations(range(12)), volumes=st.integers(2, 3))
def test_the_order_of_files_and_numbers_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], volumes: int
) -> None:
    folder = tmp_path_factory.mktemp("series")
    arrays = [ramp("u2", (4, 3, 2), start=500 * volume) for volume in range(volumes)]
    for volume, array in enumerate(arrays):
        numbers = [order[4 * volume + index] + 1 for index in range(4)]

        def each(index: int, numbers: list[int] = numbers, volume: int = volume) -> dict[str, Any]:
            return {"InstanceNumber": numbers[index], "DiffusionBValue": 500.0 * volume}

        write_mr(folder / str(volume), array, OBLIQUE, first_number=1 + 4 * volume, each=each)
    read = volumes_of(folder)
    assert [volume.label["b_value"] for volume in read] == [500.0 * volume for volume in range(volumes)]
    np.testing.assert_array_equal(stacked(read), arrays)


def test_volumes_that_only_their_times_tell_apart(tmp_path: Path) -> None:
    """Slices of an interleaved dynamic acquisition, each with a time of its own, numbered by position."""
    arrays = [ramp("u2", SHAPE, start=600 * volume) for volume in range(3)]
    for volume, array in enumerate(arrays):

        def each(index: int, volume: int = volume) -> dict[str, Any]:
            return {
                "InstanceNumber": 1 + 3 * index + (volume + index) % 3,
                "AcquisitionTime": f"1000{10 * volume + (index % 2) * 5 + index:02d}.25",
            }

        write_mr(tmp_path / str(volume), array, OBLIQUE, first_number=1 + 4 * volume, each=each)
    volumes = volumes_of(tmp_path)
    assert [volume.label for volume in volumes] == [{"acquisition_order": 1.0 + volume} for volume in range(3)]
    np.testing.assert_array_equal(stacked(volumes), arrays)
    assert "order of acquisition 1, 2, 3" in refusal(tmp_path).detail
    for wanted, expected in ((2, 1), ("highest", 2), ("lowest", 0)):
        chosen = volume_of(tmp_path, ReadingRules(choose={"acquisition_order": wanted}))
        np.testing.assert_array_equal(chosen.array, arrays[expected])
    assert refusal(tmp_path, choose={"acquisition_order": 4}).reason is Reason.NO_SUCH_VOLUME


def test_a_slice_that_was_acquired_again_is_no_volume(tmp_path: Path) -> None:
    array = ramp("u2", SHAPE)
    write_mr(tmp_path / "first", array, OBLIQUE)
    write_mr(tmp_path / "again", array[:1] + np.uint16(1), OBLIQUE, first_number=9, AcquisitionTime="101500")
    assert refusal(tmp_path).reason is Reason.DUPLICATE_POSITION


def test_the_volumes_of_an_enhanced_object(tmp_path: Path) -> None:
    stored = np.stack([ramp("u2", SHAPE), ramp("u2", SHAPE, start=1000)])
    write_enhanced_mr(tmp_path, stored, OBLIQUE, b_values=[0, 1000], order=[2, 0, 3, 1])
    refused = refusal(tmp_path)
    assert refused.reason is Reason.SEVERAL_VOLUMES
    assert "b-value 0, 1000 s/mm²" in refused.detail
    chosen = volume_of(tmp_path, ReadingRules(choose={"b_value": 1000.0}))
    np.testing.assert_array_equal(chosen.array, stored[1])
    assert [item.frame for item in chosen.slices] == [5, 7, 4, 6]
    assert len(chosen.instances) == 1


def test_a_choice_that_is_not_there_is_refused_with_what_there_is(tmp_path: Path) -> None:
    write_volumes(tmp_path, {"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0})
    refused = refusal(tmp_path, choose={"b_value": 800})
    assert refused.reason is Reason.NO_SUCH_VOLUME
    assert refused.detail == "no slice has the b-value 800: the series has 0, 1000"
    # A text chooses no number, and is shown to be one.
    refused = refusal(tmp_path, choose={"b_value": "1000"})
    assert refused.detail == "no slice has the b-value '1000': the series has 0, 1000"
    # An app that asks for a b-value must not get a series without any.
    assert refusal(tmp_path, choose={"cardiac_phase": "lowest"}).reason is Reason.NO_SUCH_VOLUME


def test_a_volume_that_lacks_a_slice_is_told(tmp_path: Path) -> None:
    write_volumes(tmp_path, {"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0})
    (tmp_path / "1" / "0007.dcm").unlink()
    (series,) = read_study(tmp_path).series
    with pytest.raises(Refused) as refused:
        read_volumes(series)
    assert refused.value.reason is Reason.MISSING_SLICE
    assert refused.value.detail == (
        "1 of 2 volumes are incomplete: 1 of 4 slices are missing in that of b-value 1000 s/mm²"
    )
    # The complete one can still be asked for, the other one is refused for what it lacks.
    volume_of(tmp_path, ReadingRules(choose={"b_value": 0}))
    assert refusal(tmp_path, choose={"b_value": 1000}).reason is Reason.MISSING_SLICE


def test_volumes_of_one_plane_that_lie_beside_each_other_are_refused(tmp_path: Path) -> None:
    aside = OBLIQUE.copy()
    aside[:3, 3] += 2 * OBLIQUE[:3, 0]
    write_mr(tmp_path / "0", ramp("u2", SHAPE), OBLIQUE, DiffusionBValue=0.0)
    write_mr(tmp_path / "1", ramp("u2", SHAPE), aside, first_number=5, DiffusionBValue=1000.0)
    (series,) = read_study(tmp_path).series
    with pytest.raises(Refused, match=r"1\.800 mm beside") as refused:
        read_volumes(series)
    assert refused.value.reason is Reason.DUPLICATE_POSITION


def test_copies_of_slices_are_kept_once_and_named(tmp_path: Path) -> None:
    array = ramp("u2", SHAPE)
    write_mr(tmp_path / "first", array, OBLIQUE)
    write_mr(tmp_path / "again", array[1:3], moved(OBLIQUE, 1), first_number=11)
    volume = volume_of(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, OBLIQUE, rtol=0, atol=1e-9)
    assert [(item.name, item.reason) for item in volume.left_out] == [
        ("instance 11", "a copy of another slice"),
        ("instance 12", "a copy of another slice"),
    ]


def test_copies_within_one_of_several_volumes_are_kept_once(tmp_path: Path) -> None:
    arrays = write_volumes(tmp_path, {"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0})
    write_mr(tmp_path / "again", arrays[1][:1], OBLIQUE, first_number=21, DiffusionBValue=1000.0)
    volumes = volumes_of(tmp_path)
    np.testing.assert_array_equal(stacked(volumes), arrays)
    assert [item.name for item in volumes[0].left_out] == ["instance 21"]


def test_different_slices_of_one_position_are_refused(tmp_path: Path) -> None:
    array = ramp("u2", SHAPE)
    write_mr(tmp_path / "first", array, OBLIQUE)
    write_mr(tmp_path / "again", array[1:2] + np.uint16(1), moved(OBLIQUE, 1), first_number=11)
    refused = refusal(tmp_path)
    assert refused.reason is Reason.DUPLICATE_POSITION
    assert "1 of 5 slices lie where another one does, e.g. instance 2 and instance 11" in refused.detail


def test_the_same_pixels_with_another_slope_are_no_copy(tmp_path: Path) -> None:
    array = ramp("i2", SHAPE)
    write_pet(tmp_path / "first", array, OBLIQUE, slopes=[1.5] * 4)
    write_pet(tmp_path / "again", array[1:2], moved(OBLIQUE, 1), slopes=[1.6], first_number=11)
    assert refusal(tmp_path).reason is Reason.DUPLICATE_POSITION


def moved(affine: Any, slices: int) -> Any:
    result = affine.copy()
    result[:3, 3] += slices * affine[:3, 2]
    return result


def test_localizers_within_a_series_are_left_out_and_named(tmp_path: Path) -> None:
    array = ramp("u2", SHAPE)
    write_mr(tmp_path / "axial", array, AXIAL)
    write_mr(
        tmp_path / "scout",
        ramp("u2", (1, 9, 9)),
        rotated(AXIAL, 90, (0, 1, 0)),
        first_number=9,
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    volume = volume_of(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    assert [(item.name, item.reason) for item in volume.left_out] == [
        ("instance 9", "a localizer in a series of other images")
    ]


def test_a_series_of_localizers_only_is_refused_for_its_orientations(tmp_path: Path) -> None:
    for number, degrees in enumerate((0, 90)):
        write_mr(
            tmp_path / str(number),
            ramp("u2", (1, 6, 5)),
            rotated(AXIAL, degrees, (0, 1, 0)),
            first_number=1 + number,
            ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        )
    assert refusal(tmp_path).reason is Reason.MIXED_ORIENTATION


def test_two_kernels_of_one_position_are_two_volumes(tmp_path: Path) -> None:
    soft, sharp = ramp("u2", SHAPE), ramp("u2", SHAPE, start=1000)
    write_ct(tmp_path / "soft", soft, AXIAL)
    write_ct(tmp_path / "sharp", sharp, AXIAL, first_number=5, ConvolutionKernel="B70f")
    refused = refusal(tmp_path)
    assert refused.reason is Reason.SEVERAL_VOLUMES
    assert "convolution kernel B30f, B70f" in refused.detail
    chosen = volume_of(tmp_path, ReadingRules(choose={"convolution_kernel": "B70f"}))
    np.testing.assert_array_equal(chosen.array, sharp.astype(int) - 1024)


def test_two_kernels_in_one_stack_are_refused(tmp_path: Path) -> None:
    write_ct(
        tmp_path,
        ramp("u2", SHAPE),
        AXIAL,
        each=lambda index: {"ConvolutionKernel": "B70f" if index == 3 else "B30f"},
    )
    refused = refusal(tmp_path)
    assert refused.reason is Reason.MIXED_KERNEL
    assert refused.detail == "3 slices have B30f; 1 slices have B70f"


def test_two_kernels_within_one_of_several_volumes_are_refused(tmp_path: Path) -> None:
    for volume in range(2):
        write_ct(
            tmp_path / str(volume),
            ramp("u2", SHAPE, start=600 * volume),
            AXIAL,
            first_number=1 + 4 * volume,
            AcquisitionNumber=volume + 1,
            each=lambda index: {"ConvolutionKernel": "B70f" if index == 3 else "B30f"},
        )
    (series,) = read_study(tmp_path).series
    with pytest.raises(Refused) as refused:
        read_volumes(series)
    assert refused.value.reason is Reason.MIXED_KERNEL


def test_one_volume_has_no_label(tmp_path: Path) -> None:
    write_volumes(tmp_path, {"DiffusionBValue": 0.0})
    (series,) = read_study(tmp_path).series
    assert read_volume(series).label == {}
    (volume,) = read_volumes(series)
    assert stacked([volume]).shape == (1, *SHAPE)
