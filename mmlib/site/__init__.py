"""The site: executed notebooks, a gallery of figures, the runs and the environment as pages that need no network."""

import shutil
from collections.abc import Callable
from pathlib import Path

from mmlib import paths
from mmlib.site.content import gather
from mmlib.site.pages import write_pages
from mmlib.site.sphinx_build import build_html
from mmlib.site.swap import replacing


def build_site(*, say: Callable[[str], object] = print) -> Path:
    """Writes results/site from what was made so far; returns its start page, results/site/index.html.

    What is listed and not made, made and not listed, failed or skipped is named on the start page. say: takes a line
    at the end and one for each warning of the builder. Raises ValueError if a figure's record or an executed notebook
    is damaged. Until everything is built, and after an error, the former site stays.
    """
    content = gather()
    site = paths.results_dir() / "site"
    with replacing(site) as work:
        write_pages(content, work / "source")
        warnings = build_html(work / "source", work / "new", alts=content.alts)
        for id in content.figures:
            for picture in sorted((paths.outputs_dir() / "figures").glob(f"{id}.*")):
                _copy(picture, work / "new" / "figures" / picture.name)
    for warning in warnings:
        say(f"site: {warning}")
    listed = [id for id in content.figures if id not in content.unlisted]
    note = f"; missing: {', '.join(content.missing)}" if content.missing else ""
    say(f"site: {len(listed)} of {len(listed) + len(content.missing)} figures in {site / 'index.html'}{note}")
    return site / "index.html"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)
