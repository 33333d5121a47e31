"""Frames out of real encoded files, and every way in which such a file can be bad."""

import errno
import io
import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from raw_folders_clips import CODECS, FPS, clip_bytes, tone, write_clip

from data_prep.decode.video import Video, _File, at_seconds, media, pictures, scan, spread
from data_prep.release.layout import Undecodable

ENDINGS = list(CODECS)


@pytest.fixture
def clip(tmp_path):
    """clip(ending, **options): the path of a clip."""

    def make(ending, **options):
        path = tmp_path / f"clip{ending}"
        write_clip(path, **options)
        return path

    return make


def left_edge(picture):
    """The column where the bright square begins, in pixels of the encoded frame."""
    columns = np.flatnonzero(picture[len(picture) // 2].mean(1) > 110)
    return columns[0] * 64 / len(picture)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_whole_clip_gives_the_frames_asked_for(clip, ending, capfd):
    video = scan(clip(ending, seconds=2.0, shade=40), "the clip")
    np.testing.assert_allclose(video.times, np.arange(20) / FPS, atol=2e-3)
    frames = pictures(video, [0, 7, 19], 96)
    assert frames.shape == (3, 96, 96, 3) and frames.dtype == np.uint8
    assert [left_edge(frame) for frame in frames] == pytest.approx([4 + 2 * n for n in (0, 7, 19)], abs=1.1)
    assert capfd.readouterr().err == ""


def test_frames_come_in_the_order_asked_for_and_may_come_twice(clip):
    video = scan(clip(".mp4"), "the clip")
    frames = pictures(video, [5, 1, 5], 32)
    assert np.array_equal(frames[0], frames[2]) and left_edge(frames[1]) < left_edge(frames[0])


def test_the_whole_picture_is_squeezed_into_the_square(tmp_path):
    path = tmp_path / "wide.avi"
    picture = np.zeros((48, 192, 3), np.uint8)
    picture[:, :16], picture[:, -16:] = (250, 0, 0), (0, 0, 250)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=5, width=192, height=48, pix_fmt="yuv420p", options={"qscale": "2"})
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        output.mux(stream.encode())
    (frame,) = pictures(scan(path, "wide"), [1], 48)
    assert frame[24, 1, 0] > 180 and frame[24, 1, 2] < 80, "red, on the left"
    assert frame[24, -2, 2] > 180 and frame[24, -2, 0] < 80, "blue, on the right"


@pytest.mark.parametrize("options", [{"bf": "2"}, {"bf": "2", "g": "4"}])
def test_frames_that_are_stored_out_of_order_are_shown_in_order(tmp_path, options):
    path = tmp_path / "b.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, width=64, height=64, pix_fmt="yuv420p", options=options)
        for number in range(12):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * number, np.uint8))))
        output.mux(stream.encode())
    frames = pictures(scan(path, "b"), list(range(12)), 16)
    assert frames.mean((1, 2, 3)) == pytest.approx(20 * np.arange(12), abs=8)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.75])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_clip_that_was_cut_off_is_refused_and_named(clip, ending, keep, capfd):
    path = clip(ending, seconds=4.0, pitch=440)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(Undecodable, match="^the clip (is cut off|cannot be decoded)"):
        scan(path, "the clip")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("keep", [0.4, 0.6])
def test_an_mp4_whose_index_comes_first_tells_how_long_it_should_be(clip, keep):
    path = clip(".mp4", seconds=4.0, pitch=440, faststart=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(Undecodable, match=r"is cut off: it should last 4\.0 s, its content ends at [123]\.. s"):
        scan(path, "the clip")


def test_an_avi_whose_frames_are_gone_tells_how_many_it_should_have(clip):
    path = clip(".avi", seconds=4.0, pitch=440)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(Undecodable, match="is cut off: it should have 40 frames, it has"):
        scan(path, "the clip")


@pytest.mark.parametrize("content", [b"", b"this is not a video", clip_bytes(".mp4")[:100]])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_no_video_is_refused_and_named(tmp_path, ending, content, capfd):
    path = tmp_path / f"clip{ending}"
    path.write_bytes(content)
    with pytest.raises(Undecodable, match="^the clip "):
        scan(path, "the clip")
    assert capfd.readouterr().err == ""


def test_damaged_frames_are_refused_when_they_are_decoded(clip):
    path = clip(".mp4", seconds=4.0)
    whole = bytearray(path.read_bytes())
    start, end = whole.index(b"mdat") + 4, whole.index(b"moov")
    whole[start + (end - start) // 3 : end - 4] = bytes(end - 4 - start - (end - start) // 3)
    path.write_bytes(whole)
    video = scan(path, "the clip")
    assert len(video.times) == 40, "the index is whole"
    with pytest.raises(Undecodable, match="^the clip (cannot be decoded|decodes to [0-9]+ frames only)"):
        pictures(video, [0, 39], 32)


def test_fewer_frames_than_the_container_promises_are_refused(clip):
    path = clip(".avi", seconds=1.0)
    promised = Video(path, "the clip", tuple(np.arange(30) / FPS))
    with pytest.raises(Undecodable, match="the clip decodes to 10 frames only, it should have 30"):
        pictures(promised, [29], 32)
    a_little_more = Video(path, "the clip", tuple(np.arange(12) / FPS))
    assert np.array_equal(*pictures(a_little_more, [9, 11], 32)), "the last frame stands for those an encoder left out"


def test_sound_without_a_picture_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        track = output.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1.0, 440, 44_100)[None], format="fltp", layout="mono")
        frame.sample_rate = 44_100
        output.mux(track.encode(frame))
        output.mux(track.encode())
    with pytest.raises(Undecodable, match="^the clip has no picture"):
        scan(path, "the clip")


def test_a_video_stream_without_frames_is_refused(tmp_path):
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as output:
        output.add_stream("mpeg4", rate=10, width=64, height=48, pix_fmt="yuv420p")
        output.start_encoding()
    path = tmp_path / "empty.avi"
    path.write_bytes(file.getvalue())
    with pytest.raises(Undecodable, match="^the clip (holds no frame|cannot be decoded)"):
        scan(path, "the clip")


def test_a_file_that_is_gone_is_no_damaged_file(clip):
    path = clip(".mp4")
    video = scan(path, "the clip")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        scan(path, "the clip")
    with pytest.raises(FileNotFoundError):
        pictures(video, [0], 32)


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_disk_that_fails_on_the_way_is_no_damaged_file(clip, ending, code, monkeypatch):
    path = clip(ending, seconds=4.0, pitch=440)
    half = path.stat().st_size // 2

    class Failing(_File):
        def read(self, count=-1):
            if self.tell() >= half:
                raise OSError(code, os.strerror(code), str(path))
            return super().read(min(count, half - self.tell()))

    monkeypatch.setattr("data_prep.decode.video._File", Failing)
    with pytest.raises(OSError) as raised:
        scan(path, "the clip")
    assert raised.value.errno == code and raised.value.filename == str(path)


def test_memory_that_is_full_is_no_damaged_file(clip):
    with pytest.raises(MemoryError), media(clip(".mp4"), "the clip"):
        raise av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")


@pytest.mark.parametrize("code", [errno.EIO, errno.EPERM, errno.ENOSYS])
def test_errors_that_ffmpeg_gives_of_damaged_content_are_undecodable(clip, code):
    with pytest.raises(Undecodable, match="^the clip cannot be decoded"), media(clip(".mp4"), "the clip"):
        av.error.err_check(-code)


def test_titles_in_another_encoding_do_not_matter(clip):
    path = clip(".avi")
    content = bytearray(path.read_bytes())
    start = content.index(b"Lavf")
    content[start] = 0xE9  # an e with an accent, in Latin-1
    path.write_bytes(content)
    assert len(scan(path, "the clip").times) == FPS


def test_a_codec_that_nobody_knows_is_refused(clip):
    path = clip(".avi")
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"Q?!~"))
    with pytest.raises(Undecodable, match="^the clip cannot be decoded .the codec of its picture is not known"):
        scan(path, "the clip")


def test_seconds_find_the_frame_on_the_screen():
    video = Video(Path("x"), "x", (0.0, 0.5, 1.0, 1.5))
    assert at_seconds(video, [0.0, 0.4, 0.5, 1.2, 9.0]) == [0, 0, 1, 2, 3]
    assert at_seconds(Video(Path("x"), "x", (0.0, 0.0334)), [0.033]) == [1], "containers round times to milliseconds"


@pytest.mark.parametrize(("count", "parts", "found"), [(12, 3, [2, 6, 10]), (2, 4, [0, 0, 1, 1]), (1, 2, [0, 0])])
def test_numbers_are_spread_evenly(count, parts, found):
    assert spread(count, parts) == found
