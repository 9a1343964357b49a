"""Who says what to whom, as a picture: a lifeline for each who takes part, a band for each step.

Lengths in pixels, y downwards. The colours are those of a light page; the site's style sheet knows what each
is in the dark.
"""

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from attrs import frozen

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
WIDTH = 900
MARGIN_RIGHT = 34
"""Where it is told what the coloured bands have in common."""
HEAD, FOOT = 64, 24
BAND_HEAD, ROW, BAND_FOOT = 30, 27, 8
INK, FAINT, LINE, EDGE, MARKED = "#1f2328", "#57606a", "#8c959f", "#cf222e", "#9a6700"
PALE, YELLOW = "#f6f8fa", "#fff8c5"


@frozen
class Arrow:
    source: str
    target: str
    text: str


@frozen
class Band:
    title: str
    gist: str
    arrows: Sequence[Arrow]
    marked: bool = False
    edge: bool = False
    """A line above it, behind which there is no way back."""

    @property
    def height(self) -> int:
        return BAND_HEAD + ROW * len(self.arrows) + BAND_FOOT


@frozen
class Picture:
    title: str
    lifelines: Mapping[str, int]
    """Who takes part, and the x of each."""
    bands: Sequence[Band]
    marked: str = ""
    """What the marked bands have in common."""

    def draw(self) -> str:
        """All of it, as SVG."""
        height = HEAD + sum(band.height for band in self.bands) + FOOT
        body = [*_frame(self.title, height), *self._bands(), *self._lifelines(height), *self._arrows()]
        return "\n".join([*body, *self._words(), "</svg>", ""])

    def _tops(self) -> Iterator[tuple[int, Band]]:
        """Each band and the y at which it begins."""
        y = HEAD
        for band in self.bands:
            yield y, band
            y += band.height

    def _bands(self) -> Iterator[str]:
        right = WIDTH - MARGIN_RIGHT
        for top, band in self._tops():
            size = f'width="{right - 10}" height="{band.height - 4}"'
            yield f'  <rect x="10" y="{top + 2}" {size} rx="6" fill="{_fill(band)}"/>'
            if band.edge:
                style = f'stroke="{EDGE}" stroke-width="2" stroke-dasharray="6 4"'
                yield f'  <path d="M10 {top} H{right}" {style}/>'
        marked = [(top, top + band.height) for top, band in self._tops() if band.marked]
        if marked:
            turned = f'transform="translate({WIDTH - 22} {(marked[0][0] + marked[-1][1]) // 2}) rotate(90)"'
            style = f'text-anchor="middle" fill="{MARKED}" font-weight="600"'
            yield f"  <text {turned} {style}>{escape(self.marked)}</text>"

    def _lifelines(self, height: int) -> Iterator[str]:
        for who, x in self.lifelines.items():
            fill, stroke = ("#ddf4ff", "#0969da") if who == "Baton" else (PALE, FAINT)
            yield f'  <path d="M{x} {HEAD - 6} V{height - 12}" stroke="{LINE}" stroke-dasharray="2 3"/>'
            box = f'x="{x - 65}" y="18" width="130" height="32" rx="6"'
            yield f'  <rect {box} fill="{fill}" stroke="{stroke}"/>'
            style = f'text-anchor="middle" fill="{INK}" font-weight="600"'
            yield f'  <text x="{x}" y="39" {style}>{escape(who)}</text>'

    def _arrows(self) -> Iterator[str]:
        for top, band in self._tops():
            for index, arrow in enumerate(band.arrows):
                here, there = self.lifelines[arrow.source], self.lifelines[arrow.target]
                path = f"M{here} {_row(top, index)} H{there - 3 if there > here else there + 3}"
                yield f'  <path d="{path}" stroke="{FAINT}" stroke-width="1.4" marker-end="url(#arrow)"/>'

    def _words(self) -> Iterator[str]:
        for top, band in self._tops():
            yield _write(24, top + 22, band.title, band, more=' font-weight="600"')
            begin = 24 + 9 * len(band.title)
            yield _write(max(124, begin), top + 22, band.gist, band, EDGE if band.edge else FAINT)
            for index, arrow in enumerate(band.arrows):
                middle = (self.lifelines[arrow.source] + self.lifelines[arrow.target]) // 2
                more = ' text-anchor="middle"'
                yield _write(middle, _row(top, index) - 6, arrow.text, band, more=more)


def _frame(title: str, height: int) -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
    yield f'     font-family="{FONT}" font-size="13">'
    yield f"  <title>{escape(title)}</title>"
    yield "  <defs>"
    box = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
    yield f'    <marker id="arrow" {box}><path d="M0 0 L8 4 L0 8 z" fill="{FAINT}"/></marker>'
    yield "  </defs>"
    yield "  <!-- The card is opaque, so that it reads the same on a light and on a dark page. -->"
    size = f'width="{WIDTH - 2}" height="{height - 2}"'
    yield f'  <rect x="1" y="1" {size} rx="10" fill="#ffffff" stroke="{LINE}"/>'


def _fill(band: Band) -> str:
    return YELLOW if band.marked else PALE


def _row(top: int, index: int) -> int:
    """The y of a band's arrow."""
    return top + BAND_HEAD + ROW * index + 18


def _write(x: int, y: int, words: str, band: Band, colour: str = INK, more: str = "") -> str:
    """Words with a rim of the band's colour, so that no lifeline goes through them."""
    rim = f'stroke="{_fill(band)}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
    return f'  <text x="{x}" y="{y}" fill="{colour}" {rim}{more}>{escape(words)}</text>'
