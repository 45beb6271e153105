"""Frames of MPEG-2, MPEG-4 AVC and HEVC video (PS3.5 sections 8.2.5 to 8.2.8), decoded by FFmpeg through PyAV.

PyAV is the extra ``video``: without it, video is refused by name.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from operators.read.instance import Instance
from operators.read.pixels.encapsulated import FrameFragments, fragments_of
from operators.read.pixels.pixel_format import PixelFormat
from operators.refused import Reason, Refused


def is_video(form: PixelFormat) -> bool:
    """Return whether an instance's frames are one video stream."""
    return form.transfer_syntax_uid in uid.MPEGTransferSyntaxes


def read_video(
    instance: Instance, form: PixelFormat, frames: Sequence[int], put: Callable[[int, NDArray[np.uint8]], None]
) -> None:
    """Decode a video and call ``put(index, picture)`` for each of ``frames`` (0-based, increasing).

    A picture is RGB, (row, column, 3) of 8 bits, converted by the colour matrix and range that the stream names. The
    stream is decoded from its beginning to the last frame asked for, one picture at a time; with the last frame of the
    instance, it is decoded to its end, and has to have as many pictures as Number of Frames says.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when there are fewer pictures, and with
    ``UNSUPPORTED_PIXEL_FORMAT`` when the stream is damaged, is coded otherwise than the transfer syntax says, has
    another size, or PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} is video, which needs the extra 'video' (PyAV)"
        ) from error
    if form.bits_allocated != 8 or form.samples != 3:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} is video of {form.samples} samples of {form.bits_allocated} bits",
        )
    wanted = {frame: index for index, frame in enumerate(frames)}
    count = 0
    try:
        with io.BufferedReader(_Fragments(instance)) as stream, av.open(stream, options=_STRICT) as container:
            _check_codec(instance, form, container)
            for picture in _pictures(container):
                if count in wanted:
                    _check_size(instance, form, picture)
                    put(wanted[count], _rgb(picture))
                count += 1
                if count > frames[-1] and count < form.frames:
                    return
    except av.FFmpegError as error:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} cannot be decoded from {form.transfer_syntax_uid.name} at frame {count + 1}: {error}",
        ) from error
    if count != form.frames:
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA if count < form.frames else Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds {count} pictures of video, its header announces {form.frames} frames",
        )


# FFmpeg would conceal what is damaged or missing and go on.
_STRICT = {"err_detect": "+crccheck+explode"}


# What FFmpeg calls the coding of each transfer syntax: it would decode any other as well, also a still picture.
_CODECS = {
    syntax: "mpeg2video" if "MPEG2" in syntax.keyword else "h264" if "MPEG4" in syntax.keyword else "hevc"
    for syntax in uid.MPEGTransferSyntaxes
}


def _check_codec(instance: Instance, form: PixelFormat, container: Any) -> None:
    for video in container.streams.video[:1]:
        if video.codec_context is not None and video.codec_context.name != _CODECS[form.transfer_syntax_uid]:
            raise Refused(
                Reason.UNSUPPORTED_PIXEL_FORMAT,
                f"{instance.name} holds {video.codec_context.name}, its transfer syntax says "
                f"{form.transfer_syntax_uid.name}",
            )


def _pictures(container: Any) -> Iterator[Any]:
    video = next(iter(container.streams.video), None)
    if video is None or video.codec_context is None:
        return
    video.codec_context.options = _STRICT
    # Pictures decode in parallel: by frames within the stream.
    video.thread_type = "AUTO"
    yield from container.decode(video)


def _check_size(instance: Instance, form: PixelFormat, picture: Any) -> None:
    if (picture.height, picture.width) != (form.rows, form.columns):
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds video of {picture.height} x {picture.width} pixels, its header announces "
            f"{form.rows} x {form.columns}",
        )
    if picture.is_corrupt:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} holds a damaged video stream")


def _rgb(picture: Any) -> NDArray[np.uint8]:
    # Without a matrix in the stream, ITU-R BT.601 is meant by pictures of standard definition, BT.709 by larger ones.
    matrix = picture.colorspace
    if int(matrix) == _UNSPECIFIED:
        matrix = "ITU709" if picture.height >= 720 else "ITU601"
    converted = picture.reformat(format="rgb24", src_colorspace=matrix, interpolation="BICUBIC")
    return np.asarray(converted.to_ndarray(), np.uint8)


_UNSPECIFIED = 2


class _Fragments(io.RawIOBase):
    """All fragments of an instance as one file, read from the disk as they are asked for."""

    def __init__(self, instance: Instance) -> None:
        super().__init__()
        self._fragments: FrameFragments = fragments_of(instance)[1]
        self._file = instance.path.open("rb", buffering=0)
        self._position = 0
        self._size = sum(fragment.length for fragment in self._fragments)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        start = 0
        for fragment in self._fragments:
            if self._position < start + fragment.length:
                inside = self._position - start
                length = min(len(buffer), fragment.length - inside)
                self._file.seek(fragment.offset + inside)
                count = self._file.readinto(memoryview(buffer)[:length])
                self._position += count
                return count
            start += fragment.length
        return 0

    def close(self) -> None:
        self._file.close()
        super().close()
