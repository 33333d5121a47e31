"""Frames of a video file, decoded by PyAV; a file that ends before its time or does not decode is refused and named."""

import errno
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data_prep.release.layout import Undecodable

if TYPE_CHECKING:  # only a preparation needs PyAV
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.stream import Stream

LOST = 0.5  # seconds that may be missing at the end: containers round, and sound and picture seldom end together


class Video(NamedTuple):
    """A video file that is whole. name: what messages call it; times: seconds of its frames, as shown, from 0 on."""

    path: Path
    name: str
    times: tuple[float, ...]


class Packets(NamedTuple):
    """What lies in a container. times: of the frames shown; count: of all frames; end: of the longest stream."""

    times: list[float]
    count: int
    end: float


class _File(io.FileIO):
    """A file for FFmpeg, which in damaged content seeks places that are not there: a negative number says so to it."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """The new position, or -EINVAL."""
        try:
            return super().seek(offset, whence)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return -errno.EINVAL


@contextmanager
def media(path: Path, name: str) -> "Iterator[InputContainer]":
    """The media file ``path``, open; content that cannot be decoded is raised as Undecodable and called ``name``.

    Raises OSError where the file is gone or the disk fails, and MemoryError. FFmpeg says EIO and EPERM of some damaged
    content too, so the file is read by Python, whose errors are those of the disk.
    """
    import av

    try:
        with _File(path) as file, av.open(file, metadata_errors="replace") as container:
            yield container
    except av.error.MemoryError:
        raise
    except av.FFmpegError as error:
        raise Undecodable(f"{name} cannot be decoded ({error.strerror}).") from error


def first_stream(streams: "Sequence[Stream]", name: str, what: str) -> "Stream":
    """The first of ``streams`` of the file ``name``; what: "picture" or "sound". Raises Undecodable."""
    if not streams:
        raise Undecodable(f"{name} has no {what}: expected a stream of it.")
    if streams[0].codec_context is None:
        raise Undecodable(f"{name} cannot be decoded (the codec of its {what} is not known).")
    return streams[0]


def scan(path: Path, name: str) -> Video:
    """The times of all frames, read without decoding. Raises Undecodable.

    A container says how long it lasts, and AVI and MP4 also how many frames they have: a file whose content ends more
    than half a second before was cut off.
    """
    with media(path, name) as container:
        stream = first_stream(container.streams.video, name, "picture")
        lasts, frames = (container.duration or 0) / 1e6, stream.frames
        lost_frames = max(1.0, LOST * float(stream.average_rate or 0))
        found = _packets(container.demux(), stream.index)
    if not found.times:
        raise Undecodable(f"{name} holds no frame.")
    if found.end < lasts - LOST:
        raise Undecodable(f"{name} is cut off: it should last {lasts:.1f} s, its content ends at {found.end:.1f} s.")
    if found.count < frames - lost_frames:
        raise Undecodable(f"{name} is cut off: it should have {frames} frames, it has {found.count}.")
    first = min(found.times)
    return Video(path, name, tuple(time - first for time in sorted(found.times)))


def at_seconds(video: Video, seconds: Iterable[float]) -> list[int]:
    """Numbers of the frames on the screen at ``seconds``; that of the last one where the video is shorter."""
    starts = np.array(video.times) - 1e-3  # containers keep times in ms
    return [max(0, int(i) - 1) for i in np.searchsorted(starts, list(seconds), side="right")]


def spread(count: int, parts: int) -> list[int]:
    """The middles of ``parts`` equal stretches of 0..count-1, in order; some come twice where count < parts."""
    return [int((part + 0.5) * count / parts) for part in range(parts)]


def pictures(video: Video, wanted: Sequence[int], size: int) -> np.ndarray:
    """uint8 [len(wanted), size, size, 3]: the frames of these numbers, in RGB. Raises Undecodable.

    The whole picture is scaled to a square: a wide one is squeezed and nothing is cut away, as in the tests of the
    authors of OGM-GE (Resize((224, 224))).
    """
    kept: dict[int, np.ndarray] = {}
    reached, last = -1, max(wanted)
    with media(video.path, video.name) as container:
        for reached, frame in enumerate(_decoded(container, video.name, last)):
            if reached in wanted:
                kept[reached] = _square(frame, size)
        if reached < 0 or video.times[last] - video.times[reached] > LOST:
            raise Undecodable(f"{video.name} decodes to {reached + 1} frames only, it should have {len(video.times)}.")
        for number in wanted:
            if number > reached:
                kept[number] = _square(frame, size)
    return np.stack([kept[number] for number in wanted])


def _decoded(container: "InputContainer", name: str, last: int) -> "Iterator[VideoFrame]":
    """The frames from the first to number ``last``, or as many as there are."""
    stream = first_stream(container.streams.video, name, "picture")
    stream.codec_context.thread_count = 1  # the preparation already runs in several processes
    yield from islice(container.decode(stream), last + 1)


def _square(frame: "VideoFrame", size: int) -> np.ndarray:
    return frame.reformat(size, size, "rgb24", interpolation="BILINEAR", threads=1).to_ndarray()


def _packets(packets: "Iterable[Packet]", picture: int) -> Packets:
    times, count, end = [], 0, 0.0
    for packet in packets:
        start = packet.pts if packet.pts is not None else packet.dts
        if start is None:
            continue
        end = max(end, float((start + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index == picture:
            count += 1
            if not packet.is_discard:
                times.append(float(start * packet.time_base))
    return Packets(times, count, end)
