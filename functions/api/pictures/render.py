"""SVG to PNG by resvg, in a process of its own: resvg holds the interpreter's lock while it draws.

Run as a script it reads SVG from standard input and writes PNG to standard output.
"""

import asyncio
import sys
from pathlib import Path

FAMILY = "Instrument Sans"
_FONTS = [str(path) for path in sorted((Path(__file__).parent / "fonts").glob("*.ttf"))]
_MAX_SECONDS = 10
_one_at_a_time = asyncio.Semaphore(1)


async def render(svg: bytes) -> bytes:
    """Return *svg* as a PNG file; TimeoutError after ten seconds, RuntimeError when resvg refuses it."""
    async with asyncio.timeout(_MAX_SECONDS), _one_at_a_time:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", __file__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            png, _ = await process.communicate(svg)
        finally:
            if process.returncode is None:
                process.kill()
    if process.returncode:
        raise RuntimeError(f"the picture was not drawn: status {process.returncode}")
    return png


def png(svg: str) -> bytes:
    """Return *svg* as a PNG file, drawn in this process."""
    from resvg_py import svg_to_bytes

    return bytes(svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_files=_FONTS, font_family=FAMILY))


if __name__ == "__main__":
    sys.stdout.buffer.write(png(sys.stdin.read()))
