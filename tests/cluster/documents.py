"""Commands in the documents."""

import re
from pathlib import Path


def commands(page: Path) -> list[str]:
    """Return the commands in the shell blocks of *page*, with continued lines joined and without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    return [re.sub(r"\s+#\s.*", "", line).strip() for line in lines if line.strip()]
