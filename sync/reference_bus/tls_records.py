"""Tells a TLS answer from a TLS greeting without any key, by the records' outer types (RFC 8446 5.1, RFC 5246 6.2)."""

from __future__ import annotations

_HEADER_BYTES = 5
_APPLICATION_DATA = 23


class RecordMeter:
    """Follows one direction of a TLS connection and counts the bytes inside application data records.

    In TLS 1.3 the client's encrypted half of the greeting (certificate, Finished; 1-3 kB) travels in such records too.
    """

    def __init__(self) -> None:
        self.application_bytes = 0
        self._header = b""
        self._left = 0
        self._counts = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        while data:
            if self._left == 0:
                missing = _HEADER_BYTES - len(self._header)
                self._header, data = self._header + data[:missing], data[missing:]
                if len(self._header) < _HEADER_BYTES:
                    return
                self._left = int.from_bytes(self._header[3:5], "big")
                self._counts = self._header[0] == _APPLICATION_DATA
                self._header = b""
            taken = min(self._left, len(data))
            self.application_bytes += taken if self._counts else 0
            self._left -= taken
            data = data[taken:]
