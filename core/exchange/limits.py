"""What a file must not exceed, checked before a library reads it.

The sheet library lays a sheet out as one rectangle from its first to its last filled cell. A file of 5 kB with a
cell in the last row and column would ask for 500 GB. So the reach of every sheet in a zip file (.xlsx, .ods) is found
first, by looking for cell addresses only, and the zip is packed anew from what was checked, so that the library sees
exactly those bytes. What is left, mostly in .xls, ends `workbook_process` only.
"""
from __future__ import annotations

import io
import re
import zipfile
import zlib

from flask_babel import gettext as _

from core.errors import ValidationError

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_ROWS = 20_000  # below the header
MAX_COLUMNS = 200
MAX_RECTANGLE = 5_000_000  # cells; about 150 MB while reading

ZIP, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# A cell or row address in a sheet of xlsx. An empty formatted cell (`<c r="A900" s="1"/>`) takes no room.
EMPTY_TAG = rb'(?!(?:\s+[\w:]+\s*=\s*"[^"<>]*")*\s*/>)'
CELL_ADDRESS = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{1,9})(\d{1,9})[\"']" + EMPTY_TAG)
ROW_ADDRESS = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br\s*=\s*[\"'](\d{1,9})[\"']")
CELL_WITHOUT_ADDRESS = re.compile(rb"<(?:\w+:)?c(?:\s+(?!r\s*=)[\w:]+\s*=\s*[\"'][^\"'<>]*[\"'])*\s*>")
# Tables, rows and cells of an ods part; rows and cells may say that they are repeated.
ODS_TAG = re.compile(rb"<(?:\w+:)?(table|table-row|(?:covered-)?table-cell)(?=[\s/>])"
                     rb"((?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)>")
ODS_REPEATED = re.compile(rb"number-(?:rows|columns)-repeated\s*=\s*[\"'](\d{1,9})[\"']")
ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")  # an .xlsx with a password is a compound file with this part


def not_a_sheet() -> ValidationError:
    return ValidationError(_("This file cannot be read as a sheet; it is damaged or of another kind. "
                             "Open it in Excel or WPS, save it as .xlsx and upload that file."))


def too_large() -> ValidationError:
    return ValidationError(_("The sheet is too large: at most %(rows)d rows and %(columns)d columns can be read. "
                             "Delete empty rows and columns at the end, or split the file.",
                             rows=MAX_ROWS, columns=MAX_COLUMNS))


def checked(data: bytes) -> bytes:
    """The workbook, safe to hand to the library. Raises ValidationError in words."""
    if len(data) > MAX_FILE_BYTES:
        raise ValidationError(_("The file is larger than %(most)d MB. Remove pictures or split it.",
                                most=MAX_FILE_BYTES // 1024 // 1024))
    if data.startswith(ZIP):
        return _checked_zip(data)
    if data.startswith(COMPOUND) and ENCRYPTED_PART in data:
        raise needs_password()
    return data


def _checked_zip(data: bytes) -> bytes:
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(packed, "w") as target:
            parts = [part for part in source.infolist() if "/media/" not in part.filename]
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or len(parts) > 5000:
                raise too_large()
            if any(part.filename.endswith("workbook.bin") for part in parts):
                raise not_a_sheet()  # .xlsb: its reach cannot be checked here
            for name in dict.fromkeys(part.filename for part in parts):
                content = source.read(name)
                _check_reach(_xml_reach(content))
                target.writestr(name, content)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError,
            ValueError) as fault:
        raise not_a_sheet() from fault
    return packed.getvalue()


def _check_reach(reach: tuple[int, int]) -> None:
    rows, columns = reach
    if rows * columns > MAX_RECTANGLE:
        raise too_large()


def _xml_reach(content: bytes) -> tuple[int, int]:
    """(rows, columns) up to the last filled cell of an xlsx or ods part; (0, 0) for other parts."""
    if b"table-cell" in content:
        return _ods_reach(content)
    if b"sheetData" not in content:
        return 0, 0
    addresses = set(CELL_ADDRESS.findall(content))
    rows = max((int(row) for _column, row in addresses), default=0)
    columns = max(map(_column_number, {column for column, _row in addresses}), default=0)
    if CELL_WITHOUT_ADDRESS.search(content):
        rows = max(rows, *map(int, ROW_ADDRESS.findall(content)), 0)
    return rows, max(columns, 1)


def _ods_reach(content: bytes) -> tuple[int, int]:
    row = column = rows = columns = 0
    for kind, attributes in ODS_TAG.findall(content):
        repeated = ODS_REPEATED.search(attributes)
        times = int(repeated[1]) if repeated else 1
        if kind == b"table":
            row = 0
        elif kind == b"table-row":
            row, column = row + times, 0
        else:
            column += times
            if not attributes.endswith(b"/"):
                rows, columns = max(rows, row), max(columns, column)
    return rows, columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def needs_password() -> ValidationError:
    return ValidationError(_("The file is protected by a password. Remove the password in Excel or WPS and "
                             "upload it again."))
