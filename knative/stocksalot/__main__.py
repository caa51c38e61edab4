"""Writes docs/reference/verbs.md: part of `make contract`."""

from knative.local.processes import ROOT
from knative.local.verb_reference import make_reference
from knative.stocksalot.extension import STOCKSALOT

PATH = ROOT / "docs" / "reference" / "verbs.md"

if __name__ == "__main__":
    PATH.write_text(make_reference(STOCKSALOT))
