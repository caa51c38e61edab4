"""Sentences that describe rules to their owner."""

from decimal import Decimal

from functions.alerts.rules.condition import Condition

_SPANS = {"20_sessions": "20-session", "52_weeks": "52-week"}
_BASES = {"previous_close": "the previous close", "session_open": "the open"}
_MOVES = {"up": "rises {} or more above {}", "down": "falls {} or more below {}", "any": "moves {} or more from {}"}
_REPEATS = {"once": "once", "session": "once a session", "always": "every time"}


def rule_sentence(condition: Condition, ticker: str | None, list_name: str | None, repeat: str) -> str:
    """Return the sentence of a rule; without a *ticker* it is about those of a list, or every tracked stock."""
    each = "" if ticker or repeat == "always" else " for each stock"
    subject = ticker or (f"any stock of “{list_name}”" if list_name else "any tracked stock")
    return f"Tell me when {describe(condition, subject)}, {_REPEATS[repeat]}{each}."


def describe(condition: Condition, subject: str) -> str:
    """Return the clause for *condition* with *subject*."""
    amount = condition.amount
    match condition.kind:
        case "price":
            return f"{subject} is {condition.direction} {dollars(amount)} at the end of an hour"
        case "change":
            move = _MOVES[str(condition.direction)].format(f"{format_number(amount)}%", _BASES[str(condition.basis)])
            return f"{subject} {move}"
        case "volume":
            return f"{subject} has traded {format_number(amount)} times its usual volume or more in the session"
        case "extreme":
            return f"{subject} reaches a new {_SPANS[str(condition.span)]} {condition.direction}"
        case "insight":
            least = f" of significance {format_number(amount)} or more" if amount else ""
            return f"there is an insight{least} about {subject}"
        case "missing":
            return f"a bar of {subject} is missing"


def dollars(amount: Decimal | None) -> str:
    """Return a price as text, with at least two decimals."""
    if amount is None:
        return "an unknown price"
    text = format_number(amount)
    whole, _, digits = text.partition(".")
    return f"${int(whole):,}.{digits.ljust(2, '0')}"


def format_number(number: Decimal | None) -> str:
    """Return *number* without zeros at its end."""
    if number is None:
        return "?"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
