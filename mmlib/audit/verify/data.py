"""Whether the prepared data sets are what ``python -m data_prep`` wrote."""

import shlex
from pathlib import Path

from mmlib.audit.verify.findings import Findings, require_file
from mmlib.data.storage.prepared import read_prepared
from mmlib.records.catalogue import RAW, command_for
from mmlib.records.names import check_name
from mmlib.records.sealed import opened, read_exactly

UNSEALED = {"name", "classes", "arrays", "npz_sha256", "source", "licence", "credit", "split"}


def check_data(folder: Path, findings: Findings) -> None:
    """Every data set in ``folder`` (that of mmlib.paths.data_dir): its manifest, and the arrays it vouches for."""
    files = findings.listed(folder, "remove it and prepare the data again")
    of_own_copies = {file.name for file in files if file.name in RAW}
    fetched = {file.stem for file in files if file.suffix in (".npz", ".json")}
    for name in sorted(of_own_copies | fetched):
        findings.counts["prepared data sets"] += 1
        do = f"make it again: {command_for(shlex.quote(name))}"
        with findings.damage(folder / f"{name}.json", do):
            manifest = _manifest(folder / f"{name}.json", findings)
            if "npz_sha256" not in manifest:
                _check_arrays(folder / name, manifest["arrays"], do, findings)
            elif findings.expect_hash(folder / f"{name}.npz", manifest["npz_sha256"], do):
                _compare(name, manifest)


def _check_arrays(folder: Path, arrays: dict, do: str, findings: Findings) -> None:
    """Those of a set that was prepared from the user's copy, a file each."""
    for array, about in arrays.items():
        findings.counts["arrays of prepared data sets"] += 1
        check_name("an array of it", array)
        findings.expect_hash(folder / f"{array}.npy", about["sha256"], do)


def _manifest(file: Path, findings: Findings) -> dict:
    require_file(file)
    content = read_exactly(file)
    if isinstance(content, dict) and set(content) == UNSEALED:
        findings.counts["manifests of an earlier version, without a hash of their own"] += 1
        return content
    if isinstance(content, dict) and "digest" not in content:
        raise ValueError(f"expected the entries {', '.join(sorted(UNSEALED))}, got {', '.join(sorted(content))}")
    return opened(content)


def _compare(name: str, manifest: dict) -> None:
    found = {key: {"shape": list(a.shape), "dtype": str(a.dtype)} for key, a in read_prepared(name).arrays.items()}
    if manifest["name"] != name or manifest["arrays"] != found:
        raise ValueError(f"it describes {manifest['name']} with other arrays than are in {name}.npz")
