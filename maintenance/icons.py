"""Icons of the page for every system, drawn of frontend/static/favicon.svg: `python -m maintenance.icons`."""

import struct
from pathlib import Path

from resvg_py import svg_to_bytes

STATIC = Path(__file__).parents[1] / "frontend" / "static"
_ICO_SIZES = (16, 32, 48)
_SAFE = 0.72
"""Part of a maskable icon's width that every mask leaves (at least 0.8), and some air."""


def make_icons() -> dict[str, bytes]:
    """Return each file with its content."""
    svg = (STATIC / "favicon.svg").read_text()
    square = svg.replace(' rx="7"', "")
    inner = square[square.index("<path") : square.index("</svg>")]
    scaled = f'<g transform="translate({16 - 16 * _SAFE} {16 - 16 * _SAFE}) scale({_SAFE})">{inner}</g>'
    maskable = square.replace(inner, scaled)
    return {
        "favicon.ico": _ico([_png(svg, size) for size in _ICO_SIZES]),
        "apple-touch-icon.png": _png(square, 180),
        "icon-192.png": _png(svg, 192),
        "icon-512.png": _png(svg, 512),
        "icon-maskable-192.png": _png(maskable, 192),
        "icon-maskable-512.png": _png(maskable, 512),
    }


def _png(svg: str, size: int) -> bytes:
    return bytes(svg_to_bytes(svg_string=svg, skip_system_fonts=True, width=size, height=size))


def _ico(pictures: list[bytes]) -> bytes:
    """Return an ICO file of PNG files, each with its width in the header of the file."""
    offset = 6 + 16 * len(pictures)
    entries = b""
    for png in pictures:
        (width,) = struct.unpack(">I", png[16:20])
        entries += struct.pack("<BBBBHHII", width, width, 0, 0, 1, 32, len(png), offset)
        offset += len(png)
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + b"".join(pictures)


if __name__ == "__main__":
    for name, content in make_icons().items():
        (STATIC / name).write_bytes(content)
