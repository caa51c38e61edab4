"""Sentences of a model for an hour's stories: request, review, repair once, else use the rules' sentence."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from functions.insights.facts.registry import FactTable
from functions.insights.generation.answer import read_proposals
from functions.insights.generation.editor import Choice
from functions.insights.generation.llm import ChatMessage, ModelError, complete
from functions.insights.generation.prompt import INSTRUCTIONS, choice_prompt, facts_prompt, repair_prompt, schema_of
from functions.insights.generation.result import MODEL_CALLS, Insight, ModelRun
from functions.insights.generation.review import review
from functions.insights.settings import ModelSettings

_logger = logging.getLogger(__name__)
_LEAST_SECONDS = 1.0


async def write_sentences(
    choices: Sequence[Choice],
    facts: FactTable,
    settings: ModelSettings,
    may_call: Callable[[], Awaitable[bool]],
    *,
    choose: bool = False,
) -> ModelRun:
    """Return the insights of *choices*, in the model's words where they pass; *may_call* counts calls.

    With *choose* the model chooses among sentences made by code in the first call too, as it does in the repair.
    """
    run = ModelRun()
    began = monotonic()
    words: dict[int, Insight] = {}
    wanted = list(range(1, len(choices) + 1))
    prompt = choice_prompt(wanted, choices) if choose else facts_prompt(choices, facts)
    messages = [ChatMessage("system", INSTRUCTIONS), ChatMessage("user", prompt)]
    for attempt in range(MODEL_CALLS):
        seconds = settings.insights_timeout_seconds - (monotonic() - began)
        if not wanted or seconds < _LEAST_SECONDS or not await may_call():
            break
        schema = schema_of(wanted, choices, choose=choose or attempt > 0)
        try:
            completion = await complete(settings, messages, schema, seconds)
        except ModelError as error:
            run.outcome, run.advice = str(error), error.advice
            run.verdicts.append({"outcome": run.outcome, "advice": run.advice})
            _logger.warning("the model returned no usable response: %s %s", error, error.advice)
            if str(error) not in ("no-answer", "truncated"):
                break
            messages[1] = ChatMessage(
                "user", f"{messages[1].text}\n{repair_prompt(dict.fromkeys(wanted, ()), choices)}"
            )
            continue
        run.model = completion.model
        run.tokens_in = _sum(run.tokens_in, completion.tokens_in)
        run.tokens_out = _sum(run.tokens_out, completion.tokens_out)
        proposals = read_proposals(completion.text)
        found = review(proposals, choices, facts, wanted)
        words |= found.accepted
        run.outcome = "answered"
        run.verdicts.append(
            {
                "outcome": "answered",
                "choice": choose or attempt > 0,
                "proposed": [proposal.text[:400] for proposal in proposals],
                "accepted": len(found.accepted),
                "faults": [
                    {"insight": number, "code": one.code, "detail": one.detail}
                    for number, violations in found.refused.items()
                    for one in violations
                ],
            }
        )
        run.reasons.update(one.code for violations in found.refused.values() for one in violations)
        if attempt == 0:
            run.proposed, run.accepted = len(proposals), len(found.accepted)
        else:
            run.repaired = len(found.accepted)
        wanted = [number for number in wanted if number not in words]
        messages += [
            ChatMessage("assistant", completion.text[:2000]),
            ChatMessage("user", repair_prompt(found.refused, choices)),
        ]
    run.fallen_back = len(choices) - len(words)
    run.insights = [words.get(number, choice.insight) for number, choice in enumerate(choices, 1)]
    run.seconds = monotonic() - began
    return run


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other
