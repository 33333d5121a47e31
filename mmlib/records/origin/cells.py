"""Reading the cells of a notebook file, whatever is wrong with it."""

from pathlib import Path

import nbformat


def cells_of(source: Path) -> list[nbformat.NotebookNode]:
    """The cells of the notebook. Raises OSError, and ValueError for a file that is not a notebook."""
    try:
        return nbformat.read(source, as_version=4).cells
    # nbformat's own error of a wrong form is not a ValueError, and for some forms it has none.
    except (nbformat.ValidationError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise ValueError(f"{source.name} is not a notebook ({type(error).__name__}: {why})") from error
