"""What a proof is made of before it is written: members of the zip, and the steps that check them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from appliance.store.audit import Entry
from appliance.store.blobs import BlobStore

_CHUNK = 1 << 20
Source = bytes | str | Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Step:
    """One thing to check. ``commands``: (command, what it must print; '' for nothing to compare with)."""

    title: tuple[str, str]
    """Vietnamese, English."""
    proves: tuple[str, str]
    commands: tuple[tuple[str, str], ...] = ()


@dataclass
class Parts:
    """Members by name: bytes, the digest of a file in the store, or what makes the bytes when they are wanted."""

    blobs: BlobStore
    journal: Sequence[Entry] = ()
    """The journal's entries about this document, oldest first; a digest in them can be pointed to."""
    members: dict[str, Source] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def put(self, name: str, source: Source) -> str:
        """Add a member; a name that is taken already keeps its first content. Returns the name."""
        self.members.setdefault(name, source)
        return name

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes, in bounded memory. Raises OSError when the store has lost them."""
        source = self.members[name]
        if isinstance(source, bytes):
            yield source
            return
        if callable(source):
            yield from source()
            return
        with self.blobs.path(source).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
