"""Archives: good ones are unpacked whole, bad ones leave nothing, in the folder or outside it."""

import io
import struct
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from data_prep.errors import PreparationError
from data_prep.release.root import archive_hint, archives_in, release_root
from data_prep.unpack import archives
from data_prep.unpack.archives import unpack

FILES = {"set/a.txt": b"one", "set/deep/b.bin": bytes(200_000), "set/empty.txt": b""}
TARS = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def make_zip(file, members=FILES):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), content)
    return file


def make_tar(file, members=FILES, mode="w", **kind):
    with tarfile.open(file, mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, changes in kind.items():
            entry = tarfile.TarInfo(name)
            for field, value in changes.items():
                setattr(entry, field, value)
            archive.addfile(entry)
    return file


def make(folder, suffix):
    file = folder / f"release{suffix}"
    return make_zip(file) if suffix == ".zip" else make_tar(file, mode=TARS[suffix])


def files_in(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def refused(tmp_path, archive):
    """The message; and nothing is written but what was there."""
    before = files_in(tmp_path)
    with pytest.raises(PreparationError) as caught:
        unpack(archive, tmp_path / "out" / "raw", lambda line: None)
    assert files_in(tmp_path) == before
    assert not (tmp_path / "out" / "raw").exists() and not list((tmp_path / "out").iterdir())
    assert str(archive) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".zip", *TARS])
def test_an_archive_is_unpacked_whole(tmp_path, suffix):
    said = []
    unpack(make(tmp_path, suffix), tmp_path / "out", said.append)
    assert files_in(tmp_path / "out") == FILES
    assert said == [f"unpacking release{suffix}: 3 entries, 0.2 MB"]
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["x.tar", "X.TAR", "no_suffix", "wrong.zip"])
def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path, name):
    inner = make_zip(tmp_path / "inner", {"of the zip": b"x"}).read_bytes()
    archive = make_tar(tmp_path / name, {"a": b"1", "z.zip": inner})
    assert zipfile.is_zipfile(archive), "the trap is set"
    unpack(archive, tmp_path / "out", lambda line: None)
    assert files_in(tmp_path / "out") == {"a": b"1", "z.zip": inner}


def test_an_old_tar_without_magic_is_known_by_its_name(tmp_path):
    inner = make_zip(tmp_path / "inner", {"of the zip": b"x"}).read_bytes()
    archive = make_tar(tmp_path / "v7.tar", {"z.zip": inner})
    content = bytearray(archive.read_bytes())
    content[257:265] = bytes(8)
    content[148:156] = b" " * 8  # the checksum counts itself as spaces
    content[148:156] = b"%06o\0 " % sum(content[:512])
    archive.write_bytes(content)
    unpack(archive, tmp_path / "out", lambda line: None)
    assert files_in(tmp_path / "out") == {"z.zip": inner}


OUTSIDE = ["../evil", "a/../../evil", "/tmp/mmlib_evil", "C:/evil", "C:evil", "..\\evil", "\\\\host\\evil", "a/.."]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("build", [make_zip, make_tar])
def test_members_that_point_outside_are_refused_before_anything_is_written(tmp_path, name, build):
    archive = build(tmp_path / f"evil{'.zip' if build is make_zip else '.tar'}", {"good": b"x", name: b"y"})
    message = refused(tmp_path, archive)
    assert "points outside the target folder" in message and "unpack it by yourself" in message
    assert not Path("/tmp/mmlib_evil").exists()


@pytest.mark.parametrize("folders", [archives.DEEPEST + 1, 2000, 20_000])
@pytest.mark.parametrize("build", [make_zip, make_tar])
def test_folders_without_end_are_refused_before_anything_is_written(tmp_path, build, folders):
    archive = build(tmp_path / f"deep{'.zip' if build is make_zip else '.tar'}", {"a/" * folders + "x": b"y"})
    message = refused(tmp_path, archive)
    assert "...' lies more than 100 folders deep" in message and len(message) < 600


@pytest.mark.parametrize("build", [make_zip, make_tar])
def test_folders_as_deep_as_they_may_be_are_unpacked(tmp_path, build):
    name = "a/" * archives.DEEPEST + "x"
    archive = build(tmp_path / f"deep{'.zip' if build is make_zip else '.tar'}", {name: b"y"})
    unpack(archive, tmp_path / "out", lambda line: None)
    assert files_in(tmp_path / "out") == {name: b"y"}


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc"}, "is a link"),
        ({"type": tarfile.SYMTYPE, "linkname": "good"}, "is a link"),
        ({"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"}, "is a link"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, "is not a plain file"),
        ({"type": tarfile.FIFOTYPE}, "is not a plain file"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, kind, problem):
    message = refused(tmp_path, make_tar(tmp_path / "x.tar", {"good": b"x"}, member=kind))
    assert f"'member' {problem}" in message


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("member")
    link.external_attr = 0o120777 << 16
    assert "'member' is a link" in refused(tmp_path, make_zip(tmp_path / "x.zip", {"good": b"x", link: b"/etc"}))


def test_an_encrypted_zip_is_refused(tmp_path):
    archive = make_zip(tmp_path / "x.zip", {"secret": b"x"})
    content = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    archive.write_bytes(content)
    assert "'secret' is encrypted" in refused(tmp_path, archive)


@pytest.mark.parametrize("suffix", [".zip", *TARS])
@pytest.mark.parametrize("kept", [0.5, 0.0])
def test_an_archive_that_is_cut_short_is_refused(tmp_path, suffix, kept):
    archive = make(tmp_path, suffix)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(kept * len(content))])
    message = refused(tmp_path, archive)
    assert "is damaged or cut short" in message and "download it again" in message


def test_a_tar_that_is_cut_between_two_members_is_refused(tmp_path):
    archive = make_tar(tmp_path / "x.tar", {"a": b"x" * 512, "b": b"y"})
    archive.write_bytes(archive.read_bytes()[: 2 * 512])
    assert "its end is missing" in refused(tmp_path, archive)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.xz"])
def test_a_damaged_byte_is_found(tmp_path, suffix):
    file = tmp_path / f"x{suffix}"
    noise = {"noise": bytes((i * i + i // 7) % 251 for i in range(50_000))}
    make_zip(file, noise) if suffix == ".zip" else make_tar(file, noise, TARS[suffix])
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    refused(tmp_path, file)


def test_a_size_that_lies_is_found(tmp_path):
    archive = make_zip(tmp_path / "x.zip", {"big": bytes(100_000)})
    content = bytearray(archive.read_bytes())
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 10)
    archive.write_bytes(content)
    assert "damaged" in refused(tmp_path, archive)


def test_more_than_the_free_disk_is_refused(tmp_path, monkeypatch):
    free = namedtuple("usage", "total used free")(0, 0, 100_000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: free)
    assert "0.0 GB are free" in refused(tmp_path, make(tmp_path, ".zip"))


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch):
    def full(self, folder, **_):
        (Path(folder) / "half").write_bytes(b"x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", full)
    assert "No space left on device" in refused(tmp_path, make(tmp_path, ".tar"))


def test_what_is_no_archive_is_refused(tmp_path):
    file = tmp_path / "data.rar"
    file.write_bytes(b"Rar!")
    assert "expected .zip, .tar" in refused(tmp_path, file)


def test_a_folder_that_is_there_already_is_left_alone(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "mine").write_text("x")
    with pytest.raises(PreparationError, match="is there already"):
        unpack(make(tmp_path, ".zip"), tmp_path / "raw", lambda line: None)
    assert files_in(tmp_path / "raw") == {"mine": b"x"}


def test_what_a_killed_unpacking_left_is_cleared(tmp_path):
    (tmp_path / ".raw.partial").mkdir()
    (tmp_path / ".raw.partial" / "half").write_text("x")
    unpack(make(tmp_path, ".zip"), tmp_path / "raw", lambda line: None)
    assert files_in(tmp_path / "raw") == FILES and not (tmp_path / ".raw.partial").exists()


def test_the_root_of_a_release_is_found_in_a_folder_of_its_own(tmp_path):
    (tmp_path / "avmnist" / "image").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "image").mkdir(parents=True)
    assert release_root(tmp_path, "image", "") == tmp_path / "avmnist"
    assert release_root(tmp_path / "avmnist", "image", "") == tmp_path / "avmnist"
    (tmp_path / "copy" / "image").mkdir(parents=True)
    with pytest.raises(PreparationError, match="avmnist and .*copy: pass the folder that is meant"):
        release_root(tmp_path, "image", "")


def test_a_folder_with_the_archive_only_says_to_pass_the_archive(tmp_path):
    archive = make(tmp_path, ".tar.gz")
    assert archives_in(tmp_path) == [archive]
    with pytest.raises(PreparationError, match=r"expected pictures\. The folder holds the archive .* --raw .*tar\.gz"):
        release_root(tmp_path, "image", "pictures")
    archive.unlink()
    assert archive_hint(tmp_path) == ""
