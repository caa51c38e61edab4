"""TLS context of the providers' clients: certificates are read once a process, which takes 40 ms of processor time."""

import ssl
from functools import cache

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    """Return the context with the certificates that SSL_CERT_FILE names, else those of certifi."""
    return httpx.create_ssl_context()
