"""HTTP protocol of the server: uvicorn's, with a limit on the bytes of a request's head.

Without it the head may have any size, and so may all that the function parses of it.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers."""
_TEXT = b"The request line and headers have at most %d bytes.\n" % MAX_HEAD_BYTES
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a larger head and closes the connection."""

    _in_head = False
    _received = 0
    """Bytes of the packets that the current head began in and goes on in."""

    def data_received(self, data: bytes) -> None:
        """Parse *data*; a head that does not end is refused while it comes."""
        self._received = self._received + len(data) if self._in_head else len(data)
        if self._in_head and self._received > MAX_HEAD_BYTES:
            self._refuse()
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is too large."""
        self._in_head = False
        if self._received > MAX_HEAD_BYTES:  # the packet may hold a body too
            head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if head > MAX_HEAD_BYTES:
                self._refuse()
                raise ValueError("the head is too large")  # makes the parser stop
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser refuses, unless it was refused already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _refuse(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()
