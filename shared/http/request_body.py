"""Request bodies of a bounded size."""

from starlette.requests import ClientDisconnect, Request

from shared.http.problem import Problem


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body; Problem 413 as soon as it is longer than *max_bytes*, 400 when the client stops sending it."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > max_bytes:
                raise Problem(413, "too-large", "Too large", f"The body should have at most {max_bytes} bytes.")
    except ClientDisconnect:
        raise Problem(400, "incomplete", "Incomplete", "The request ended before its body did.") from None
    return bytes(body)
