"""Which code a run's numbers come from: other code, other run."""

import hashlib
from functools import cache
from pathlib import Path

COMPUTING_CODE = (
    "data",
    "models",
    "methods",
    "measures",
    "training.py",
    "training_state.py",
    "epoch_columns.py",
    "frozen_parts.py",
    "random_numbers.py",
    "run_measures.py",
    "run_job.py",
)


@cache
def code_version() -> str:
    """Hex SHA-256 of the source files that a run's numbers come from."""
    package = Path(__file__).parent
    files = [f for name in COMPUTING_CODE for f in sorted((package / name).rglob("*.py")) or [package / name]]
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
