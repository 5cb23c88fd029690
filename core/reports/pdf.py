"""A report as PDF, with a Chinese font of this machine embedded, so that it looks the same everywhere."""
from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from core.errors import ValidationError
from core.reports.document import Document

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("C:/Windows/Fonts"),
           Path("/System/Library/Fonts"))
FONTS = (  # name, and in a collection the number of the face for simplified Chinese
    ("NotoSansCJK-Regular.ttc", 2), ("NotoSansSC-Regular.otf", 0), ("NotoSansSC-Regular.ttf", 0),
    ("SourceHanSansSC-Regular.otf", 0), ("msyh.ttc", 0), ("simsun.ttc", 0), ("wqy-zenhei.ttc", 0),
    ("wqy-microhei.ttc", 0), ("DroidSansFallbackFull.ttf", 0), ("STHeiti Light.ttc", 1),
)
MARGIN = 18  # mm


@cache
def font_file() -> tuple[Path, int]:
    """The best Chinese font of this machine. Raises ValidationError that says what to install."""
    for name, number in FONTS:
        for folder in FOLDERS:
            if found := next(folder.rglob(name), None):
                return found, number
    raise ValidationError(_("The server has no Chinese font for PDFs. Its administrator installs one (apt install "
                            "fonts-noto-cjk); until then print the report and choose “Save as PDF”."))


def write_pdf(report: Document, foot: str) -> bytes:
    """A4 with sentences, footnotes and tables; `foot` stands on every page beside the page number.

    Raises ValidationError where no Chinese font is found.
    """
    from fpdf import FPDF  # loads 20 MB of font tools, only for PDFs

    path, number = font_file()

    class Sheet(FPDF):
        def footer(self) -> None:
            self.set_y(-14)
            self.set_font("own", size=8)
            self.cell(0, 6, foot, align="L")
            self.set_x(MARGIN)
            self.cell(0, 6, _("Page %(page)s of %(pages)s", page=self.page_no(), pages="{nb}"), align="R")

    sheet = Sheet(format="A4")
    sheet.set_margins(MARGIN, MARGIN)
    sheet.set_auto_page_break(True, margin=20)
    sheet.add_font("own", fname=path, collection_font_number=number)
    sheet.set_title(report.title)
    sheet.add_font("own", style="B", fname=path, collection_font_number=number)  # heads of tables: the same face
    sheet.add_page()
    _line(sheet, report.title, 17, align="C", gap=2)
    _line(sheet, report.period, 10, align="C", gap=4)
    for place, sentence in enumerate(report.sentences, 1):
        _line(sheet, f"{place}. {sentence.text} [{place}]", 11, gap=1)
    for table in report.tables:
        _table(sheet, table)
    sheet.ln(4)
    for place, sentence in enumerate(report.sentences, 1):
        _line(sheet, f"[{place}] {sentence.note}", 8, gap=0.5)
    return bytes(sheet.output())


def _line(sheet: Any, text: str, size: float, align: str = "L", gap: float = 0) -> None:
    sheet.set_font("own", size=size)
    sheet.multi_cell(0, size * 0.55, text, align=align, new_x="LMARGIN", new_y="NEXT")
    sheet.ln(gap)


def _table(sheet: Any, table: Any) -> None:
    sheet.ln(4)
    _line(sheet, table.title, 11.5, gap=1)
    sheet.set_font("own", size=9)
    aligns = tuple("RIGHT" if numeric else "LEFT" for _label, numeric in table.columns)
    with sheet.table(text_align=aligns, borders_layout="HORIZONTAL_LINES", line_height=6,
                     col_widths=(2, *(1 for _c in table.columns[1:]))) as grid:
        for values in ([label for label, _numeric in table.columns], *table.all_rows):
            grid.row([table.text(value) for value in values])
