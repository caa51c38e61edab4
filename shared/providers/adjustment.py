"""Adjustment of prices for splits, by provider."""

SPLIT_ADJUSTED = frozenset({"twelvedata", "alpaca", "yahoo", "simulated"})
"""Sources that adjust all their bars to the current scale; it is unknown of others."""
