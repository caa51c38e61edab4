"""Insights in a model's words: asked for, checked, mended once, and where they do not pass replaced by the rules'."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, NamedTuple

from functions.insights.check import AT_LEAST, AT_MOST, Draft, Fault, faults_of
from functions.insights.hour import Hour
from functions.insights.model import Answer, ModelError, Turn, ask
from functions.insights.prompt import complaint, offered, question
from functions.insights.settings import Model
from functions.insights.table import Facts
from functions.insights.telling import Insight, Telling, Usage

_logger = logging.getLogger(__name__)
_MENDABLE = ("not-the-schema", "no-answer")
"""Answers that can be asked for again: a server that is down or refuses would do it once more."""
_LEAST_SECONDS = 2.0


class Judged(NamedTuple):
    """An answer's drafts that pass, and the faults of the others by number; 0 stands for the list as a whole."""

    good: list[Draft]
    faults: list[tuple[int, list[Fault]]]


async def generate(
    hour: Hour,
    facts: Facts,
    settings: Model,
    by_rules: Sequence[Insight],
    may_call: Callable[[], Awaitable[bool]],
) -> Telling:
    """Return what is told of *hour*, by the model as far as it passes; *may_call* counts calls and may forbid one."""
    table = offered(facts)
    conversation = [Turn("user", question(table))]
    ends = monotonic() + settings.insights_timeout_seconds
    good: list[Draft] = []
    verdicts: list[dict[str, Any]] = []
    usage = Usage()
    while (seconds := ends - monotonic()) > _LEAST_SECONDS and len(verdicts) < 2 and await may_call():
        try:
            answer = await ask(settings, conversation, seconds)
        except ModelError as error:
            usage += error.usage
            verdicts.append({"outcome": str(error)})
            _logger.warning("the model gave nothing for %s: %s", hour.start.isoformat(), error)
            if str(error) not in _MENDABLE:
                break
            conversation.append(Turn("user", "That was no answer in the form asked for. Answer in that form."))
            continue
        usage += answer.usage
        judged = judge(answer, table, good)
        good += judged.good
        verdicts.append(_verdict(answer, judged))
        if not judged.faults:
            break
        _logger.warning(
            "of what the model wrote for %s was refused: %s",
            hour.start.isoformat(),
            ", ".join(sorted({fault.code for _, faults in judged.faults for fault in faults})),
        )
        conversation += [Turn("assistant", answer.text), Turn("user", complaint(judged.faults))]
    insights = complete([Insight(draft, "model") for draft in good[:AT_MOST]], by_rules)
    return Telling(hour, facts, insights, settings.insights_model if verdicts else None, verdicts, usage)


def judge(answer: Answer, facts: Facts, before: Sequence[Draft]) -> Judged:
    """Return which drafts of *answer* pass; those that were accepted *before* are neither checked nor taken again."""
    judged = Judged([], [])
    if not AT_LEAST <= len(answer.drafts) <= AT_MOST:
        detail = f"has {len(answer.drafts)} insights: {AT_LEAST} to {AT_MOST} are wanted"
        judged.faults.append((0, [Fault("count", detail)]))
    for number, draft in enumerate(answer.drafts, 1):
        if any(draft.template == other.template for other in before):
            continue
        faults = faults_of(draft, facts)
        if not faults and any(_alike(draft, other) for other in (*before, *judged.good)):
            faults = [Fault("repeated", "tells of the same companies, or of the same facts, as another one")]
        if faults:
            judged.faults.append((number, faults))
        else:
            judged.good.append(draft)
    return judged


def complete(written: Sequence[Insight], by_rules: Sequence[Insight]) -> list[Insight]:
    """Return *written* with as many by rules, on other companies if there are any, as make an hour of them."""
    if not written:
        return list(by_rules)
    insights = list(written)
    for others_only in (True, False):
        for other in by_rules:
            told = others_only and any(_alike(other.draft, insight.draft) for insight in insights)
            if len(insights) < AT_LEAST and other not in insights and not told:
                insights.append(other)
    return insights


def _alike(one: Draft, other: Draft) -> bool:
    """Tell whether two drafts are about the same companies, or both about the market."""
    return set(one.tickers) == set(other.tickers)


def _verdict(answer: Answer, judged: Judged) -> dict[str, Any]:
    return {
        "outcome": "answered",
        "proposed": [draft.template for draft in answer.drafts],
        "accepted": len(judged.good),
        "faults": [
            {"insight": number, "code": fault.code, "detail": fault.detail}
            for number, faults in judged.faults
            for fault in faults
        ],
    }
