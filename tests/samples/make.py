"""Makes the sample PDFs of this folder anew, each with another program; see README.md for what to install.

Run from the repository: ``python -m tests.samples.make [NAME ...]`` (no name: all whose program is installed).
The texts are our own: letters of an invented commune.
"""

from __future__ import annotations

import html
import io
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image, ImageFilter

HERE = Path(__file__).resolve().parent
A4 = (595.28, 841.89)


@dataclass(frozen=True)
class Letter:
    """One document's texts. ``number``, ``date``: the two lines with their blanks, as the drafter typed them."""

    title: str
    subject: str
    number: str
    date: str
    body: tuple[str, ...]
    heads: tuple[str, ...] = ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH")
    signer: str = "Nguyễn Văn An"
    appendix: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ("Như trên;", "Thường trực Đảng ủy xã;", "CT, các PCT UBND xã;", "Lưu: VT.")


DECISION = Letter(
    "QUYẾT ĐỊNH",
    "Về việc thành lập Đội xung kích phòng, chống thiên tai xã Hòa Bình",
    "Số:        /QĐ-UBND",
    "Hòa Bình, ngày       tháng       năm 2026",
    (
        "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;",
        "Theo đề nghị của Trưởng phòng Kinh tế xã.",
        "Điều 1. Thành lập Đội xung kích phòng, chống thiên tai xã Hòa Bình gồm 25 thành viên.",
        "Điều 2. Đội có nhiệm vụ tham gia sơ tán, cứu hộ và khắc phục hậu quả triều cường, sạt lở tại các ấp.",
        "Điều 3. Văn phòng HĐND và UBND xã, Trưởng các ấp chịu trách nhiệm thi hành Quyết định này./.",
    ),
)
NOTICE = Letter(
    "THÔNG BÁO",
    "Về lịch tiếp công dân tháng 12 năm 2026",
    "Số: ……/TB-UBND",
    "Hòa Bình, ngày …… tháng …… năm 2026",
    (
        "Ủy ban nhân dân xã Hòa Bình thông báo lịch tiếp công dân định kỳ tháng 12 năm 2026 như sau:",
        "1. Thời gian: từ 07 giờ 30 phút các ngày thứ Năm hằng tuần.",
        "2. Địa điểm: Trung tâm phục vụ hành chính công xã, ấp Vĩnh Thạnh.",
        "Đề nghị các cơ quan, đơn vị, cá nhân có liên quan biết, thực hiện./.",
    ),
    ("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
    "ThS. Đặng Hữu Phước",
)
PLAN = Letter(
    "KẾ HOẠCH",
    "Diễn tập ứng phó triều cường năm 2026",
    "Số:          /KH-UBND",
    "Hòa Bình, ngày        tháng        năm 2026",
    (
        "Thực hiện chỉ đạo của Ủy ban nhân dân tỉnh, Ủy ban nhân dân xã xây dựng kế hoạch diễn tập như sau:",
        "I. Mục đích: nâng cao năng lực chỉ huy tại chỗ, lực lượng tại chỗ của các ấp.",
        "II. Thời gian: trong tháng 12 năm 2026, kinh phí và phân công theo Phụ lục kèm theo./.",
    ),
    appendix=(
        "PHỤ LỤC",
        "Phân công nhiệm vụ",
        "1. Ban Chỉ huy quân sự xã: 12 người, 02 xuồng máy.",
        "2. Trạm Y tế xã: 03 người, tủ thuốc lưu động.",
        "3. Các ấp: mỗi ấp 10 người, bao cát, cọc tràm.",
    ),
)

HTML = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 20mm 20mm 20mm 30mm }}
body {{ font: 14pt/1.35 "Liberation Serif", serif; margin: 0 }} p {{ margin: 0 0 6pt; text-align: justify }}
table {{ width: 100%; border-collapse: collapse; table-layout: fixed }}
td {{ vertical-align: top; text-align: center; padding: 0 }}
td p {{ text-align: center; margin: 0 }} .pre {{ white-space: pre }} .small p {{ font-size: 11pt; text-align: left }}
.head td {{ font-size: 12pt }}
.page {{ page-break-before: always }} .gap {{ height: 85pt }}</style>
<table class="head"><tr><td style="width:41%"><p><b>ỦY BAN NHÂN DÂN<br>XÃ HÒA BÌNH</b></p></td>
<td><p><b>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM<br>Độc lập - Tự do - Hạnh phúc</b></p></td></tr>
<tr><td><p class="pre" style="margin-top:8pt">{number}</p></td>
<td><p class="pre" style="margin-top:8pt"><i>{date}</i></p></td></tr></table>
<p style="text-align:center;margin-top:16pt"><b>{title}<br>{subject}</b></p>{body}
<table style="margin-top:14pt"><tr><td class="small"><p><b><i>Nơi nhận:</i></b></p>{receivers}</td>
<td><p><b>{heads}</b></p><div class="gap"></div><p><b>{signer}</b></p></td></tr></table>{appendix}</html>"""


def page(letter: Letter) -> str:
    """The letter as a web page."""

    def paragraphs(lines: tuple[str, ...], sign: str = "") -> str:
        return "".join(f"<p>{sign}{html.escape(line)}</p>" for line in lines)

    appendix = f'<div class="page">{paragraphs(letter.appendix)}</div>' if letter.appendix else ""
    return HTML.format(
        title=letter.title, subject=letter.subject, number=letter.number, date=letter.date, appendix=appendix,
        body=paragraphs(letter.body), receivers=paragraphs(letter.receivers, "- "), heads="<br>".join(letter.heads),
        signer=letter.signer,
    )  # fmt: skip


def docx(letter: Letter) -> bytes:
    """The letter as Word writes it: header and signature in borderless tables, number and date in touching cells."""

    def run(text: str, bold: bool = False, italic: bool = False, size: int = 28) -> str:
        look = f"{'<w:b/>' * bold}{'<w:i/>' * italic}<w:sz w:val='{size}'/>"
        fonts = "<w:rFonts w:ascii='Liberation Serif' w:hAnsi='Liberation Serif' w:cs='Liberation Serif'/>"
        return f"<w:r><w:rPr>{fonts}{look}</w:rPr><w:t xml:space='preserve'>{html.escape(text)}</w:t></w:r>"

    def par(text: str, align: str = "center", **look: object) -> str:
        return f"<w:p><w:pPr><w:jc w:val='{align}'/></w:pPr>{run(text, **look)}</w:p>"  # type: ignore[arg-type]

    def row(widths: tuple[int, ...], *cells: str) -> str:
        made = (
            f"<w:tc><w:tcPr><w:tcW w:w='{width}' w:type='dxa'/></w:tcPr>{cell}</w:tc>"
            for width, cell in zip(widths, cells, strict=True)
        )
        return f"<w:tr>{''.join(made)}</w:tr>"

    def table(widths: tuple[int, ...], *rows: str) -> str:
        grid = "".join(f"<w:gridCol w:w='{width}'/>" for width in widths)
        return (
            "<w:tbl><w:tblPr><w:tblLayout w:type='fixed'/><w:tblCellMar><w:left w:w='0' w:type='dxa'/>"
            f"<w:right w:w='0' w:type='dxa'/></w:tblCellMar></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}"
            "</w:tbl>"
        )

    bold = {"bold": True, "size": 26}
    head, foot = (3600, 5700), (4300, 5000)
    organ = par("ỦY BAN NHÂN DÂN", **bold) + par("XÃ HÒA BÌNH", **bold)
    nation = par("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", bold=True, size=24) + par("Độc lập - Tự do - Hạnh phúc", **bold)
    top = table(
        head,
        row(head, organ, nation),
        row(head, par(letter.number, size=26), par(letter.date, italic=True, size=26)),
    )
    title = par("") + par(letter.title, **bold) + par(letter.subject, **bold) + par("")
    body = "".join(par(line, "both") for line in letter.body) + par("")
    receivers = par("Nơi nhận:", "left", bold=True, italic=True, size=24)
    receivers += "".join(par(f"- {line}", "left", size=22) for line in letter.receivers)
    heads = "".join(par(line, bold=True) for line in letter.heads)
    signer = heads + par("") * 5 + par(letter.signer, bold=True)
    end = table(foot, row(foot, receivers, signer))
    more = ""
    if letter.appendix:
        more = "<w:p><w:r><w:br w:type='page'/></w:r></w:p>" + "".join(par(line, "both") for line in letter.appendix)
    section = (
        "<w:sectPr><w:pgSz w:w='11906' w:h='16838'/>"
        "<w:pgMar w:top='1134' w:right='1134' w:bottom='1134' w:left='1474'/></w:sectPr>"
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    parts = {
        "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>"
        "<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
        "<Override PartName='/word/document.xml' ContentType='application/vnd.openxmlformats-officedocument."
        "wordprocessingml.document.main+xml'/></Types>",
        "_rels/.rels": "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>"
        "<Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
        "officeDocument' Target='word/document.xml'/></Relationships>",
        "word/document.xml": f"<w:document xmlns:w='{space}'><w:body>{top}{title}{body}{end}{more}{par('')}{section}"
        "</w:body></w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, "<?xml version='1.0' encoding='UTF-8'?>" + text)
    return out.getvalue()


def svg(letter: Letter) -> str:
    """The letter as a drawing: text at fixed points, in the typeface of the system."""
    texts: list[str] = []

    def put(x: float, y: float, text: str, size: float = 13, anchor: str = "middle", look: str = "") -> None:
        texts.append(
            f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" xml:space="preserve" {look}>'
            f"{html.escape(text)}</text>"
        )

    bold, italic = 'font-weight="bold"', 'font-style="italic"'
    for n, line in enumerate(("ỦY BAN NHÂN DÂN", "XÃ HÒA BÌNH")):
        put(165, 70 + 17 * n, line, look=bold)
    put(400, 70, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, look=bold)
    put(400, 87, "Độc lập - Tự do - Hạnh phúc", look=bold)
    put(165, 116, letter.number)
    put(400, 116, letter.date, look=italic)
    for n, line in enumerate((letter.title, letter.subject)):
        put(310, 155 + 19 * n, line, 14, look=bold)
    y = 210.0
    for paragraph in letter.body:
        line = ""
        for word in [*paragraph.split(), ""]:
            if word and len(f"{line} {word}") < 82:
                line = f"{line} {word}".strip()
                continue
            put(85, y, line, 13, "start")
            line, y = word, y + 20
    y += 20
    for n, line in enumerate(letter.heads):
        put(410, y + 17 * n, line, look=bold)
    put(410, y + 130, letter.signer, look=bold)
    for n, line in enumerate(("Nơi nhận:", *(f"- {receiver}" for receiver in letter.receivers))):
        put(85, y + 14 * n, line, 11, "start")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{A4[0]}pt" height="{A4[1]}pt" '
        f'viewBox="0 0 {A4[0]} {A4[1]}" font-family="Liberation Serif">{"".join(texts)}</svg>'
    )


def tex(letter: Letter) -> str:
    """The letter for XeLaTeX."""
    body = "\n\n".join(letter.body)
    receivers = r"\\ ".join(f"- {line}" for line in letter.receivers)
    number, date = (line.replace(" ", r"\ ") for line in (letter.number, letter.date))
    return rf"""\documentclass[14pt,a4paper]{{article}}
\usepackage[a4paper,left=30mm,right=20mm,top=20mm,bottom=20mm]{{geometry}}
\usepackage{{fontspec}}\setmainfont{{Liberation Serif}}\pagestyle{{empty}}\parindent=0pt\parskip=6pt
\begin{{document}}\fontsize{{13}}{{17}}\selectfont
\begin{{minipage}}[t]{{.42\textwidth}}\centering\textbf{{ỦY BAN NHÂN DÂN\\XÃ HÒA BÌNH}}\\[8pt]{number}\end{{minipage}}%
\begin{{minipage}}[t]{{.58\textwidth}}\centering\textbf{{\fontsize{{11}}{{17}}\selectfont CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT
NAM\\Độc lập - Tự do - Hạnh phúc}}\\[8pt]\textit{{{date}}}\end{{minipage}}
\bigskip\begin{{center}}\textbf{{{letter.title}\\{letter.subject}}}\end{{center}}
{body}

\bigskip\begin{{minipage}}[t]{{.46\textwidth}}\fontsize{{11}}{{14}}\selectfont\textbf{{\textit{{Nơi nhận:}}}}\\
{receivers}\end{{minipage}}%
\begin{{minipage}}[t]{{.54\textwidth}}\centering\textbf{{{letter.heads[0]}\\{letter.heads[1]}}}\\[85pt]
\textbf{{{letter.signer}}}\end{{minipage}}
\end{{document}}"""


def run(folder: Path, *command: str) -> None:
    """One program, quietly; raises CalledProcessError."""
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180)


def libreoffice(letter: Letter, options: str = "") -> Callable[[Path], bytes]:
    """LibreOffice Writer's export of the Word file."""

    def make(folder: Path) -> bytes:
        (folder / "a.docx").write_bytes(docx(letter))
        profile = f"-env:UserInstallation=file://{folder}/profile"
        run(folder, "soffice", profile, "--headless", "--convert-to", f"pdf:writer_pdf_Export{options}", "a.docx")
        return (folder / "a.pdf").read_bytes()

    return make


def chromium(letter: Letter) -> Callable[[Path], bytes]:
    """A browser's 'print to PDF' (Skia)."""

    def make(folder: Path) -> bytes:
        (folder / "a.html").write_text(page(letter), "utf-8")
        run(
            folder, "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer", f"--print-to-pdf={folder}/a.pdf", f"file://{folder}/a.html",
        )  # fmt: skip
        return (folder / "a.pdf").read_bytes()

    return make


def wkhtmltopdf(letter: Letter) -> Callable[[Path], bytes]:
    """An old Qt's print engine, as many web applications of offices use it."""

    def make(folder: Path) -> bytes:
        larger = "<style>html { zoom: 1.3 }</style></html>"  # it takes a point for three quarters of one
        (folder / "a.html").write_text(page(letter).replace("</html>", larger), "utf-8")
        sides = ("-T", "20mm", "-R", "20mm", "-B", "20mm", "-L", "30mm")
        run(folder, "wkhtmltopdf", "-q", "-s", "A4", *sides, "a.html", "a.pdf")
        return (folder / "a.pdf").read_bytes()

    return make


def cairo(letter: Letter) -> Callable[[Path], bytes]:
    """Cairo's PDF surface."""

    def make(folder: Path) -> bytes:
        (folder / "a.svg").write_text(svg(letter), "utf-8")
        run(folder, "rsvg-convert", "-f", "pdf", "-o", "a.pdf", "a.svg")
        return (folder / "a.pdf").read_bytes()

    return make


def ghostscript(letter: Letter) -> Callable[[Path], bytes]:
    """Distilled anew to PDF 1.4, as programs that make scans and printouts smaller do it."""

    def make(folder: Path) -> bytes:
        (folder / "b.pdf").write_bytes(cairo(letter)(folder))
        run(folder, "ps2pdf14", "b.pdf", "c.pdf")
        return (folder / "c.pdf").read_bytes()

    return make


def xetex(letter: Letter) -> Callable[[Path], bytes]:
    """XeLaTeX with xdvipdfmx."""

    def make(folder: Path) -> bytes:
        (folder / "a.tex").write_text(tex(letter), "utf-8")
        run(folder, "xelatex", "-interaction=batchmode", "a.tex")
        return (folder / "a.pdf").read_bytes()

    return make


def paper(letter: Letter, folder: Path, dpi: int) -> Image.Image:
    """The printed letter on a scanner's glass: a little askew, a little dirty, grey."""
    with pypdfium2.PdfDocument(wkhtmltopdf(letter)(folder)) as document:
        grey = document[0].render(scale=dpi / 72).to_pil().convert("L")
    grey = grey.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.5))
    dirt = random.Random(15)
    for _ in range(400):
        x, y = dirt.randrange(grey.width - 2), dirt.randrange(grey.height - 2)
        grey.paste(dirt.randrange(90, 200), (x, y, x + dirt.randrange(1, 3), y + dirt.randrange(1, 3)))
    return grey.point(lambda value: min(250, value))


def scan(letter: Letter) -> Callable[[Path], bytes]:
    """A scanner's file: one JPEG for the page, no text at all."""

    def make(folder: Path) -> bytes:
        out = io.BytesIO()
        paper(letter, folder, 150).save(out, "PDF", resolution=150, quality=32)
        return out.getvalue()

    return make


def ocr(letter: Letter) -> Callable[[Path], bytes]:
    """A scanner's black and white picture with the text layer of a recognition program under it."""

    def make(folder: Path) -> bytes:
        paper(letter, folder, 200).point(lambda value: 255 * (value > 140)).convert("1").save(
            folder / "a.png", dpi=(200, 200)
        )
        run(folder, "tesseract", "a.png", "a", "-l", "vie", "pdf")
        return (folder / "a.pdf").read_bytes()

    return make


def qpdf(letter: Letter) -> Callable[[Path], bytes]:
    """A sideways page that the file turns upright (/Rotate 90), object streams, laid out for the web."""

    def make(folder: Path) -> bytes:
        with pikepdf.open(io.BytesIO(cairo(letter)(folder))) as document:
            sheet = document.pages[0]
            sheet.contents_add(b"q 0 1 -1 0 %g 0 cm" % A4[1], prepend=True)
            sheet.contents_add(b"Q")
            sheet.MediaBox = pikepdf.Array([0, 0, A4[1], A4[0]])
            sheet.Rotate = 90
            document.save(folder / "b.pdf")
        run(folder, "qpdf", "--object-streams=generate", "--linearize", "b.pdf", "c.pdf")
        return (folder / "c.pdf").read_bytes()

    return make


PDFA = ':{"SelectPdfVersion":{"type":"long","value":"2"}}'
HYBRID = ':{"IsAddStream":{"type":"boolean","value":"true"}}'
SAMPLES: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "libreoffice": ("soffice", libreoffice(DECISION)),
    "libreoffice-pdfa": ("soffice", libreoffice(PLAN, PDFA)),
    "libreoffice-hybrid": ("soffice", libreoffice(NOTICE, HYBRID)),
    "chromium": ("chromium", chromium(PLAN)),
    "wkhtmltopdf": ("wkhtmltopdf", wkhtmltopdf(NOTICE)),
    "cairo": ("rsvg-convert", cairo(DECISION)),
    "ghostscript": ("ps2pdf14", ghostscript(replace(NOTICE, number="Số: /TB-UBND", date="Hòa Bình, ngày  tháng  năm"))),
    "xetex": ("xelatex", xetex(DECISION)),
    "scan": ("wkhtmltopdf", scan(DECISION)),
    "scan-ocr": ("tesseract", ocr(NOTICE)),
    "qpdf-rotated": ("qpdf", qpdf(NOTICE)),
}


def main(names: list[str]) -> int:
    """0 when every sample asked for was made."""
    missing = 0
    for name in names or SAMPLES:
        program, make = SAMPLES[name]
        if shutil.which(program) is None:
            print(f"{name}: {program} is not installed")
            missing += bool(names)
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = make(Path(folder))
        (HERE / f"{name}.pdf").write_bytes(data)
        print(f"{name}: {len(data) // 1000} kB")
    return missing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
