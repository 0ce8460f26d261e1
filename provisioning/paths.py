"""Templates of configuration files, and paths checked before a program trips over them."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from appliance.errors import N_, ConfigError

_TEMPLATES = Path(__file__).parent / "templates"
_SOCKET_LIMIT = 107  # bytes of sun_path (unix(7)), without the closing zero


def template(name: str) -> Template:
    """The template ``provisioning/templates/<name>.j2``; an unknown variable raises when it is rendered."""
    loader = FileSystemLoader(_TEMPLATES, encoding="utf-8")
    # Configuration files, no HTML: nothing to escape.
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.get_template(f"{name}.j2")


def checked_socket(path: Path) -> Path:
    """``path`` when the system can bind it as a Unix socket. Raises ConfigError when it is too long."""
    if len(str(path).encode()) > _SOCKET_LIMIT:
        raise ConfigError(
            N_("Đường dẫn thư mục dữ liệu quá dài cho ổ cắm nội bộ: %(path)s"),
            next_step=N_("Chọn thư mục dữ liệu có đường dẫn ngắn hơn."),
            path=path,
        )
    return path
