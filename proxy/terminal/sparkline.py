"""A row of figures as a row of bars, each a character high at most."""

from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"


def sparkline(figures: Sequence[float | None], width: int) -> str:
    """The last `width` figures, the largest as the highest bar; a gap where one is not known.

    What is not nought is seen, however small it is beside the others.
    """
    shown = list(figures)[-width:] if width > 0 else []
    most = max((figure for figure in shown if figure is not None), default=0.0)
    bars = [_bar(figure, most) for figure in shown]
    return "".join(bars)


def _bar(figure: float | None, most: float) -> str:
    if not figure or figure < 0 or not most:
        return BARS[0] if figure is None else BARS[1]
    return BARS[max(2, round((len(BARS) - 1) * figure / most))]
