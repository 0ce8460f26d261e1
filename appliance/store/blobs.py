"""Content-addressed files: the name is the SHA-256 of the bytes; durable before the name is given out."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from appliance.errors import N_, BadInput, Unavailable

_CHUNK = 1 << 20


class OtherBytes(BadInput):
    """The stream's bytes are not the announced ones."""


class BlobStore:
    """Files below ``root``, two levels deep. Order that survives a power cut: write, fsync, rename, fsync folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the bytes with this digest lie."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256 digest: {sha256!r}")
        return self.root / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes:
        """The bytes, checked against their name. Raises Unavailable when they are missing or damaged."""
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            raise _lost(sha256) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _lost(sha256)
        return data

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its digest once the bytes are durable. Raises Unavailable on a full disk."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.path(sha256).exists():
            temporary = self._temporary()
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                self._adopt(temporary, sha256)
            except OSError as error:
                temporary.unlink(missing_ok=True)
                raise _disk(error) from error
        return sha256

    def put_stream(self, stream: BinaryIO, limit: int, expected: str = "") -> tuple[str, int]:
        """Keep a stream of at most ``limit`` bytes in bounded memory; returns (digest, size).

        Nothing is kept when it raises: BadInput over the limit, OtherBytes when the digest is not the ``expected`` one,
        Unavailable when the disk refuses.
        """
        digest, size, temporary = hashlib.sha256(), 0, self._temporary()
        try:
            with temporary.open("xb") as file:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise BadInput(N_("Tệp lớn hơn giới hạn %(limit)s MB."), limit=limit >> 20)
                    digest.update(chunk)
                    file.write(chunk)
            if expected and digest.hexdigest() != expected:
                raise OtherBytes(N_("Nội dung nhận được không khớp giá trị băm đã báo."))
            self._adopt(temporary, digest.hexdigest())
        except OSError as error:
            raise _disk(error) from error
        finally:
            temporary.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def _temporary(self) -> Path:
        folder = self.root / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / secrets.token_hex(16)

    def _adopt(self, temporary: Path, sha256: str) -> None:
        """fsync the file, give it its name, fsync the folders that name it."""
        target = self.path(sha256)
        new_folder = not target.parent.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o440)
        temporary.rename(target)
        _fsync_folder(target.parent)
        if new_folder:
            _fsync_folder(self.root)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk(error: OSError) -> Unavailable:
    return Unavailable(
        N_("Không ghi được tệp vào đĩa của trạm (%(error)s)."),
        next_step=N_("Báo kỹ thuật viên; việc đang làm chưa được ghi nhận."),
        error=error.strerror or error,
    )


def _lost(sha256: str) -> Unavailable:
    return Unavailable(
        N_("Tệp %(sha256)s bị thiếu hoặc hỏng trong kho."),
        next_step=N_("Báo kỹ thuật viên khôi phục từ bản sao lưu."),
        sha256=sha256[:12],
    )
