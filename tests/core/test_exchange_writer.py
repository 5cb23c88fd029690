"""What we hand out: templates that can be read again, safe tables, and files with the reasons for wrong rows."""
from __future__ import annotations

import csv
import errno
import gc
import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.exchange.cells import SheetColumn, clean_text, parse_choice, parse_date, parse_text
from core.exchange.corrections import write_errors
from core.exchange.reader import read_sheet
from core.exchange.writer import fill_table, harmless, write_csv, write_table, write_template
from tests.core.test_exchange_reader import OLD_EXCEL

TODAY = date(2026, 11, 22)
STREETS = tuple(f"焦家社区第{number}网格" for number in range(60))
COLUMNS = (
    SheetColumn("name", "姓名", ("老人姓名",), parse_text(30), required=True, example="张三"),
    SheetColumn("identity", "身份证号码", (), parse_text(18), private=True, hint="18 位", example="99000019500102123X"),
    SheetColumn("sex", "性别", (), parse_choice({"男": 1, "女": 2}), choices=("男", "女")),
    SheetColumn("born", "出生日期", (), partial(parse_date, today=TODAY)),
    SheetColumn("grid", "网格", (), parse_text(30), choices=STREETS),
)
FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1", " =1", "\x00=1", "\r\n=1"]


def opened(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def cells(data: bytes) -> list[list[object]]:
    return [list(row) for row in opened(data).worksheets[0].iter_rows(values_only=True)]


def test_a_template_is_recognised_and_holds_no_rows():
    result = read_sheet(write_template(COLUMNS, "老年食堂就餐人员", "就餐人员"), "模板.xlsx", COLUMNS)
    assert (result.sheet_name, result.header_row, result.rows, result.skipped) == ("就餐人员", 3, [], [])
    assert list(result.matched) == [column.key for column in COLUMNS]


def test_a_template_filled_in_is_read_again():
    book = opened(write_template(COLUMNS, "名册", "名册"))
    for at, value in enumerate(("张三", "99000019500102123X", "男", "1950.1.2", STREETS[3]), 1):
        book.active.cell(4, at).value = value
    row = read_sheet(saved(book), "名册.xlsx", COLUMNS).rows[0]
    assert row.values == {"name": "张三", "identity": "99000019500102123X", "sex": 1, "born": date(1950, 1, 2),
                          "grid": STREETS[3]}


def test_a_template_marks_what_is_required_keeps_digits_and_offers_the_choices():
    book = opened(write_template(COLUMNS, "名册", "名册"))
    sheet = book.active
    assert [cell.value for cell in sheet[3]] == ["姓名*", "身份证号码", "性别", "出生日期", "网格"]
    assert sheet["A3"].font.color.rgb == "FFC00000" != sheet["B3"].font.color.rgb
    assert sheet.freeze_panes == "A4"
    assert {sheet.column_dimensions[letter].number_format for letter in "ABCDE"} == {"@"}
    rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
    assert rules["C4"].formula1 == '"男,女"' and rules["B4"].prompt == "18 位"
    listed = book.worksheets[1][rules["E4"].formula1.split("!")[1].replace("$", "")]
    assert [row[0].value for row in listed] == [*STREETS]


def test_a_template_of_one_column_is_possible():
    one = COLUMNS[:1]
    assert read_sheet(write_template(one, "名册", "名/册*"), "a.xlsx", one).matched == {"name": 0}


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_be_a_formula_is_neutralised_in_every_sheet(text):
    for written in (cells(write_table([text], [[text]], text))[1:], list(csv.reader(io.StringIO(
            b"".join(write_csv([text], [[text]])).decode("utf-8-sig"), newline="")))):
        assert all(row[0].startswith("'") for row in written)


@given(st.text(max_size=40))
def test_neutralised_text_starts_no_formula_and_is_read_again_as_it_was(text):
    safe = harmless(text)
    assert not safe.lstrip().startswith(("=", "+", "@")) and (not safe.lstrip().startswith("-") or not safe.strip(" -"))
    if not clean_text(text).startswith("'"):
        assert clean_text(safe) == clean_text(text)


def test_a_lone_dash_stays():
    assert [harmless("-"), harmless("--"), harmless("—")] == ["-", "--", "—"]


def test_numbers_amounts_and_days_stay_what_they_are():
    moment = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    row = ["䶮𠮷\x07", 3, -2, Decimal("-12.50"), date(2026, 1, 2), moment, True, None, float("nan"),
           990000195001021234]
    table = write_table(["a"] * 10, [row], "名册: 2026/11")
    assert cells(table)[2] == ["䶮𠮷", 3, -2, -12.5, datetime(2026, 1, 2), datetime(2026, 11, 22, 9, 30), "Yes", None,
                               None, "990000195001021234"]
    assert opened(table).active["D3"].number_format == "0.00"
    lines = b"".join(write_csv(["a"], [row])).decode("utf-8-sig").splitlines()
    assert lines[1] == "䶮𠮷,3,-2,-12.50,2026-01-02,2026-11-22 09:30,Yes,,,990000195001021234"


def test_a_full_disk_is_said_by_the_error_of_the_disk_and_leaves_no_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Full(io.BytesIO):
        full = True

        def write(self, data: bytes) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    disk = Full()
    with pytest.raises(OSError, match="No space left") as told:
        fill_table(disk, ["姓名"], [["张三"]], "名单")
    assert told.value.errno == errno.ENOSPC
    disk.full = False  # the zip file ends itself when it is collected
    del told
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_csv_is_written_row_by_row_with_the_mark_for_excel():
    def endless():
        while True:
            yield ["张三", "a,b\n\"c\""]

    pieces = write_csv(["姓名", "备注"], endless())
    assert next(pieces) == b"\xef\xbb\xbf"
    assert [next(pieces).decode() for _ in range(2)] == ["姓名,备注\r\n", '张三,"a,b\n""c"""\r\n']


def users_file() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "名册"
    for row in (["焦家社区名册"], ["姓名", "出生日期"], ["张三", "1949.5"], [], ["李四", "1950-01-02"],
                ["=A3", "不详"]):
        sheet.append(row)
    sheet.merge_cells("A1:D1")
    sheet["A3"].font = openpyxl.styles.Font(name="仿宋", size=16)
    sheet.column_dimensions["A"].width = 33
    return saved(book)


def errors_in(data: bytes, column: int) -> list[object]:
    return [row[column] if len(row) > column else None for row in cells(data)]


def test_the_users_own_file_comes_back_with_its_looks_and_the_reasons():
    data = write_errors(users_file(), "名册.xlsx", 2, {3: ["缺少日期", "另一个"], 6: ["=HYPERLINK(1)"]})
    assert errors_in(data, 2) == [None, "Reason for error", "缺少日期; 另一个", None, None, "'=HYPERLINK(1)"]
    sheet = opened(data).active
    assert (sheet["A3"].font.name, sheet.column_dimensions["A"].width, sheet["A6"].value) == ("仿宋", 33, "=A3")
    assert (sheet["C3"].fill.fgColor.rgb, sheet["C5"].fill.fill_type) == ("00F8CBAD", None)
    assert sheet["A1"].value == "焦家社区名册" and "A1:D1" in map(str, sheet.merged_cells.ranges)


@pytest.mark.parametrize(("data", "name", "header"), [
    (users_file(), "名册.xlsx", 2), (OLD_EXCEL, "名册.xls", 2),
    ("姓名,出生日期\n张三,1949.5\n李四,x\n".encode("gb18030"), "a.csv", 1)])
def test_a_second_round_forgets_the_first_reasons(data, name, header):
    first = write_errors(data, name, header, {header + 1: ["旧"], header + 2: ["旧"]})
    second = write_errors(first, name, header, {header + 2: ["新"]})
    texts = [value for row in cells(second) for value in row if value is not None]
    assert texts.count("Reason for error") == 1 and "旧" not in texts and texts.count("新") == 1


def test_reasons_in_the_right_sheet_of_several():
    book = opened(users_file())
    book.create_sheet("封面", 0)["A1"] = "封面"
    data = write_errors(saved(book), "名册.xlsx", 2, {3: ["缺少日期"]}, sheet_name="名册")
    assert opened(data)["名册"]["C3"].value == "缺少日期" and opened(data)["封面"].max_column == 1


def test_an_old_file_comes_back_as_a_copy_of_its_values():
    data = write_errors(OLD_EXCEL, "名册.xls", 2, {3: ["请核对"]})
    assert cells(data) == [["焦家社区名册", None, None, None, None],
                           ["序号", "姓 名", "联系电话", "出生日期", "Reason for error"],
                           [1, "张三", 13855551234, datetime(1950, 1, 2), "请核对"]]


def test_the_columns_right_of_old_reasons_are_kept():
    text = "错误原因,姓名,出生日期\n旧,张三,1949.5\n旧,李四,x\n"
    data = write_errors(text.encode(), "a.csv", 1, {2: ["新"]})
    assert cells(data) == [["Reason for error", "姓名", "出生日期"], ["新", "张三", "1949.5"], [None, "李四", "x"]]


def test_a_text_is_given_back_whatever_name_it_is_kept_under():
    data = "姓名,性别\n张三,无\n".encode()
    read = read_sheet(data, "C:\\桌面\\" + "长" * 200 + ".csv", [SheetColumn("name", "姓名", (), parse_text(9))])
    assert cells(write_errors(data, "长.csv", 1, {2: ["请核对"]}, read.sheet_name))[1][-1] == "请核对"


ROWS = st.lists(st.lists(st.text("张三=+-@ab1\t'", max_size=5), min_size=2, max_size=2), max_size=6)


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_an_exported_table_is_read_back_with_the_same_values(rows: Sequence[Sequence[str]]):
    both = (SheetColumn("a", "甲项", (), parse_text(9)), SheetColumn("b", "乙项", (), parse_text(9)))
    kept = [[clean_text(text) for text in row] for row in rows]
    if any(text.startswith(("'", "*")) or "张" in text and "'" in text for row in kept for text in row):
        return
    wanted = [{key: text for key, text in zip("ab", row, strict=True) if text} for row in kept if any(row)]
    for data, name in ((write_table(["甲项", "乙项"], rows, "名册"), "a.xlsx"),
                       (b"".join(write_csv(["甲项", "乙项"], rows)), "a.csv")):
        assert [row.values for row in read_sheet(data, name, both).rows if row.values] == wanted
