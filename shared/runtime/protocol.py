"""HTTP protocol of the server: uvicorn's, with a limit on the bytes of a request's head.

Without it the head, and all values parsed from it, may have any size.
"""

import sys

from httptools import HttpParserCallbackError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers; also the data between two parts of a body: chunk extensions and trailers."""
_TEXT = b"The request line and headers have at most %d bytes.\n" % MAX_HEAD_BYTES
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)
_LINGER_SECONDS = 1


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a larger head and closes the connection; drops trailers."""

    max_head_bytes = MAX_HEAD_BYTES
    _in_message = False
    _in_head = False
    _received = 0
    """Bytes of the packets since the message began, its head ended or a part of its body arrived."""
    _is_refused = False

    def data_received(self, data: bytes) -> None:
        """Parse *data*; refuse a head or a chunk that does not end."""
        if self._is_refused:
            return
        self._received = self._received + len(data) if self._in_message else len(data)
        super().data_received(data)
        if self._in_message and self._received > self.max_head_bytes:
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_message = self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header. uvicorn would accept unchecked trailers as headers too."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is too large."""
        self._in_head = False
        if self._received > self.max_head_bytes:  # the packet may hold a body too
            head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if head > self.max_head_bytes:
                self._refuse()
                raise ValueError("the head is too large")  # makes the parser stop
        self._received = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._received = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the message."""
        self._in_message = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that the parser refuses, unless it was refused already.

        A failure of our own meanwhile, such as no memory for a body, closes the connection without a response: the
        sender is not at fault, and RabbitMQ's dispatcher would count a 400 as success.
        """
        if self._is_refused:
            return
        error = sys.exception()
        if isinstance(error, HttpParserCallbackError):
            self.logger.error(
                "%s while a request was received: the connection is closed", type(error.__context__).__name__
            )
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def _refuse(self) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_TOO_LARGE)
        # Closed with unread bytes, TCP would reset the connection, and the client might lose the response.
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)
