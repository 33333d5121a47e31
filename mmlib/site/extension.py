"""What Sphinx lacks: words for the pictures in notebooks' outputs, and formulas drawn while building."""

from html import escape
from pathlib import PurePosixPath

import ziamath
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

log = logging.getLogger(__name__)
SIZE = 18  # pixels, which ziamath takes for its unit
ziamath.config.svg2 = False  # whole outlines in each picture: shared symbols would need ids unique on a page


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    # No text of a page may bring in a file of this machine.
    app.connect("builder-inited", _read_no_files)
    app.add_config_value("mmlib_alts", {}, "html")
    app.connect("doctree-read", _describe)
    app.add_html_math_renderer("svg", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read_no_files(app: Sphinx) -> None:
    app.env.settings["file_insertion_enabled"] = False


def _describe(app: Sphinx, doctree: nodes.document) -> None:
    """MyST-NB names a picture by the hash of its bytes, and takes alternative text per cell only."""
    for image in doctree.findall(nodes.image):
        words = app.config.mmlib_alts.get(PurePosixPath(image["uri"]).stem)
        if words:
            image["alt"] = words


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_drawn(node, inline=True))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    anchors = "".join(f'<span id="{escape(id)}"></span>' for id in node.get("ids", []))
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    translator.body.append(f'<div class="formula">{anchors}{_drawn(node, inline=False)}{number}</div>\n')
    raise nodes.SkipNode


def _drawn(node: nodes.Element, *, inline: bool) -> str:
    """The formula as SVG in the colour of the text, named by its LaTeX; where it cannot be read, the LaTeX itself."""
    latex = node.astext()
    try:
        formula = ziamath.Latex(latex, size=SIZE, inline=inline, color="currentColor")
        picture, offset = formula.svg(), formula.getyofst()
    except Exception as error:  # latex2mathml's errors have no class in common
        log.warning("formula not understood (%s): %s", type(error).__name__, latex, location=node)
        return f"<code>{escape(latex)}</code>"
    style = f"vertical-align: {offset:.1f}px" if inline else ""
    return f'<span class="math" role="img" aria-label="{escape(latex)}" style="{style}">{picture}</span>'
