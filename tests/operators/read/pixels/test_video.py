"""Video frames: encoded by FFmpeg's encoders from known pictures, wrapped as DICOM."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import uid

from operators.read.frames import read_frames
from operators.refused import Reason, Refused
from phantoms.frames.pictures import colours
from tests.operators.read.encoded_pictures import encapsulated, instance_at, picture

av = pytest.importorskip("av")

Array = NDArray[Any]

RGB = colours(96, 128, 12)

STREAMS = {
    "MPEG-2": (uid.MPEG2MPML, "mpeg2video", "mpegts", {"qmin": "1", "qmax": "2"}),
    "MPEG-2 high": (uid.MPEG2MPHL, "mpeg2video", "mpeg2video", {"qmin": "1", "qmax": "2"}),
    "H.264": (uid.MPEG4HP41, "libx264", "mp4", {"crf": "4"}),
    "H.264 for BD": (uid.MPEG4HP41BD, "libx264", "mpegts", {"crf": "4"}),
    "H.264 level 4.2": (uid.MPEG4HP422D, "libx264", "h264", {"crf": "4", "bf": "2"}),
    "HEVC": (uid.HEVCMP51, "libx265", "hevc", {"crf": "4", "x265-params": "log-level=none"}),
    "HEVC in MPEG-TS": (uid.HEVCMP51, "libx265", "mpegts", {"crf": "4", "x265-params": "log-level=none"}),
}


def encoded(name: str, frames: Array = RGB) -> bytes:
    _, codec, container, options = STREAMS[name]
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.options = options
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                output.mux(packet)
        for packet in stream.encode():
            output.mux(packet)
    return target.getvalue()


def video_file(folder: Path, name: str, content: bytes, *, frames: int = 12, fragments: int = 1) -> Path:
    instance = picture(RGB, photometric="YBR_PARTIAL_420", NumberOfFrames=frames, FrameTime=40)
    return encapsulated(instance, folder / "video.dcm", STREAMS[name][0], [content], fragments=fragments, table="none")


@pytest.mark.parametrize("name", STREAMS)
def test_pictures_are_those_that_were_encoded(tmp_path: Path, name: str) -> None:
    frames = read_frames(instance_at(video_file(tmp_path, name, encoded(name))))
    assert (frames.array.shape, frames.photometric_interpretation) == (RGB.shape, "RGB")
    # Lossy, and chrominance is shared by four pixels: near on average, and nearer to its own picture than to others.
    errors = np.abs(frames.array[:, None].astype(int) - RGB[None]).mean(axis=(2, 3, 4))
    assert errors.diagonal().max() < 3
    np.testing.assert_array_equal(errors.argmin(axis=1), np.arange(12))
    assert frames.frame_times is not None
    assert frames.frame_times[-1] == 440


@pytest.mark.parametrize("name", ["MPEG-2", "H.264", "HEVC"])
def test_some_pictures_and_several_fragments(tmp_path: Path, name: str) -> None:
    content = encoded(name)
    whole = read_frames(instance_at(video_file(tmp_path, name, content))).array
    path = video_file(tmp_path, name, content, fragments=7)
    for chosen in ([0], [3, 7], [11], range(12)):
        np.testing.assert_array_equal(read_frames(instance_at(path), list(chosen)).array, whole[list(chosen)])


@pytest.mark.parametrize("name", ["MPEG-2", "H.264", "HEVC"])
def test_another_number_of_pictures_is_refused(tmp_path: Path, name: str) -> None:
    content = encoded(name)
    for frames, reason in ((13, Reason.TRUNCATED_PIXEL_DATA), (11, Reason.UNSUPPORTED_PIXEL_FORMAT)):
        with pytest.raises(Refused, match=f"holds 12 pictures of video, its header announces {frames}") as refused:
            read_frames(instance_at(video_file(tmp_path, name, content, frames=frames)))
        assert refused.value.reason is reason


@pytest.mark.parametrize("name", STREAMS)
def test_a_cut_stream_is_refused(tmp_path: Path, name: str) -> None:
    content = encoded(name)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(Refused):
            read_frames(instance_at(video_file(tmp_path, name, content[: int(share * len(content))])))


def test_another_size_is_refused(tmp_path: Path) -> None:
    small = encoded("H.264", np.ascontiguousarray(RGB[:, :64, :64]))
    with pytest.raises(Refused, match="holds video of 64 x 64 pixels, its header announces 96 x 128"):
        read_frames(instance_at(video_file(tmp_path, "H.264", small)))


def test_no_video_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_frames(instance_at(video_file(tmp_path, "H.264", b"\0" * 4096)))
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_without_pyav_video_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video_file(tmp_path, "MPEG-2", encoded("MPEG-2"))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(Refused, match="needs the extra 'video'"):
        read_frames(instance_at(path))
