"""Adjustment of prices for splits, by provider."""

SPLIT_ADJUSTED = frozenset({"twelvedata", "alpaca", "yahoo", "simulated"})
"""Sources that give all their bars on the scale of today; of any other source nobody knows."""
