"""Reading files out of wheels whose sha256 has been checked."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from data_prep.errors import PreparationError


class WheelFiles:
    """The files in ``wheels``, whose hashes are right; say: is called with a line of progress."""

    def __init__(self, wheels: Sequence[Path], say: Callable[[str], None]) -> None:
        self.say = say
        archives = [_opened(wheel) for wheel in wheels]  # once: opening a wheel of 13,000 files takes 50 ms
        self._archives = {member: archive for archive in archives for member in archive.namelist()}
        self._names = ", ".join(wheel.name for wheel in wheels)

    def read(self, member: str) -> bytes:
        """The bytes of one file. Raises PreparationError if it is missing or damaged."""
        if member not in self._archives:
            raise PreparationError(f"{self._names} does not hold a readable {member}: it is not in the list of files.")
        archive = self._archives[member]
        try:
            return archive.read(member)
        except zipfile.BadZipFile as error:
            name = Path(archive.filename).name
            raise PreparationError(f"{name} does not hold a readable {member}: {error}") from error

    def members(self, prefix: str) -> list[str]:
        """The names of all files that begin with ``prefix``, in order."""
        return sorted(member for member in self._archives if member.startswith(prefix) and not member.endswith("/"))


def _opened(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except zipfile.BadZipFile as error:
        raise PreparationError(f"{wheel.name} is not a wheel: {error}.") from error
