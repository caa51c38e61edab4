"""What the model is told: how to write, which words there are, and the facts. No company's name is ever in it."""

from collections.abc import Sequence

from functions.insights.check import AT_LEAST, AT_MOST, Fault
from functions.insights.fact import Fact
from functions.insights.table import Facts
from functions.insights.vocabulary import ALLOWED

_FACTS = 130
"""Facts in a prompt: with 50 tickers it stays below 6,000 tokens."""
_CHARACTERS_A_TOKEN = 2.5
"""Fewer than any tokenizer makes of such text, so that the estimate is high rather than low."""

_WORDS = " ".join(sorted(ALLOWED))
INSTRUCTIONS = f"""You tell readers what the bars of one hour say about a group of US stocks.
Write {AT_LEAST} to {AT_MOST} insights: the most telling facts, as varied as they allow, in English that a pupil reads.

Each insight is one sentence with slots, and nothing but slots tells a figure or a name:
- {{f12}} stands for the text of fact f12. {{AAPL}} stands for the name of the company with the ticker AAPL.
- Never write a digit, a number in words, a ticker or a name yourself. Never use a slot twice in a sentence.
- Use no word that is not in this list: {_WORDS}
- A fact of a company stands in a clause about that company alone: "{{AAPL}} rose {{f12}} while {{KO}} fell {{f34}}."
- With change, gap, streak, breadth and market_change say in the same clause which way: up or down as the table has it.
- change/session_open needs "since the open" beside it, gap needs "opened", range needs "range", market_change needs
  "the average stock" and no company. Whatever is counted from previous_bar needs the slot of the period in its clause:
  "{{AAPL}} gained {{f12}} in {{f1}}." Nothing else may stand beside that slot, but for volume_ratio.
- hour_low and hour_high go together: "{{AAPL}} traded between {{f20}} and {{f21}} in {{f1}}."
- rank, high, low, streak and volume_ratio bring their own words: "{{AAPL}} rose {{f12}}, {{f15}}." tells a rank.
- Give no reasons, no advice, no forecast, no time.

For each: template, sentiment (positive, negative or neutral, as its facts are), tickers (of all companies in it).
"""


def offered(facts: Facts) -> dict[str, Fact]:
    """Return the facts that a model may use: the market's, each company's day, and the weightiest others."""
    always = {fact.id: fact for fact in facts.values() if _is_basic(fact)}
    others = sorted((fact for fact in facts.values() if fact.id not in always), key=lambda fact: -fact.weight)
    chosen = always | {fact.id: fact for fact in others[: max(_FACTS - len(always), 0)]}
    return {name: fact for name, fact in facts.items() if name in chosen}


def question(facts: Facts) -> str:
    """Return the table of *facts* as the model sees it."""
    lines = [
        f"{fact.id}|{fact.ticker or 'market'}|{fact.metric}{f'/{fact.basis}' if fact.basis else ''}"
        f"|{fact.direction or '-'}|{fact.text}"
        for fact in facts.values()
    ]
    return "\n".join(("fact|of|metric/counted from|way|text", *lines))


def complaint(faults: Sequence[tuple[int, Sequence[Fault]]]) -> str:
    """Return what has to be mended: the faults of each insight by its number, 0 for the list as a whole."""
    lines = [
        f"- {f'insight {number}' if number else 'the list'}: {fault.detail}"
        for number, some in faults
        for fault in some
    ]
    return "\n".join(
        (
            "These insights were refused:",
            *lines,
            "Write the whole list again: keep what was not refused, mend or replace the rest, and follow every rule.",
        )
    )


def estimate_tokens(*texts: str) -> int:
    """Return about how many tokens *texts* are for a model, rather too many than too few."""
    return int(sum(map(len, texts)) / _CHARACTERS_A_TOKEN) + 1


def _is_basic(fact: Fact) -> bool:
    return fact.ticker is None or fact.metric == "rank" or (fact.metric, fact.basis) == ("change", "previous_close")
