"""Every block of every document: run in a fresh installation and compared with what it shows, or excused."""

import gzip
import shutil
from pathlib import Path

import pytest

from tests.documents.blocks import CONFIGURATION, DOCUMENTS, PROGRAMS, REASONS, Block, blocks_of
from tests.documents.configuration import addresses, check
from tests.documents.conftest import Deployment
from tests.documents.scripts import comparable, run
from tests.running import ROOT

BLOCKS = [block for path in DOCUMENTS for block in blocks_of(path)]
LAST = ("docs/howto/one-machine.md", "docs/data.md", "docs/operations.md", "docs/security.md")
"""Documents for operators change or end what others read."""
RUN = sorted(
    {block.document for block in BLOCKS if block.is_run}, key=lambda name: (name in LAST and LAST.index(name) + 1, name)
)
READ = [block for block in BLOCKS if block.language in CONFIGURATION and not block.is_output]
CSV = """Datetime,Open,High,Low,Close,Volume
2026-08-03 09:30:00-04:00,{0}0.10,{0}2.40,{0}0.00,{0}2.00,512000
2026-08-03 10:30:00-04:00,{0}2.00,{0}2.90,{0}1.10,{0}1.55,398000
"""


def place(block: Block) -> str:
    """Return file and line of *block*."""
    return f"{block.document}:{block.line}"


@pytest.mark.parametrize("block", READ, ids=place)
def test_a_program_can_read_it(deployment: Deployment, block: Block) -> None:
    """A configuration is of its language, and each address of the installation in it answers with 200."""
    check(block)

    for url in addresses(block):
        assert deployment.get(url).content


@pytest.mark.parametrize("document", RUN)
def test_a_reader_can_follow_it(deployment: Deployment, document: str, tmp_path: Path) -> None:
    """Each program ends well and prints something; where its output is shown, it is that one but for what changes."""
    mine = [block for block in BLOCKS if block.document == document]
    give_files(tmp_path, deployment)

    printed = run([block for block in mine if block.is_run], deployment.system, tmp_path, **deployment.environment())

    before = None
    for block in mine:
        if block.is_output:
            assert before
            shown, real = (comparable(block.language, text) for text in (block.text, printed[before.line]))
            assert real == shown, place(block)
        before = block
    silent = [line for line, text in printed.items() if not text.strip()]
    assert silent == [] or document.startswith("docs/recipes/"), f"{document}: nothing printed by {silent}"


def test_every_block_is_run_or_excused() -> None:
    """A block of another language, or one that shows the output of none, needs a reason of the list."""
    known = [block for block in BLOCKS if block.is_run or block.is_output or block in READ or block.is_drawing]

    assert [place(block) for block in BLOCKS if block not in known and block.reason not in REASONS] == []
    assert [place(block) for block in BLOCKS if block.reason and block.reason not in REASONS] == []
    assert set(REASONS) == {block.reason for block in BLOCKS} - {None}
    assert {block.language for block in BLOCKS if block.is_run} == set(PROGRAMS)


def give_files(folder: Path, deployment: Deployment) -> None:
    """Put the files of the reader into *folder* that the documents name."""
    (folder / "AAPL.csv").write_text(CSV.format(20))
    (folder / "backup").mkdir()
    (folder / "backup" / "KO.csv.gz").write_bytes(gzip.compress(CSV.format(7).encode()))
    (folder / "NASDAQ_KO, 5.csv").write_text(CSV.format(7).replace("-04:00", ""))
    shutil.copy(deployment.system.folder / "logs" / "token.log", folder / "token.log")
    (folder / "compose.yaml").symlink_to(ROOT / "compose.yaml")
