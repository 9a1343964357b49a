"""Figures in columns."""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def in_ms(value: float | None) -> str:
    """Milliseconds with as many digits as matter."""
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def lay_out(rows: Sequence[Row], *, left: int, columns: int) -> list[str]:
    """The rows with their columns aligned: the first `left` ones to the left, the others to the right.

    The gaps shrink where the screen is too narrow for comfortable ones.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = "  " if sum(widths) + 2 * len(widths) < columns else " "
    return [
        (
            gap.join(
                cell.ljust(width) if number < left else cell.rjust(width)
                for number, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]
