"""Sentences of alerts are those of the file that the page's preview is tested with."""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from functions.alerts.rules.condition import EVERY_TICKER, SHAPES, Condition, find_faults
from functions.alerts.rules.sentence import rule_sentence

FILE = Path(__file__).with_name("sentences.json")
AMOUNTS = ("0.5", "3", "2.25", "177.5", "1234.5678", "1000000")
NONE = (None,)


def cases() -> Iterator[dict[str, Any]]:
    """Yield an alert for every choice of every kind, with its sentence."""
    amounts = iter(AMOUNTS * 100)
    for kind, shape in SHAPES.items():
        choices = product(shape.direction or NONE, shape.basis or NONE, shape.span or NONE)
        for parts, repeat, (ticker, name) in product(
            choices, ("once", "session", "always"), (("NVDA", None), (EVERY_TICKER, None), (EVERY_TICKER, "Chips"))
        ):
            amount = Decimal(next(amounts)) if shape.amount else None
            conditions = [Condition(kind, *parts, amount)]
            if shape.amount and not shape.amount.required:
                conditions.append(Condition(kind, *parts, None))
            for condition in conditions:
                if list(find_faults(condition)):
                    continue  # an amount beyond the limits of the kind
                sentence = rule_sentence(condition, None if ticker == EVERY_TICKER else ticker, name, repeat)
                number = None if condition.amount is None else json.loads(str(condition.amount))
                yield {
                    **condition.parts(),
                    "amount": number,
                    "ticker": ticker,
                    "list": name,
                    "repeat": repeat,
                    "sentence": sentence,
                }


def test_the_page_is_tested_with_the_sentences_of_the_api() -> None:
    """Every choice of every kind is in the file; after a change that is meant, `make shapes` writes it."""
    text = json.dumps(list(cases()), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("RENEW_SHAPES"):
        FILE.write_text(text)

    assert {one["kind"] for one in cases()} == set(SHAPES)
    assert FILE.read_text() == text, "if this is meant: make shapes"
