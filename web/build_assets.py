"""Bring the pages' third-party assets from ``node_modules`` into ``web/static/vendor``.

Run ``npm ci`` first, then ``python -m web.build_assets``. Standard library only, so that it runs before anything is
installed. Writes ``manifest.json``: relative path to SHA-256, checked when the web process starts.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
WEIGHTS = ("400", "500", "600", "700")
SUBSETS = ("vietnamese", "latin", "latin-ext")


def wanted() -> Iterator[tuple[str, str]]:
    """Pairs (path below node_modules, path below vendor) of every file the pages use."""
    yield "htmx.org/dist/htmx.min.js", "htmx.js"
    # The legacy build also runs in the older browsers of office machines.
    yield "pdfjs-dist/legacy/build/pdf.min.mjs", "pdfjs/pdf.mjs"
    yield "pdfjs-dist/legacy/build/pdf.worker.min.mjs", "pdfjs/pdf.worker.mjs"
    yield "pdfjs-dist/LICENSE", "pdfjs/LICENSE"
    # The pages' content policy forbids WebAssembly; the script decoders of JPEG 2000 and JBIG2 do the same work.
    yield "pdfjs-dist/wasm/openjpeg_nowasm_fallback.js", "pdfjs/wasm/openjpeg_nowasm_fallback.js"
    yield "pdfjs-dist/wasm/jbig2_nowasm_fallback.js", "pdfjs/wasm/jbig2_nowasm_fallback.js"
    for font in ("FoxitSerif", "FoxitFixed"):
        for style in ("", "Bold", "Italic", "BoldItalic"):
            yield f"pdfjs-dist/standard_fonts/{font}{style}.pfb", f"pdfjs/fonts/{font}{style}.pfb"
    for font in ("FoxitSymbol", "FoxitDingbats"):
        yield f"pdfjs-dist/standard_fonts/{font}.pfb", f"pdfjs/fonts/{font}.pfb"
    for style in ("Regular", "Bold", "Italic", "BoldItalic"):
        yield f"pdfjs-dist/standard_fonts/LiberationSans-{style}.ttf", f"pdfjs/fonts/LiberationSans-{style}.ttf"
    for weight in WEIGHTS:
        for subset in SUBSETS:
            name = f"be-vietnam-pro-{subset}-{weight}-normal.woff2"
            yield f"@fontsource/be-vietnam-pro/files/{name}", f"fonts/{name}"
    yield "@fontsource/be-vietnam-pro/LICENSE", "fonts/LICENSE"


def build(modules: Path, vendor: Path) -> dict[str, str]:
    """Copy every wanted file, write and return the manifest. Raises FileNotFoundError for what npm did not bring."""
    if vendor.exists():
        shutil.rmtree(vendor)
    manifest: dict[str, str] = {}
    for source, target in wanted():
        data = (modules / source).read_bytes()
        place = vendor / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        manifest[target] = hashlib.sha256(data).hexdigest()
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (vendor / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return manifest


def main() -> int:
    """Build beside this file; returns the exit code."""
    try:
        manifest = build(ROOT / "node_modules", VENDOR)
    except FileNotFoundError as error:
        print(f"missing {error.filename}: run `npm ci` first", file=sys.stderr)
        return 1
    print(f"{len(manifest)} files in {VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
