"""Secrets in what processes write: looked for in the output of every test, so that no log of ours ever tells one."""

import re

from tests.accounts import PASSWORD
from tests.reading import UNLIMITED

_SECRETS = {
    "an API token": r"sal_[0-9A-Za-z]{36,}",
    "a password": re.escape(PASSWORD),
    "the key of the tokens": re.escape(UNLIMITED["API_TOKEN_SECRET"]),
    "the hash of a password": r"\$argon2id\$",
    "the password of a server": r"(?:postgresql|postgres|redis|amqp)://[^/\s:@\"']*:[^@\s\"'*]+@",
    "a provider's key": r"s3cret|k3y|sk-fake|(?i:(?:apikey|api_key|token|key)=[^&\s\"'<*]{4,})",
    "a bearer": r"(?i)authorization['\"]?[:=]\s*b?['\"]?\w+ [\w.-]{8,}",
}


def secrets_told(text: str) -> list[str]:
    """What kinds of secrets *text* tells, with the lines that do, the secrets themselves left out."""
    return [
        f"{kind}: {re.sub(pattern, '***', line)[:300]}"
        for kind, pattern in _SECRETS.items()
        for line in text.splitlines()
        if re.search(pattern, line)
    ]
