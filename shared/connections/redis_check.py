"""Check of the memory limit and eviction policy of Redis, which must not evict counters before responses."""

from collections.abc import Mapping

MINIMUM_BYTES = 64 * 1024 * 1024
"""Twice the limit of responses."""


def redis_fault(info: Mapping[str, object]) -> str | None:
    """Return the fault of a Redis with this INFO memory, None without one."""
    limit, policy = info.get("maxmemory"), str(info.get("maxmemory_policy", ""))
    if not isinstance(limit, int):  # a service that hides it
        return None
    if limit == 0:
        return (
            "Redis has no memory limit: set maxmemory to 128mb and maxmemory-policy to volatile-lru, "
            "see docs/operations.md"
        )
    if policy.startswith("allkeys"):
        return f"Redis may evict the counters of limits (maxmemory-policy {policy}): set volatile-lru or noeviction"
    if limit < MINIMUM_BYTES:
        return f"Redis has {limit // 1024**2} MiB: give it 128 MiB, or counters of limits and credits are lost"
    return None
