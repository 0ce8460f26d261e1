"""One page of HTML to PDF; the one module that knows the typesetting library.

Only texts and pictures given with the page are used: nothing is fetched, whatever the HTML names.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from typing import Any

from weasyprint import HTML
from weasyprint.urls import URLFetcher, URLFetcherResponse

_GIVEN = "given:/"


def typeset(html: str, *, pictures: Mapping[str, bytes] | None = None) -> bytes:
    """See ``appliance.typesetting.typeset``."""
    out = io.BytesIO()
    page = unicodedata.normalize("NFC", html)
    HTML(string=page, url_fetcher=_Given(pictures or {}), base_url=_GIVEN).write_pdf(out, pdf_tags=True)
    return out.getvalue()


class _Given(URLFetcher):  # type: ignore[misc]
    """Hands out the given pictures only; the library's own handlers (HTTP, FTP, files) are never reached."""

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=())
        self._pictures = pictures

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The picture of that name. Raises ValueError, which the library turns into a missing picture."""
        name = url.removeprefix(_GIVEN)
        if name not in self._pictures:
            raise ValueError("not given with the page")
        return URLFetcherResponse(url, self._pictures[name], {"Content-Type": "image/png"})
