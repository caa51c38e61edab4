"""What mcp is told from outside."""

from dataclasses import dataclass

from shared.runtime.settings import SettingsGroup


@dataclass(frozen=True, kw_only=True)
class Settings(SettingsGroup):
    """Where the functions are whose data it passes on, within the cluster."""

    api_url: str
    insights_url: str

    def check(self) -> None:
        """Refuse what is no address of HTTP."""
        super().check()
        for name in ("api_url", "insights_url"):
            if not getattr(self, name).startswith(("http://", "https://")):
                raise ValueError(f"{name.upper()}: should start with http://")
