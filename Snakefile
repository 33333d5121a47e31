# data -> notebooks -> site. `make figures` runs it; by hand:  snakemake --cores 2
# MMLIB_PROFILE chooses smoke, quick (the default) or full; MMLIB_DATA and MMLIB_RESULTS choose the folders.
import sys

from data_prep.sources import SOURCES
from mmlib import paths
from mmlib.profiles import default_profile

DATA, RESULTS = paths.data_dir(), paths.results_dir()
NAMES = sorted(file.stem for file in paths.NOTEBOOKS.glob("*.ipynb"))
# These files shape the pages and not the results, so a change in them runs no notebook again.
PAGES_ONLY = {"__main__.py", "refresh.py", "site.py"}
CODE = sorted(file for file in (paths.ROOT / "mmlib").rglob("*.py") if file.name not in PAGES_ONLY)

# Several processes share the cores, so each keeps to one thread.
shell.prefix("export OMP_NUM_THREADS=1; ")


wildcard_constraints:
    name="[^/.]+",


rule site:
    input:
        expand(RESULTS / "notebooks" / "{name}" / "metrics.json", name=NAMES),
        paths.NOTEBOOKS / "figures.yaml",
        paths.ROOT / "mmlib" / "site.py",
        paths.ROOT / "mmlib" / "site.html.j2",
    output:
        RESULTS / "index.html",
    shell:
        "{sys.executable} -m mmlib site"


rule notebook:
    input:
        paths.NOTEBOOKS / "{name}.ipynb",
        expand(DATA / "{data}.json", data=SOURCES),
        CODE,
    output:
        RESULTS / "notebooks" / "{name}.ipynb",
        RESULTS / "notebooks" / "{name}.html",
        RESULTS / "notebooks" / "{name}" / "metrics.json",
    params:
        # A recorded parameter: results of another profile do not count as done.
        profile=default_profile(),
    shell:
        "MMLIB_PROFILE={params.profile} {sys.executable} -m mmlib notebook {wildcards.name}"


rule data:
    output:
        DATA / "{name}.npz",
        DATA / "{name}.json",
    shell:
        "{sys.executable} -m data_prep {wildcards.name}"


onerror:
    # The page then names what is missing.
    shell("{sys.executable} -m mmlib site")
