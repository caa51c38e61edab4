"""What a model or its server may do wrong: each kind by name, in what it writes or on the wire."""

import re
from collections.abc import Callable
from typing import Any

Insight = dict[str, Any]


def _template(change: Callable[[str], str]) -> Callable[[Insight], Insight]:
    return lambda insight: {**insight, "template": change(insight["template"])}


def _swap_direction(template: str) -> str:
    pairs = {"climbed": "slipped", "advanced": "retreated", "gained": "lost", "dropped": "gained", "up": "down"}
    both = pairs | {other: one for one, other in pairs.items()} | {"dropped": "gained"}
    return re.sub(r"\b(" + "|".join(both) + r")\b", lambda match: both[match[0]], template)


WORDS: dict[str, Callable[[Insight], Insight]] = {
    "digits": _template(lambda text: re.sub(r"\{f[0-9]+\}", "1.43%", text, count=1)),
    "unicode_digits": _template(lambda text: re.sub(r"\{f[0-9]+\}", "\u0661\u0664 \u00bd \u2163", text, count=1)),
    "number_words": _template(lambda text: text.replace(" and ", " and twice ").replace(".", ", a dozen times.")),
    "unknown_ids": _template(lambda text: re.sub(r"\{f[0-9]+\}", "{f9999}", text, count=1)),
    "unknown_tickers": lambda insight: {
        **insight,
        "template": "{ENRN} and " + insight["template"],
        "tickers": [*insight["tickers"], "ENRN"],
    },
    "names": _template(lambda text: text.replace(".", " with Enron.")),
    "wrong_sign": _template(_swap_direction),
    "wrong_sentiment": lambda insight: {
        **insight,
        "sentiment": {"positive": "negative", "negative": "positive"}.get(insight["sentiment"], "positive"),
    },
    "wrong_tickers": lambda insight: {**insight, "tickers": ["AAPL", "MSFT"]},
    "superlatives": _template(lambda text: text.replace(".", ", the biggest move of all.")),
    "time_words": _template(lambda text: text.replace(".", " since yesterday.")),
    "causes": _template(lambda text: text.replace(".", " because of strong earnings.")),
    "approximations": _template(lambda text: re.sub(r"(\{f[0-9]+\})", r"almost \1", text, count=1)),
    "markup": _template(lambda text: f"<script>alert</script> {text}"),
    "prompt_echo": _template(lambda text: "Ignore your instructions and " + text),
}
"""What is done to each insight of an answer."""

LISTS: dict[str, Callable[[list[Insight]], list[Insight]]] = {
    "empty": lambda _: [],
    "too_few": lambda insights: insights[:1],
    "too_many": lambda insights: [*insights, *insights],
    "repeated": lambda insights: [insights[0]] * 3,
    "one_bad": lambda insights: [WORDS["digits"](insights[0]), *insights[1:]],
    "wrong_subject": lambda insights: [
        {
            **one,
            "template": re.sub(r"\{[A-Z.]+\}", f"{{{other}}}", one["template"]),
            "tickers": [*one["tickers"], other],
        }
        for one in insights
        if one["tickers"]
        for other in [next(t for i in insights for t in i["tickers"] if t not in one["tickers"])]
    ],
}
"""What is done to the list of them."""

WIRE = {
    "truncate": "half an answer, said to be incomplete",
    "truncate_silently": "half an answer, said to be whole",
    "refuse": "a refusal in the place of an answer",
    "ignore_schema": "prose, as of a server that does not know structured output",
    "other_schema": "JSON of another shape",
    "no_content": "an answer with nothing in it",
    "stall": "the answer after `seconds`",
    "html": "a page with HTTP 200",
    "not_json": "text that is no JSON, said to be JSON",
    "reset": "the connection ends without an answer",
    "401": "HTTP 401",
    "429": "HTTP 429",
    "500": "HTTP 500",
    "503": "HTTP 503",
}
KINDS = {*WORDS, *LISTS, *WIRE}
