"""What a notebook leaves behind for tests, plots and readers: metrics.json and table.csv."""

import numpy as np
import pandas as pd

from mmlib.records.files import sha256_of, write_atomically, write_json
from mmlib.records.jsonable import to_json
from mmlib.records.names import check_name
from mmlib.records.origin.destination import all_parameters, results_place
from mmlib.records.provenance import provenance
from mmlib.records.sealed import sealed


def write_results(notebook: str, metrics: dict, table: pd.DataFrame, parameters: dict) -> None:
    """Writes results/notebooks/NOTEBOOK/table.csv and then metrics.json; the latter's presence means done.

    From other code or with other parameters than the suite's, they go to results/variants (records/origin).
    metrics: name -> number, or dicts of these. parameters: the values of the notebook's parameters cell; what is left
    out is taken from the running kernel.
    table: tidy, one row a measured value, no empty cell.
    metrics.json holds notebook, metrics, parameters, provenance, the SHA-256 of the table and a digest of itself; where
    other code than the suite's wrote it, also the file of that.
    Raises ValueError for NaN or infinity in metrics, for an empty table or an empty cell in it; TypeError for a value
    that is not JSON type. The message names the entry.
    """
    check_name("notebook", notebook)
    _check_table(table)
    place = results_place(notebook)
    content = {
        "notebook": place.notebook,
        **place.origin,
        "metrics": to_json("metrics", metrics),
        "parameters": all_parameters(notebook, parameters),
        "provenance": provenance(),
    }
    folder = place.folder / "notebooks" / place.notebook
    (folder / "metrics.json").unlink(missing_ok=True)
    write_atomically(folder / "table.csv", lambda file: table.to_csv(file, index=False))
    write_json(folder / "metrics.json", sealed({**content, "table_sha256": sha256_of(folder / "table.csv")}))


def _check_table(table: pd.DataFrame) -> None:
    if table.empty:
        raise ValueError("table has no rows: a notebook reports at least one measured value.")
    empty = table.isna() | table.isin([np.inf, -np.inf])
    if empty.any(axis=None):
        row, column = next((row, column) for column in table for row in table.index[empty[column]])
        raise ValueError(
            f"table has {table.at[row, column]} in column {column!r}, row {row}: a tidy table has a value in every "
            "cell; find out why, or leave that row out and say so in the notebook."
        )
