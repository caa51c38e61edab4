"""Shell script of a document: its blocks in order, as a reader runs them, and the output of each."""

import json
import os
import re
import subprocess
from pathlib import Path

from knative.local.services.ports import free_port
from tests.documents.blocks import Block
from tests.running import ROOT, System

CURLRC = "fail-with-body\nsilent\nshow-error\nretry 8\nretry-connrefused\nretry-delay 1\n"
"""Settings of curl: an error status ends the script, and a server that has just been started has a moment."""
CHANGING = (
    (r"sal_[0-9A-Za-z_]{38,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", "TIME"),
    (r"[+\N{MINUS SIGN}-]?\d[\d,]*(\.\d+)?", "NUMBER"),
    (r"[ \t]+", " "),
)
"""What differs between installations, and the word in its place: ids and secrets, instants, figures, widths."""
_REFUSED = re.compile(r"^(curl .*?)\s+# (4\d\d)$", re.MULTILINE)
_FOLDER = re.compile(r"(-m knative\.local [\w-]+)")
_PORTS = ("8090", "8091")
"""Ports of the stand-ins that the documents start."""
_BEGIN = "== block "


def run(blocks: list[Block], system: System, folder: Path, **environment: str) -> dict[int, str]:
    """Run *blocks* in *folder* one after the other, in one shell; return the output of each by its line."""
    _furnish(folder)
    done = subprocess.run(
        ["bash", "-c", _script(blocks, system)],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "CURL_HOME": str(folder),
            "DATABASE_URL": system.database_url,
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    parts = re.split(rf"^{_BEGIN}(\d+)\n", done.stdout, flags=re.MULTILINE)[1:]
    printed = {int(line): text for line, text in zip(parts[::2], parts[1::2], strict=True)}
    last = max(printed, default=0)
    where = f"{blocks[0].document}:{last}: {printed.get(last, '')[-2000:]}{done.stderr[-4000:]}"
    assert done.returncode == 0, where
    assert set(printed) == {block.line for block in blocks}, where
    return printed


def without_changes(text: str) -> str:
    """Return *text* with a word in place of everything that differs between installations."""
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def comparable(language: str, text: str) -> str:
    """Return *text* as it is compared: JSON in one layout, and a word in place of what differs."""
    return without_changes(json.dumps(json.loads(text), indent=1, sort_keys=True) if language == "json" else text)


def _furnish(folder: Path) -> None:
    """Make *folder* look like a checkout after `make run`."""
    for name in (".venv", "benchmarks", "functions", "knative", "shared", "tests"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".curlrc").write_text(CURLRC)


def _script(blocks: list[Block], system: System) -> str:
    host = system.url.removeprefix("http://")
    parts = ["set -eo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    ports = {number: str(free_port()) for number in _PORTS}
    statements = (ROOT / "functions" / "store" / "roles.sql").read_text()
    for block in blocks:
        text = _REFUSED.sub(r"if \1; then exit 9; fi", block.text)
        text = _FOLDER.sub(rf"\1 --folder {system.folder}", text.replace("localhost:8080", host))
        text = re.sub("|".join(_PORTS), lambda found: ports[found[0]], text)
        parts += [f"printf '\\n{_BEGIN}{block.line}\\n'", _command(block.language, text, statements)]
        statements += text if block.language == "sql" else ""
    return "\n".join(parts)


def _command(language: str, text: str, before: str) -> str:
    """Return the shell's command that runs *text*; statements need those *before* it."""
    if language == "sh":
        return text
    if language == "python":
        return f".venv/bin/python -W error::UserWarning - <<'PROGRAM'\n{text}PROGRAM"
    if language == "js":
        node = f'(cd {ROOT}/frontend && scripts/npm exec --no -- node "$OLDPWD/program.mjs")'
        return f"cat > program.mjs <<'PROGRAM'\n{text}PROGRAM\n{node}"
    # What they change is taken back: roles are those of the whole server.
    psql = '.venv/bin/python -c \'import os, psycopg, sys\nwith psycopg.connect(os.environ["DATABASE_URL"]) as one:\n'
    return (
        f"{psql}    print(one.execute(sys.stdin.read()).statusmessage)\n    one.rollback()' <<'STATEMENTS'\n"
        f"{before}\n{text}STATEMENTS"
    )
