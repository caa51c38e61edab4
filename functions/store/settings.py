"""What store is told by its environment."""

from datetime import timedelta

from pydantic import Field

from shared.settings import Cache, Database, Names


class Settings(Database, Cache):
    """Where the data go, and what to make of answers that disagree or lack bars."""

    providers: Names = ()
    """The order of fall-over, which is the order of trust: a bar of a later one never replaces one of an earlier."""

    settle_minutes: int = Field(default=45, ge=0)
    """How long after its end a provider may still bring a missing bar."""

    @property
    def settles_after(self) -> timedelta:
        """`settle_minutes` as a span."""
        return timedelta(minutes=self.settle_minutes)
