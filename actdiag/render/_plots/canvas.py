"""What figures are drawn on: their colours, and how they become SVG inside a page or PNG."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_STYLE: Any = {  # matplotlib types its keys one by one
    "svg.fonttype": "none",
    "text.parse_math": False,  # a layer's name may hold dollar signs
    "axes.unicode_minus": True,
    "font.size": 9.0,
    "font.family": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.dpi": 100.0,
}
_INTRODUCTION = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ')
_SIZE = re.compile(r'(<svg [^>]*?)\s(?:width|height)="[^"]*"')
_GROUP = re.compile(r'<g id="[^"]*"')  # named for no one; the page's names must differ
_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_PIXELS = 1.5  # of the page for a point at most, so that letters become no larger than its own
_BLANK = re.compile(r">\s+<")
_TAG = re.compile("<[^>]*>")  # where places are, and not what is written
_DIGITS = re.compile(r"(?<=\d)\.(\d{2})\d+")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they are for, as ``#rrggbb``."""

    ink: str
    muted: str
    grid: str
    ground: str
    first: str
    second: str
    third: str
    bad: str


PAPER = Palette(
    "#1b1f24", "#57606a", "#d9dee3", "#ffffff", "#0b5cad", "#a84b00", "#6f3aa8", "#b3261e"
)
MARKERS = Palette(*(f"#fe{index:02x}ef" for index in range(8)))  # stand in for the page's own


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure: the name of its file, what it is called, and how to read it."""

    name: str
    title: str
    caption: str
    figure: Figure


def plain_logarithms(axis: Axis) -> None:
    """Label a logarithmic axis ``0.001``, ``10``, ``1e+06``, without mathematical type-setting."""
    axis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    axis.set_minor_formatter(lambda *_: "")


@contextmanager
def styled(palette: Palette) -> Iterator[None]:
    """Draw in our style and these colours within the block; nothing global is left changed."""
    import matplotlib as mpl

    colors: Any = {
        "text.color": palette.ink,
        "axes.edgecolor": palette.muted,
        "axes.labelcolor": palette.ink,
        "axes.titlecolor": palette.ink,
        "xtick.color": palette.muted,
        "ytick.color": palette.muted,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "grid.color": palette.grid,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "legend.labelcolor": palette.ink,
    }
    with mpl.rc_context(_STYLE | colors):
        yield


def svg(drawing: Drawing, page: int = 1) -> str:
    """Return the figure as an ``<svg>`` element for a document that defines ``--ink`` and others.

    The same figure gives the same text, and one of another ``page`` of that document shares no
    element's name with it; it scales to the width it is given.
    """
    import matplotlib as mpl

    written = BytesIO()
    with _any_glyph(), mpl.rc_context(_STYLE | {"svg.hashsalt": f"actdiag-{page}-{drawing.name}"}):
        drawing.figure.savefig(
            written, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    text = _METADATA.sub("", _INTRODUCTION.sub("", written.getvalue().decode()))
    text = _COMMENT.sub("", _SIZE.sub(r"\1", _SIZE.sub(r"\1", text, count=1), count=1))
    text = _GROUP.sub("<g", text)
    widest = round(_PIXELS * float(_BOX.search(text)[1]))  # type: ignore[index]
    label = escape(f"{drawing.title}. {drawing.caption}", quote=True)
    text = text.replace(
        "<svg ", f'<svg role="img" aria-label="{label}" style="max-width:{widest}px" ', 1
    )
    for name, color in zip(_names(), astuple(MARKERS), strict=True):
        text = text.replace(color, f"var(--{name})")
    return _BLANK.sub("><", _TAG.sub(lambda tag: _DIGITS.sub(r".\1", tag.group()), text))


def png(drawing: Drawing) -> bytes:
    """Return the figure as a PNG on white, the same bytes for the same figure."""
    import matplotlib as mpl

    written = BytesIO()
    with _any_glyph(), mpl.rc_context(_STYLE):
        drawing.figure.savefig(
            written, format="png", dpi=150, facecolor="white", metadata={"Software": None}
        )
    return written.getvalue()


@contextmanager
def _any_glyph() -> Iterator[None]:
    """Be silent about letters that the font lacks: the page has the reader's own fonts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        yield


def _names() -> list[str]:
    return [item.name for item in fields(Palette)]
