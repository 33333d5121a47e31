"""Preparing the data sets of clips from tiny raw folders: what is written, what is skipped, what is refused."""

import errno
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

import raw_folders_clips as raw_folders

from data_prep import __main__ as command
from data_prep.errors import PreparationError
from data_prep.release import rows as row_files
from data_prep.sets import ave, crema_d, kinetics_sounds, something_something, ucf101
from mmlib.data.storage.stored import read_stored

FEW = {
    "crema_d": {"clips": ("1001_IEO_NEU_XX", "1001_IEO_ANG_HI", "1002_DFA_SAD_X")},
    "ave": {},
    "kinetics_sounds": {"clips": raw_folders.KINETICS_CLIPS[::3]},
    "ucf101": {},
    "something_something": {"clips": {"train": (1, 2), "validation": (3,)}},
}
CLIP = {  # of each set, one clip that can be damaged
    "crema_d": "VideoFlash/1001_IEO_ANG_HI.flv",
    "ave": "AVE_Dataset/AVE/aaaaaaaaaa2.mp4",
    "kinetics_sounds": raw_folders.KINETICS_CLIPS[0],
    "ucf101": "UCF-101/Archery/v_Archery_g03_c02.avi",
    "something_something": "20bn-something-something-v2/2.webm",
}
SETS = list(FEW)
SET = {
    "crema_d": crema_d, "ave": ave, "kinetics_sounds": kinetics_sounds, "ucf101": ucf101,
    "something_something": something_something,
}  # fmt: skip
V2 = "something-something-v2-"
MARKERS = {  # by which a release is known
    "crema_d": "AudioWAV", "ave": "AVE_Dataset", "ucf101": "ucfTrainTestlist",
    "something_something": "something-something-v2-labels.json",
}  # fmt: skip


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """raw(name, **changes): a tiny raw folder of the set; the data folder is empty."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    return lambda name, **changes: getattr(raw_folders, f"make_{name}")(tmp_path / "raw", **{**FEW[name], **changes})


def prepare(name, folder):
    return command.main([name, "--raw", str(folder), "--jobs", "1"])


def left_behind():
    """What a preparation left in the data folder, without the lock."""
    folder = command.paths.data_dir()
    return sorted(f.name for f in folder.iterdir() if not f.name.endswith(".lock")) if folder.exists() else []


@pytest.mark.parametrize(
    ("name", "rows", "shapes"),
    [
        ("crema_d", 3, {"audio": (1, 257, 188), "visual": (3, 3, 224, 224)}),
        ("ave", 7, {"audio": (1, 257, 625), "visual": (3, 3, 224, 224)}),
        ("kinetics_sounds", 4, {"audio": (1, 257, 625), "visual": (3, 3, 224, 224)}),
        ("ucf101", 10, {"rgb": (3, 8, 112, 112), "flow": (2, 8, 112, 112)}),
        ("something_something", 3, {"rgb": (3, 16, 112, 112), "flow": (2, 16, 112, 112)}),
    ],
)
def test_whole_preparation_writes_every_clip(raw, name, rows, shapes, capsys):
    assert prepare(name, raw(name)) == 0
    stored = read_stored(name)
    found = {array: tuple(about["shape"]) for array, about in stored.manifest["arrays"].items()}
    assert {array: found[array] for array in shapes} == {array: (rows, *shape) for array, shape in shapes.items()}
    assert stored.manifest["skipped"]["count"] == 0 and stored.manifest["rows"] == rows
    for array in shapes:
        values = stored.column(array)
        assert np.isfinite(values).all() and values.std() > 1, "not all one value"
    assert left_behind() == [name, f"{name}.json"]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("damage", ["cut off", "text", "empty"])
def test_a_clip_that_cannot_be_read_is_left_out_counted_and_named(raw, name, damage, capsys):
    folder = raw(name)
    clip = folder / CLIP[name]
    whole = clip.read_bytes()
    clip.write_bytes({"cut off": whole[: len(whole) // 3], "text": b"this is not a video", "empty": b""}[damage])
    assert prepare(name, folder) == 0
    skipped = read_stored(name).manifest["skipped"]
    assert skipped["count"] == 1 and clip.name in skipped["parts"][0]["why"]
    whole_ones = {"crema_d": 2, "ave": 6, "kinetics_sounds": 3, "ucf101": 9, "something_something": 2}[name]
    assert read_stored(name).manifest["rows"] == whole_ones
    assert f"skipped: {clip.parent.name}/{clip.name} " in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in SETS if name != "kinetics_sounds"])
def test_a_clip_of_a_list_that_is_not_there_is_counted_and_named(raw, name, capsys):
    folder = raw(name)
    (folder / CLIP[name]).unlink()
    assert prepare(name, folder) == 0
    skipped = read_stored(name).manifest["skipped"]
    assert skipped["count"] == 1 and (skipped["parts"][0]["part"], skipped["parts"][0]["kind"]) == (
        CLIP[name],
        "missing",
    )
    assert CLIP[name] in capsys.readouterr().out


@pytest.mark.parametrize("name", SETS)
def test_a_clip_that_goes_away_after_the_layout_is_no_damaged_clip(raw, name):
    folder = raw(name)
    parts = SET[name].layout(folder).parts
    clip = folder / CLIP[name]
    (part,) = (part for part in parts if clip in part.files)
    clip.unlink()
    with pytest.raises(FileNotFoundError) as raised:
        SET[name].convert(part)
    assert Path(raised.value.filename) == clip


@pytest.mark.parametrize("name", SETS)
def test_the_manifest_holds_no_path_of_this_machine(raw, name, tmp_path):
    folder = raw(name)
    (folder / CLIP[name]).write_bytes(b"this is not a video")
    assert prepare(name, folder) == 0
    assert str(tmp_path) not in json.dumps(read_stored(name).manifest)


@pytest.mark.parametrize("name", [name for name in SETS if name != "kinetics_sounds"])
def test_a_release_one_folder_deeper_is_found(raw, name, tmp_path):
    folder = raw(name)
    outer = tmp_path / "outer"
    outer.mkdir()
    here = SET[name].layout(folder)
    folder.rename(outer / "release")
    for junk in MARKERS.values():
        (outer / "__MACOSX" / junk).mkdir(parents=True)
    deeper = SET[name].layout(outer)
    assert [part.name for part in deeper.parts] == [part.name for part in here.parts]
    assert all(outer / "release" in file.parents and file.is_file() for part in deeper.parts for file in part.files)


@pytest.mark.parametrize("name", MARKERS)
def test_a_folder_with_the_archive_only_says_to_pass_that(tmp_path, name):
    (tmp_path / "release.zip").touch()
    with pytest.raises(PreparationError, match=rf"{MARKERS[name]} is missing: .* --raw .*release\.zip"):
        SET[name].layout(tmp_path)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("crema_d", "AudioWAV"), ("crema_d", "VideoFlash"), ("ave", "AVE_Dataset/Annotations.txt"),
        ("ave", "AVE_Dataset/valSet.txt"), ("ucf101", "ucfTrainTestlist"), ("ucf101", "ucfTrainTestlist/classInd.txt"),
        ("ucf101", "ucfTrainTestlist/testlist03.txt"), ("kinetics_sounds", "val"),
        ("something_something", "something-something-v2-labels.json"),
        ("something_something", "something-something-v2-validation.json"),
    ],
)  # fmt: skip
def test_what_the_layout_needs_is_named_where_it_is_missing(raw, name, gone, tmp_path, capsys):
    folder = raw(name)
    (folder / gone).rename(tmp_path / "elsewhere")
    assert prepare(name, folder) == 1
    error = capsys.readouterr().err
    assert (gone if name != "kinetics_sounds" else f"{folder} has train: expected train with val or test") in error
    assert len(error.splitlines()) == 1 and left_behind() == []


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        (
            "crema_d",
            "AudioWAV/1001_IEO_JOY_XX.wav",
            r"AudioWAV/1001_IEO_JOY_XX.wav: '1001_IEO_JOY_XX' is not a clip's name",
        ),
        ("crema_d", "train.csv", r"train.csv, line 1: the emotion of 1001_IEO_NEU_XX is 'JOY' here, NEU by its name"),
        ("ave", "AVE_Dataset/testSet.txt", "testSet.txt, line 1: no class 'Dog' in Annotations.txt"),
        ("kinetics_sounds", "train/reading book/a.mp4", "train/reading book: 'reading book' is none of the 31 classes"),
        ("ucf101", "ucfTrainTestlist/trainlist02.txt", "trainlist02.txt, line 1: the class or its number in 'Diving/"),
        ("something_something", "something-something-v2-train.json", "train.json: the label 'Eating' of clip 1 is not"),
    ],
)
def test_an_unknown_label_is_named_with_its_file(raw, name, file, words, capsys):
    folder = raw(name)
    content = {
        "train.csv": "1001_IEO_NEU_XX,JOY\n", "testSet.txt": "Dog&aaaaaaaaaa1&good&0&10\n",
        "trainlist02.txt": "Diving/v_Diving_g01_c01.avi 1\n",
        "something-something-v2-train.json": json.dumps([{"id": "1", "template": "[Eating]"}]),
    }  # fmt: skip
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(content.get(Path(file).name, ""))
    assert prepare(name, folder) == 1
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1 and left_behind() == []


@pytest.mark.parametrize("name", SETS)
def test_a_full_disk_names_the_file_and_leaves_nothing(raw, name, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", str(command.paths.data_dir() / name / "labels.npy"))

    monkeypatch.setattr(row_files.RowFiles, "add", full)
    assert prepare(name, raw(name)) == 1
    error = capsys.readouterr().err
    assert f"{name}/labels.npy: No space left on device" in error and left_behind() == []


def test_crema_d_names_tell_label_and_actor(raw):
    layout = crema_d.layout(raw("crema_d"))
    assert [(p.about["labels"], p.about["actor"]) for p in layout.parts] == [(5, 1001), (0, 1001), (2, 1002)]
    assert layout.classes == ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")


def test_crema_d_takes_the_lists_of_the_user(raw):
    names = FEW["crema_d"]["clips"]
    folder = raw("crema_d", lists={"train.csv": names[:1], "test.csv": names[1:2]})
    layout = crema_d.layout(folder)
    assert {p.name: p.about["split"] for p in layout.parts} == dict(zip(names, (0, 2, -1), strict=True))
    assert layout.about == {"split_by_clip": "train.csv and test.csv of the raw folder", "clips_in_no_list": 1}
    raw_folders.write_text(folder / "test.csv", [f"{names[0]},NEU"])
    with pytest.raises(PreparationError, match="test.csv, line 1: 1001_IEO_NEU_XX is in both lists"):
        crema_d.layout(folder)
    (folder / "test.csv").unlink()
    with pytest.raises(PreparationError, match="test.csv is missing"):
        crema_d.layout(folder)


def test_crema_d_without_lists_draws_the_published_share_and_says_so(raw):
    clips = tuple(f"{actor}_IEO_SAD_XX" for actor in range(1001, 1061))
    layout = crema_d.layout(raw("crema_d", clips=clips))
    codes = [part.about["split"] for part in layout.parts]
    assert codes.count(2) == 6 and codes.count(0) == 54
    assert layout.about == {"split_by_clip": "drawn: 10.0% of the clips for test", "clips_in_no_list": 0}


def test_crema_d_takes_the_picture_of_each_second(raw):
    layout = crema_d.layout(raw("crema_d"))
    visual = crema_d.convert(layout.parts[0])["visual"][0].astype(float)
    columns = [np.flatnonzero(visual[:, t, 112].mean(0) > 110)[0] * 64 / 224 for t in range(3)]
    assert columns == pytest.approx([4, 24, 44], abs=1.1), "2 pixels a frame, 10 frames a second"


def test_crema_d_sound_without_its_picture_is_counted(raw):
    folder = raw("crema_d")
    (folder / "AudioWAV" / "1002_DFA_SAD_X.wav").unlink()
    layout = crema_d.layout(folder)
    assert len(layout.parts) == 2
    assert layout.missing == ((folder / "AudioWAV" / "1002_DFA_SAD_X.wav", "the other half of its clip is there"),)


def test_crema_d_sound_that_was_cut_off_is_named(raw):
    folder = raw("crema_d")
    file = folder / "AudioWAV" / "1001_IEO_NEU_XX.wav"
    file.write_bytes(file.read_bytes()[:30_000])
    assert prepare("crema_d", folder) == 0
    (skipped,) = read_stored("crema_d").manifest["skipped"]["parts"]
    assert "AudioWAV/1001_IEO_NEU_XX.wav is cut off" in skipped["why"]


def test_ave_frames_are_of_the_event(raw):
    parts = {part.name: part for part in ave.layout(raw("ave")).parts}
    frames = ave.convert(parts["bbbbbbbbbb2 (Cat)"])["visual"][0].astype(float)
    columns = [np.flatnonzero(frames[:, t, 112].mean(0) > 125)[0] * 64 / 224 for t in range(3)]
    assert columns == pytest.approx([4 + 2 * n for n in (11, 15, 18)], abs=1.1), (
        "thirds of 1 to 2 s, at 10 frames a second"
    )


def test_ave_video_in_two_lists_stays_in_the_one_that_measures(raw):
    twice = {**raw_folders.AVE_EVENTS, "testSet.txt": ("Bark&aaaaaaaaaa1&good&0&10",)}
    layout = ave.layout(raw("ave", lists=twice))
    splits = {(part.files[0].stem, part.about["split"]) for part in layout.parts}
    assert ("aaaaaaaaaa1", 2) in splits and len({video for video, _ in splits}) == len(splits)
    why = "its video aaaaaaaaaa1 is in the test split too, and stays there"
    assert layout.left_out == (("aaaaaaaaaa1 (Bark)", why), ("aaaaaaaaaa1 (Cat)", why))


def test_clips_left_out_for_the_sake_of_a_split_are_counted_and_said(raw, capsys):
    clips = ("train/bowling/aaaaaaaaaaa_000001_000011.mp4", "val/singing/aaaaaaaaaaa_000040_000050.mp4",
             "train/bowling/bbbbbbbbbbb_000001_000011.mp4")  # fmt: skip
    assert prepare("kinetics_sounds", raw("kinetics_sounds", clips=clips)) == 0
    manifest = read_stored("kinetics_sounds").manifest
    assert manifest["rows"] == 2 and manifest["skipped"]["count"] == 1
    assert manifest["skipped"]["parts"][0]["part"] == clips[0]
    assert f"1 parts are left out, the first: {clips[0]} (its video aaaaaaaaaaa is in" in capsys.readouterr().out


def test_ave_events_of_one_video_share_its_number(raw):
    parts = ave.layout(raw("ave")).parts
    number = {part.files[0].stem: part.about["video"] for part in parts}
    assert sorted(number.values()) == list(range(6)) and len(parts) == 7
    assert all(part.about["video"] == number[part.files[0].stem] for part in parts)
    assert ave.convert(parts[0])["video"].tolist() == [parts[0].about["video"]]


def test_ave_needs_no_folder_of_videos(raw, tmp_path):
    folder = raw("ave")
    for file in (folder / "AVE_Dataset" / "AVE").iterdir():
        file.rename(folder / "AVE_Dataset" / file.name)
    (folder / "AVE_Dataset" / "AVE").rmdir()
    assert len(ave.layout(folder).parts) == len(ave.layout(folder / "AVE_Dataset").parts) == 7


def test_ave_event_that_lasts_no_time_takes_its_second(raw):
    lists = {**raw_folders.AVE_EVENTS, "trainSet.txt": ("Cat&aaaaaaaaaa1&good&1&1",)}
    parts = {part.name: part for part in ave.layout(raw("ave", lists=lists)).parts}
    frames = ave.convert(parts["aaaaaaaaaa1 (Cat)"])["visual"][0]
    assert not np.array_equal(frames[:, 0], frames[:, 1]) and not np.array_equal(frames[:, 1], frames[:, 2])


@pytest.mark.parametrize("line", ["Bark&aaaaaaaaaa1&good&0", "Bark&aaaaaaaaaa1&good&zero&10", "Bark"])
def test_ave_line_of_another_form_is_named(raw, line):
    folder = raw("ave")
    raw_folders.write_text(folder / "AVE_Dataset" / "trainSet.txt", ["Bark&aaaaaaaaaa1&good&0&10", line])
    with pytest.raises(PreparationError, match="trainSet.txt, line 2: expected Category&VideoID&Quality"):
        ave.layout(folder)


def test_kinetics_sounds_knows_31_classes():
    assert len(set(kinetics_sounds.CLASSES)) == 31


def test_kinetics_sounds_video_in_two_splits_stays_in_the_one_that_measures(raw):
    clips = ("train/bowling/aaaaaaaaaaa_000001_000011.mp4", "val/singing/aaaaaaaaaaa_000040_000050.mp4",
             "train/bowling/bbbbbbbbbbb_000001_000011.mp4")  # fmt: skip
    layout = kinetics_sounds.layout(raw("kinetics_sounds", clips=clips))
    assert {part.name: part.about["split"] for part in layout.parts} == {clips[1]: 2, clips[2]: 0}
    assert layout.left_out == ((clips[0], "its video aaaaaaaaaaa is in the test split too, and stays there"),)
    assert "tickling" in layout.about["classes_without_clips"] and len(layout.about["classes_without_clips"]) == 29


@pytest.mark.parametrize(
    ("folders", "codes"),
    [(("train", "val"), (0, 2)), (("train", "test"), (0, 2)), (("train", "val", "test"), (0, 1, 2))],
)
def test_kinetics_sounds_folders_are_splits(raw, folders, codes):
    clips = [f"{folder}/bowling/{i:011}.mp4" for i, folder in enumerate(folders)]
    layout = kinetics_sounds.layout(raw("kinetics_sounds", clips=clips))
    assert {part.name: part.about["split"] for part in layout.parts} == dict(zip(clips, codes, strict=True))


def test_kinetics_sounds_without_splits_has_none(raw):
    clips = ("bowling/a-aaaaaaaaa.mp4", "tap dancing/_bbbbbbbbbb_1_11.mp4", "tap dancing/_bbbbbbbbbb_21_31.mp4")
    layout = kinetics_sounds.layout(raw("kinetics_sounds", clips=clips))
    found = [(part.name, part.about["split"], part.about["video"]) for part in layout.parts]
    assert found == [(clips[0], -1, 1), (clips[1], -1, 0), (clips[2], -1, 0)]


@pytest.mark.parametrize(
    "name",
    [
        "playing_guitar_0001",
        "aaaaaaaaaa",
        "aaaaaaaaaaaa",
        "aaaaaaaaaaa_1",
        "aaaaaaaaaaa_1_b",
        "aaaaaaaaaa!",
        "aaaaaaaaaaa_1_2_3",
    ],
)
def test_kinetics_sounds_name_that_tells_no_video_is_refused(raw, name):
    folder = raw("kinetics_sounds")
    (folder / "train" / "bowling" / f"{name}.mp4").touch()
    with pytest.raises(PreparationError, match=rf"train/bowling/{name}\.mp4: expected ID\.mp4 or ID_START_END\.mp4"):
        kinetics_sounds.layout(folder)


@pytest.mark.parametrize("ending", [".mkv", ".webm", ".avi", ".MP4"])
def test_kinetics_sounds_video_that_is_no_mp4_is_named(raw, ending):
    folder = raw("kinetics_sounds")
    file = folder / "train" / "bowling" / f"aaaaaaaaaaa_000001_000011{ending}"
    (file.parent / f"._{file.name}").touch()  # of a Mac
    kinetics_sounds.layout(folder)
    file.touch()
    with pytest.raises(PreparationError, match=rf"{file.name}: expected clips whose names end in \.mp4"):
        kinetics_sounds.layout(folder)


def test_ucf101_has_the_place_of_a_clip_in_each_pair_of_lists(raw):
    layout = ucf101.layout(raw("ucf101"))
    about = {part.name: part.about for part in layout.parts}
    found = about["Basketball/v_Basketball_g02_c01.avi"]
    assert found == {"labels": 1, "group": 2, "split1": 0, "split2": 2, "split3": 0}


def test_ucf101_lists_may_have_a_folder_of_their_own(raw):
    folder = raw("ucf101")
    (folder / "lists").mkdir()
    (folder / "ucfTrainTestlist").rename(folder / "lists" / "ucfTrainTestlist")
    assert len(ucf101.layout(folder).parts) == 10


@pytest.mark.parametrize(("of_its_own", "prefix"), [("labels", ""), ("lists", V2), ("labels", V2)])
def test_something_something_lists_may_have_a_folder_of_their_own(raw, of_its_own, prefix):
    folder = raw("something_something")
    (folder / of_its_own).mkdir()
    for file in folder.glob("*.json"):
        file.rename(folder / of_its_own / (prefix + file.name.removeprefix(V2)))
    assert len(something_something.layout(folder).parts) == 3


def test_ucf101_group_in_both_lists_is_refused(raw):
    folder = raw("ucf101")
    raw_folders.write_text(folder / "ucfTrainTestlist" / "testlist01.txt", ["Archery/v_Archery_g03_c02.avi"])
    with pytest.raises(PreparationError, match="testlist01.txt, line 1: the group of Archery/.* is in both lists"):
        ucf101.layout(folder)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [("labels", "[1, 2", "labels.json is not JSON"), ("labels", '{"a": "0", "b": "2"}', "without a gap"),
     ("train", '{"id": 1}', "train.json: expected a list"), ("train", '[{"id": "1"}]', "an id and a template"),
     ("validation", '[{"id": "1", "template": "Closing [something]"}]', "clip 1 is in the training list too")],
)  # fmt: skip
def test_something_something_lists_of_another_form_are_named(raw, file, content, words):
    folder = raw("something_something")
    (folder / f"something-something-v2-{file}.json").write_text(content)
    with pytest.raises(PreparationError, match=words):
        something_something.layout(folder)


def test_something_something_leaves_out_the_clips_without_labels(raw):
    layout = something_something.layout(raw("something_something", clips=raw_folders.SOMETHING_CLIPS))
    assert [part.name for part in layout.parts] == [f"{n}.webm" for n in range(1, 11)]
    assert layout.parts[0].about == {"labels": 1, "split": 0} and layout.parts[-1].about["split"] == 2


def test_a_single_frame_has_no_motion(raw):
    folder = raw("something_something")
    raw_folders.write_clip(folder / CLIP["something_something"], seconds=0.1)
    assert prepare("something_something", folder) == 0
    (skipped,) = read_stored("something_something").manifest["skipped"]["parts"]
    assert "2.webm has a single frame" in skipped["why"]
