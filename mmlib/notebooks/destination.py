"""Where a notebook that is executed by name or path leaves its results, and making room for them."""

from collections.abc import Mapping
from pathlib import Path

from mmlib import paths
from mmlib.records.execution_record import record_file
from mmlib.records.figure_list import figures_listed
from mmlib.records.figure_record import KINDS
from mmlib.records.origin.parameters import differing
from mmlib.records.origin.suite import is_of_suite, variant_place, variants_dir


def outputs_of(source: Path, values: Mapping[str, object]) -> Path:
    """Where notebook and figures go: the suite's, with the default parameters, to its folder, others to their own."""
    other, of_suite = differing(source, values), is_of_suite(source)
    if of_suite and not other:
        return paths.outputs_dir()
    return variant_place(source.stem, other, None if of_suite else str(source))


def remove_results(output: Path) -> None:
    """Removes what an earlier run left, so that nothing old can be taken for the result of this one."""
    folder, figures = output.with_suffix(""), output.parent.parent / "figures"
    old = [record_file(output), output, output.with_suffix(".failed.ipynb")]
    old += [folder / "metrics.json", folder / "table.csv"]
    if output.parent.parent.parent == variants_dir():  # a place of this notebook alone, under whatever name it saves
        ids = sorted({file.stem for file in figures.glob("[!.]*") if file.suffix in KINDS})
    else:
        ids = [id for id, entry in figures_listed().items() if entry["notebook"] == output.stem]
    # The record goes first: it is what vouches for the pictures.
    old += [figures / f"{id}.{kind}" for id in ids for kind in ("json", "png", "svg")]
    for file in old:
        file.unlink(missing_ok=True)
