"""Adjustment of prices for splits, by provider."""

SPLIT_ADJUSTED = frozenset({"twelvedata", "alpaca", "yahoo", "simulated"})
"""Sources that adjust all their bars to the scale of today; of other sources it is unknown."""
