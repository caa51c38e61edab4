"""Scan for secrets in the output of every test, so that no log contains one."""

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


def find_secrets(text: str) -> list[str]:
    """Return the kinds of secrets in *text*, each with its line, the secret replaced."""
    return [
        f"{kind}: {re.sub(pattern, '***', line)[:300]}"
        for kind, pattern in _SECRETS.items()
        for line in text.splitlines()
        if re.search(pattern, line)
    ]
