"""Words for an hour's facts: a model's where there is one and they pass, the rules' where not."""

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType

from functions.insights.hour import Hour
from functions.insights.rules import insights_by_rules
from functions.insights.settings import Model
from functions.insights.table import Facts
from functions.insights.telling import Insight, Telling


async def tell(
    hour: Hour, facts: Facts, settings: Model, calls: int, may_call: Callable[[], Awaitable[bool]]
) -> Telling:
    """Return what is told of *hour*: always three insights at least, as far as there is anything to tell."""
    by_rules = [Insight(draft, "rules") for draft in await asyncio.to_thread(insights_by_rules, hour, facts)]
    if settings.openai_api_key is None or calls < 1:
        return Telling(hour, facts, by_rules)
    # The SDK takes longer to load than all else together: when it is needed, and without holding up readers.
    generating = await asyncio.to_thread(_load)
    return await generating.generate(hour, facts, settings, by_rules, may_call)


def _load() -> ModuleType:
    from functions.insights import generate

    return generate
