"""Volume of an hour that is aggregated from shorter bars: known only if that of each of them is. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

REASON = "volume-incomplete"


class Part(NamedTuple):
    """A bar that is part of an hour: its volume, None when none came, and its lowest and highest price."""

    volume: Decimal | None
    low: Decimal | None
    high: Decimal | None

    @property
    def lacks_trades(self) -> bool:
        """True if the price moved without a share traded; False for NaN."""
        if self.volume is None or self.volume or self.low is None or self.high is None:
            return False
        return not (self.low.is_nan() or self.high.is_nan()) and self.low < self.high


def add_volumes(parts: Sequence[Part]) -> tuple[Decimal | None, str | None]:
    """Return the volume of the hour of *parts*, and the fault for which it has none although some of them do.

    A volume that is not a number of shares (NaN, negative, a fraction) is returned as it is: store rejects it.
    """
    known = [part.volume for part in parts if part.volume is not None]
    if wrong := next((one for one in known if one.is_nan() or one < 0 or one % 1), None):
        return wrong, None
    if known and (missing := len(parts) - len(known)):
        return None, f"{missing} of the {len(parts)} bars of this hour have no volume; the prices are stored."
    if any(known) and (empty := sum(part.lacks_trades for part in parts)):
        return (
            None,
            f"{empty} of the {len(parts)} bars have the volume 0 and a price that moved; the prices are stored.",
        )
    return (sum(known, Decimal()), None) if known else (None, None)
