"""Sphinx with MyST-NB, set up so that neither building nor reading the site needs a network."""

import io
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

SETTINGS = {
    "project": "mmlib",
    "html_title": "mmlib",
    "extensions": ["myst_nb", "mmlib.site.extension"],
    "html_theme": "furo",
    "html_static_path": ["static"],
    "html_css_files": ["site.css"],
    "html_math_renderer": "svg",
    "html_copy_source": False,
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "html_use_index": False,
    "templates_path": [],
    "myst_enable_extensions": ["dollarmath", "amsmath"],
    "myst_heading_anchors": 3,
    # Notebooks are shown as they were executed, and their Markdown outputs may hold tables and formulas.
    "nb_execution_mode": "off",
    "nb_render_markdown_format": "myst",
    "nb_merge_streams": True,
    # The default names two scripts on the network.
    "nb_ipywidgets_js": {},
}


def build_html(source: Path, target: Path, *, alts: dict[str, str]) -> list[str]:
    """Writes the pages of the folder ``source`` to ``target``; returns the builder's warnings, one line each.

    alts: SHA-256 of a picture in a notebook's output -> its alternative text. Further files of the builder go beside
    ``target``.
    """
    told = io.StringIO()
    doctrees = target.with_name("doctrees")
    settings = {**SETTINGS, "mmlib_alts": alts, "nb_execution_cache_path": str(target.with_name("cache"))}
    with patch_docutils(), docutils_namespace():
        app = Sphinx(source, None, target, doctrees, "html", settings, status=None, warning=told)
        app.build(force_all=True)
    return [line.replace(f"{source}/", "") for line in told.getvalue().splitlines() if line.strip()]
