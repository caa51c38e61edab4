"""Parts of the pictures as SVG."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from functions.api.pictures.render import FAMILY

WIDTH, HEIGHT = 1200, 630
MARGIN = 72
GROUND, LINE = "#FBFAF8", "#E4E1DB"
INK, INK_2, INK_3 = "#16171A", "#4F5057", "#686970"
UP, UP_SOFT, UP_FILL = "#0B5BCB", "#E3EDFB", "#2B74E8"
DOWN, DOWN_SOFT, DOWN_FILL = "#B04300", "#FBE9DC", "#DB6400"
WARN, WARN_SOFT = "#7A5200", "#FBF0D2"
"""Colours of the page's light theme (frontend/src/lib/design/tokens.css)."""

_ADVANCES = dict(zip("0123456789.,+\N{MINUS SIGN}%$ ", (
    677, 387, 557, 579, 615, 581, 615, 561, 598, 619, 275, 275, 544, 544, 786, 637, 260,
), strict=True))  # fmt: skip
"""Widths of characters in thousandths of the size, of the weight 600."""
_OTHER_ADVANCE = 560
_STROKE = 'stroke-width="5" stroke-linecap="round" stroke-linejoin="round"'
_LOGO = (
    '<g transform="translate({x} {y}) scale(1.5)"><rect width="32" height="32" rx="7" fill="#16171a"/>'
    '<path d="M8 24v-8M13.3 24V11M18.7 24v-7M24 24V8" fill="none" stroke="#fff" stroke-width="3" '
    'stroke-linecap="round"/></g>'
)


def text(
    x: float, y: float, size: int, content: str, colour: str = INK, weight: int = 400, anchor: str = "start"
) -> str:
    """Return a line of text whose baseline begins, or for the anchor "end" ends, at *x* and *y*."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}" letter-spacing="{_tracking(size):.1f}">{escape(content)}</text>'
    )


def text_width(content: str, size: int) -> float:
    """Return the width of figures in pixels; of letters about."""
    return sum(_ADVANCES.get(one, _OTHER_ADVANCE) for one in content) * size / 1000 + _tracking(size) * len(content)


def _tracking(size: int) -> float:
    """Return the space between letters: as on the page, large figures stand closer."""
    return -0.025 * size if size > 40 else 0


def shorten(content: str, longest: int) -> str:
    """Return *content* of *longest* characters at most, with an ellipsis where it was cut."""
    return content if len(content) <= longest else content[: longest - 1].rstrip() + "…"


def pill(x: float, y: float, change: Decimal, percent: str) -> str:
    """Return the change since the previous close as the page shows it: colour, triangle and sign."""
    if change == 0:
        return text(x, y + 40, 40, percent, INK_2, 600)
    is_up = change > 0
    colour, soft = (UP, UP_SOFT) if is_up else (DOWN, DOWN_SOFT)
    shown = ("+" if is_up else "\N{MINUS SIGN}") + percent
    width = text_width(shown, 40) + 90
    triangle = "M0 22L14 0L28 22Z" if is_up else "M0 0L28 0L14 22Z"
    return (
        f'<rect x="{x:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="68" rx="34" fill="{soft}"/>'
        f'<path transform="translate({x + 26:.1f} {y + 15:.1f})" d="{triangle}" fill="{colour}"/>'
        + text(x + 66, y + 40, 40, shown, colour, 600)
    )


def chart(closes: Sequence[Decimal | None], previous_close: Decimal | None, top: int, bottom: int) -> str:
    """Return the hourly *closes* as a line, broken at missing ones, with the previous close as a dotted line."""
    known = [close for close in closes if close is not None]
    if len(known) < 2:
        return ""
    levels = [*known, *([previous_close] if previous_close is not None else [])]
    low, high = min(levels), max(levels)

    def height(price: Decimal) -> float:
        return bottom - float((price - low) / (high - low) if high > low else Decimal("0.5")) * (bottom - top)

    step = (WIDTH - 2 * MARGIN) / (len(closes) - 1)
    path, pen = "", "M"
    for place, close in enumerate(closes):
        if close is not None:
            # A point alone between two gaps is a dot: a line of no length with round ends.
            path += f"{pen}{MARGIN + step * place:.1f} {height(close):.1f}" + ("h0" if pen == "M" else "")
        pen = "L" if close is not None else "M"
    is_up = previous_close is None or known[-1] >= previous_close
    colour = UP_FILL if is_up else DOWN_FILL
    level = "" if previous_close is None else (
        f'<path d="M{MARGIN} {height(previous_close):.1f}H{WIDTH - MARGIN}" stroke="{INK_3}" stroke-width="2" '
        'stroke-dasharray="2 8" stroke-linecap="round"/>'
    )  # fmt: skip
    line = f'<path d="{path}" fill="none" stroke="{colour}" {_STROKE}/>'
    last = len(closes) - 1 - next(place for place, close in enumerate(reversed(closes)) if close is not None)
    end = f'<circle cx="{MARGIN + step * last:.1f}" cy="{height(known[-1]):.1f}" r="9" fill="{colour}"/>'
    return level + line + end


def frame(content: str, footer: str, note: str = "") -> str:
    """Return the whole picture: logo, *content*, and below it *footer* with a *note* in the warning colour."""
    chip = ""
    if note:
        width = text_width(note, 24) + 40
        left = WIDTH - MARGIN - width
        chip = f'<rect x="{left:.1f}" y="52" width="{width:.1f}" height="44" rx="22" fill="{WARN_SOFT}"/>' + text(
            WIDTH - MARGIN - width / 2, 82, 24, note, WARN, 500, "middle"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="{FAMILY}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{GROUND}"/>'
        + _LOGO.format(x=MARGIN, y=50) + text(MARGIN + 64, 84, 30, "StocksALot", INK_2, 600) + chip + content
        + text(MARGIN, HEIGHT - 44, 26, footer, INK_3) + "</svg>"
    )  # fmt: skip
