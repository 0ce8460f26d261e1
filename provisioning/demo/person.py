"""A person at the pages, over HTTPS: opens a page, fills in a form that is really there, presses its button.

The demo's day and the tests that need no browser use it. A step that the page does not offer cannot be taken.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx

from appliance.errors import TramError


class PageSays(TramError):
    """The page answered with something else than what the step should lead to; the text is what it says."""


@dataclass
class Form:
    """One form of a page: where it goes and what it already holds."""

    action: str
    method: str = "get"
    fields: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """What came back: address, status, text and the forms in it."""

    url: str
    status: int
    html: str
    text: str
    forms: tuple[Form, ...]


class Person:
    """One logged-in session. ``base``: https address of the box; ``ca``: PEM of the authority the browser trusts."""

    def __init__(self, base: str, ca: Path) -> None:
        self._client = httpx.Client(
            base_url=base, verify=ssl.create_default_context(cafile=ca), timeout=120, follow_redirects=True
        )

    def log_in(self, username: str, password: str) -> Page:
        """Through the log-in page."""
        self.open("/dang-nhap")
        return self.send("/dang-nhap", {"username": username, "password": password})

    def open(self, path: str) -> Page:
        """GET a page; it becomes the page whose forms ``send`` looks at."""
        self._page = _read(self._client.get(path))
        return self._page

    def send(
        self,
        action: str,
        values: dict[str, str | list[str]],
        files: dict[str, tuple[str, bytes, str]] | None = None,
        *,
        refused: bool = False,
    ) -> Page:
        """Fill in the form of the present page whose action ends with ``action`` and send it.

        Raises PageSays when there is no such form or when the answer is an error (unless ``refused`` is expected).
        """
        form = next(
            (f for f in self._page.forms if f.method == "post" and f.action.split("?")[0].endswith(action)), None
        )
        if form is None:
            raise PageSays(f"{self._page.url}: không có biểu mẫu “{action}” trên trang. {self._page.text[:600]}")
        data = {**form.fields, **{key: value if isinstance(value, list) else [value] for key, value in values.items()}}
        url = urljoin(self._page.url, form.action)
        self._page = _read(self._client.post(url, data=data, files=files, headers={"Referer": self._page.url}))
        if (self._page.status >= 400) != refused:
            raise PageSays(f"{url}: {self._page.status} {self._page.text[:800]}")
        return self._page

    def download(self, path: str) -> bytes:
        """The bytes behind an address."""
        answer = self._client.get(path)
        if answer.status_code != 200:
            raise PageSays(f"{path}: {answer.status_code}")
        return answer.content

    def close(self) -> None:
        """End the session's connections."""
        self._client.close()


def _read(answer: httpx.Response) -> Page:
    reader = _Reader()
    if "html" in answer.headers.get("content-type", ""):
        reader.feed(answer.text)
    words = " ".join(" ".join(reader.words).split())
    return Page(str(answer.url), answer.status_code, answer.text, words, tuple(reader.forms))


class _Reader(HTMLParser):
    """Collects forms with their present values, and the visible words."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select = ""
        self._textarea: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag in ("script", "style", "template"):
            self._silent += 1
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self._put(self._select, given.get("value", ""))
        elif tag == "textarea":
            self._textarea = name
            self._put(name, "")
        elif tag == "input" and _counts(given):
            self._put(name, given.get("value", "on" if given.get("type") == "checkbox" else ""))

    def _put(self, name: str, value: str) -> None:
        if self._form is not None and name:
            self._form.fields.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template"):
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            self._form.fields[self._textarea] = [data.strip()]
        elif not self._silent:
            self.words.append(data)


def _counts(given: dict[str, str]) -> bool:
    """Whether a browser would send this input without the person touching it."""
    kind = given.get("type", "text")
    return kind not in ("submit", "button", "file") and (kind not in ("checkbox", "radio") or "checked" in given)
