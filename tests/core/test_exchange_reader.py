"""Files as offices send them: what is found, read, skipped and refused."""
from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from datetime import date
from functools import partial

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ValidationError
from core.exchange import limits
from core.exchange.cells import SheetColumn, parse_date, parse_text, parse_yes_no
from core.exchange.reader import ReadResult, plain_header, read_sheet

TODAY = date(2026, 11, 22)
COLUMNS = (
    SheetColumn("name", "Name", ("姓名", "老人姓名"), parse_text(30), required=True),
    SheetColumn("identity", "Identity number", ("身份证号码", "身份证号", "证件号码"), parse_text(18), private=True),
    SheetColumn("phone", "Phone", ("联系电话", "电话", "手机"), parse_text(20), private=True),
    SheetColumn("guardian", "Guardian", ("监护人", "监护人姓名"), parse_text(30)),
    SheetColumn("born", "Born", ("出生日期", "出生年月日"), partial(parse_date, today=TODAY)),
    SheetColumn("alone", "Lives alone", ("是否独居",), parse_yes_no),
    SheetColumn("remark", "Remark", ("备注",), parse_text(200)),
)

# An .xls written by xlwt: 焦家社区名册 / 序号 姓 名 联系电话 出生日期 / 1 张三 13855551234 1950-01-02
OLD_EXCEL = zlib.decompress(base64.b85decode(
    "c-rk)O-"
    "NKx6#nj;H_i`^Gh<_*kq$yr`Ll=!BG4(RTs3G4{gP=jMVMMcLPnHjt||&z6>S7tw6WS)QH$EO2#s6_fiP3FY84bksjqX+d#`jNaG(U`eUE$Yx#"
    "ym9@44^XzxQ5`hciPD%d*HpJzSVId?=VBQ<QvmAq1*73})@zOUZDsq~P;XAPd}h8hGX57;?O`(C|QiK@@mL=^#!b(bJuZE+QJlhjzt2)Dcy<Ly"
    "{ttidV%#j|g2M^uB056S`F-"
    "*M!!QZbt3Lcsx<H*_y?BwMwZg0=N4}Y~G4w14{6cXYqv_%G7mZTl#qWi6vH1t`}k$6wt<0cPh>0Anw8s^bu;ix@wcj3?dZlVSF*7z-"
    "N0^KaV={#g!|N{M&rF=Pz<E1u<8CQ`3Qd7>8w%45AR#I@f3_(0a9b8rx+_n@Pn^jUK4)+tR{Sq<;O-"
    "*A^Gl#J(s3tvXa||BrK<dZ(@s`@OlM_d}}U7->b@d<j2q{jybr=4}-"
    "LSwe+GlL!hQmW31|U#IVVdb6veDc&ZMemNe@Lu3v63<DS0f{cr##wC<%s>GsN=p|`&mGEUkBQ(n?k2RH8%+3MPxh%CY>Sv>1BEEJGzmE99kIj$"
    "E2j9on6F<_JJsTOBj1Qrb4z(oN^D}@NRikd-Vmyi4xw1B#DWRo*Y(8EsWR1<RPRbx=c)1b6LRmw}=;muE(O_zp?DuDuG%C4%m0VQPt+uqBw$5v"
    "Qk%c8HtZ&A`&F@v?jZPC!LT4t&d<~|yi$-;HwL-mCj8QhGjq^ABaNxj!0|yQqIB>8G!B<bsx_tBH(rsPrJ=TAn8A`LxZ<1w;-"
    "RPm`G<{U=KsV)S^yM{wR>H09w$uV`?Ei&~J=A*|o#+rhI`f{t^kJsvj%UG!p?|l8^6h^%A3y(d|33i`Q{ej"
))
PHONE_RECORD = struct.pack("<HHHH", 0x203, 14, 2, 2)  # NUMBER in row 2, column 2


def workbook(*sheets: list[list[object]], names: tuple[str, ...] = (), hidden: tuple[int, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(names[number] if names else f"表{number + 1}")
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if number in hidden else "visible"
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read(data: bytes, filename: str = "名册.xlsx") -> ReadResult:
    return read_sheet(data, filename, COLUMNS)


def read_rows(*rows: list[object]) -> ReadResult:
    return read(workbook(list(rows)))


def reasons(result: ReadResult) -> dict[int, str]:
    return {row.number: row.reason for row in result.skipped}


def refusal(data: bytes, filename: str = "名册.xlsx") -> str:
    with pytest.raises(ValidationError) as fault:
        read(data, filename)
    return str(fault.value)


def test_a_real_office_file_is_read_below_its_titles_and_to_its_signature():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "十一月"
    for row in (["焦家社区老年食堂就餐人员名册"], ["填报单位:焦家社区居民委员会  2026年11月"],
                ["序号", "姓 名*", "联系电话(手机)", "身份证号码＊\n（18位）", "网格", "出生日期"],
                [1, "张三", 13855551234.0, "99000019500102123X", "一", date(1950, 1, 2)],
                [], [2, "李　四", "１３９５５５５１２３４", None, "二", "1948年3月5日"], [3], ["合  计", None, "2人"],
                ["制表人: 王敏  审核人: 李红"], ["注:低保户免费"]):
        sheet.append(row)
    sheet.merge_cells("A1:F1")
    sheet.merge_cells("A2:F2")
    for number in range(20, 600):
        sheet.cell(number, 1).fill = openpyxl.styles.PatternFill("solid", fgColor="FFFF00")
    result = read(saved(book))

    assert (result.sheet_name, result.header_row) == ("十一月", 3)
    assert result.matched == {"name": 1, "phone": 2, "identity": 3, "born": 5}
    assert result.unknown_headers == ["序号", "网格"]
    assert [row.values for row in result.rows] == [
        {"name": "张三", "phone": "13855551234", "identity": "99000019500102123X", "born": date(1950, 1, 2)},
        {"name": "李 四", "phone": "13955551234", "born": date(1948, 3, 5)}]
    assert [row.number for row in result.rows] == [4, 6]
    assert reasons(result) == {5: "blank", 7: "blank", 8: "total", 9: "signature", 10: "note"}


def test_an_old_excel_file_is_read():
    result = read(OLD_EXCEL, "名册.xls")
    assert (result.sheet_name, result.header_row) == ("名册", 2)
    assert [row.values for row in result.rows] == [{"name": "张三", "phone": "13855551234", "born": date(1950, 1, 2)}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_text_files_are_read_in_every_encoding_and_with_every_separator(encoding, delimiter):
    lines = [["姓名", "联系电话", "备注"], ["䶮三", "13855551234", '"忌辣\n少盐"'], [], ["𠮷四", '="0551123"', ""]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    result = read(text.encode(encoding), "名册.csv")
    assert [(row.number, row.values) for row in result.rows] == [
        (2, {"name": "䶮三", "phone": "13855551234", "remark": "忌辣 少盐"}), (4, {"name": "𠮷四", "phone": "0551123"})]
    assert reasons(result) == {3: "blank"}


def test_an_empty_cell_has_no_value_and_a_missing_required_one_is_an_error():
    row = read_rows(["姓名", "联系电话", "备注"], [None, "13855551234", "\u3000"]).rows[0]
    assert row.values == {"phone": "13855551234"}
    assert [(error.key, error.title) for error in row.errors] == [("name", "Name")]


def test_a_masked_value_is_refused_and_the_others_of_its_row_are_read():
    row = read_rows(["姓名", "联系电话", "备注"], ["张三", "138****1234", "无"]).rows[0]
    assert row.values == {"name": "张三", "remark": "无"}
    assert [error.key for error in row.errors] == ["phone"]


def test_private_values_are_shown_masked_in_previews_and_errors():
    long = "990000195001021234567"
    row = read_rows(["姓名", "证件号码", "电话"], ["张三", long, "13855551234"]).rows[0]
    assert row.raw["phone"] == "138****1234"
    assert row.errors[0].key == "identity" and long not in repr(row) and "13855551234" not in repr(row.raw)


def test_an_identity_number_that_excel_made_a_number_is_refused():
    error = read_rows(["姓名", "身份证号"], ["张三", 990000195001021234.0]).rows[0].errors[0]
    assert error.key == "identity" and "text format" in error.reason


def test_a_header_in_two_rows_is_joined():
    result = read_rows(["名册"], ["序号", "姓名", "联系方式", None, "备注"], [None, None, "手机", "微信", None],
                       [1, "张三", "13855551234", "w", "无"])
    assert result.header_row == 3
    assert result.matched == {"name": 1, "phone": 2, "remark": 4}
    assert [row.values["phone"] for row in result.rows] == ["13855551234"]


def test_a_header_whose_upper_row_has_fewer_names_is_joined_too():
    result = read_rows(["姓名", "证件", None, None], [None, "身份证号", "出生日期", "电话"],
                       ["张三", None, "1950-01-02", None])
    assert (result.header_row, result.matched) == (2, {"name": 0, "identity": 1, "born": 2, "phone": 3})
    assert len(result.rows) == 1


def test_the_telephone_of_another_person_is_not_taken():
    result = read_rows(["姓名", "电话(监护人)", "电话（家属）", "备注"], ["张三", "13855551234", "1", "无"])
    assert result.matched == {"name": 0, "remark": 3}


def test_an_exact_header_goes_before_one_with_brackets():
    result = read_rows(["姓名", "联系电话(备用)", "联系电话"], ["张三", "1", "2"])
    assert result.matched == {"name": 0, "phone": 2} and result.unknown_headers == ["联系电话(备用)"]


def test_two_columns_with_the_same_header_are_refused():
    with pytest.raises(ValidationError) as fault:
        read_rows(["姓名", "电话", "联系电话"], ["张三", "1", "2"])
    assert "Phone" in str(fault.value) and fault.value.field == "phone"


def test_a_missing_required_column_is_named():
    result = read_rows(["联系电话", "备注"], ["1", "2"])
    assert [column.key for column in result.missing_required] == ["name"]


def test_the_first_visible_sheet_with_a_header_is_read():
    head = ["姓名", "电话"]
    result = read(workbook([head, ["隐藏", "1"]], [["封面"]], [head, ["张三", "1"]], [head, ["李四", "2"]],
                           names=("旧", "封面", "名册", "副本"), hidden=(0,)))
    assert (result.sheet_name, [row.values["name"] for row in result.rows]) == ("名册", ["张三"])


def test_no_header_names_the_expected_ones():
    assert "Identity number" in refusal(workbook([["名册"], ["甲", "乙"]]))


def test_columns_and_rows_left_and_above_the_table_are_counted():
    book = openpyxl.Workbook()
    for cell, value in {"C5": "姓名", "D5": "电话", "C6": "张三", "D8": "13855551234"}.items():
        book.active[cell] = value
    result = read(saved(book))
    assert (result.header_row, result.matched) == (5, {"name": 2, "phone": 3})
    assert [row.number for row in result.rows] == [6, 8]


@pytest.mark.parametrize(("row", "reason"), [
    ([None, "总计：32人", None], "total"), ([None, "小计", "3"], "total"), (["共计3人"], "total"),
    (["填表人：王敏", None, "日期：2026年11月"], "signature"), ([None, "负责人(签字):"], "signature"),
    (["单位(盖章)：焦家社区"], "signature"), (["说明：本表一式两份"], "note"), (["一、焦家小区"], "title"),
    (["序号", "姓名", "电话"], "title"), (["（续表）"], "note"), ([7, None, None], "blank")])
def test_rows_that_are_no_records_are_skipped_with_their_reason(row, reason):
    result = read_rows(["序号", "姓名", "电话"], [1, "张三", "1"], row, [2, "李四", "2"])
    assert reasons(result) == {3: reason}


@pytest.mark.parametrize("name", ["何计", "共和平", "单位", "负责", "注小明", "说不得", "统小计"])
def test_a_record_with_an_odd_name_is_read(name):
    assert [row.values["name"] for row in read_rows(["姓名", "电话"], [name, "1"]).rows] == [name]


def test_the_reasons_we_wrote_ourselves_are_no_unknown_column():
    assert read_rows(["姓名", "电话", "错误原因"], ["张三", "1", "x"]).unknown_headers == []


WORDS = ["张三", "合计", "制表人:王", "注:", "", " ", "姓名", "电话", "138****1", "是"]
CELLS = st.one_of(st.none(), st.sampled_from(WORDS), st.integers(0, 99), st.floats(0, 9),
                  st.dates(date(1950, 1, 1), TODAY), st.booleans())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=5), max_size=12), st.integers(0, 3))
def test_every_row_below_the_header_is_read_or_skipped(body, titles):
    last = max((n for n, row in enumerate(body, 1) if any(c not in (None, "", " ") for c in row)), default=0)
    table = [["名册"]] * titles + [["序号", "姓名", "电话", "备注", "是否独居"], *body]
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in table)
    for data, name in ((workbook(table), "a.xlsx"), (text.encode(), "a.csv")):
        result = read(data, name)
        numbers = sorted([row.number for row in result.rows] + [row.number for row in result.skipped])
        assert numbers == list(range(result.header_row + 1, titles + 1 + last + 1))
        for row in result.rows:
            assert set(row.values) | {error.key for error in row.errors} >= set(row.raw)


@pytest.mark.parametrize("data", [
    b"%PDF-1.7 xx", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04 broken", limits.COMPOUND + b"\xff" * 600,
    limits.COMPOUND + b"\0" * 600, b"<html><table><tr><td>\xd0\xd5\xc3\xfb", b"\xff\xff\xff\xff", OLD_EXCEL[:3000]])
def test_a_damaged_or_foreign_file_is_refused_in_words(data):
    assert "save it as .xlsx" in refusal(data)


def test_an_empty_file_is_refused_in_words():
    assert "empty" in refusal(b" \n", "a.csv")
    assert "No header" in refusal(workbook([[]]))


def test_a_quotation_mark_that_swallows_the_rest_is_refused():
    assert "quotation mark" in refusal('姓名,电话\n"张三,1\n李四,2\n'.encode(), "a.csv")


def test_a_workbook_with_a_password_is_refused_in_words():
    name, other = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    at = OLD_EXCEL.index(name)
    locked = OLD_EXCEL[:at] + other + OLD_EXCEL[at + len(other):at + 64] + struct.pack("<H", 34) + OLD_EXCEL[at + 66:]
    assert "password" in refusal(locked)


def test_a_file_of_too_many_bytes_is_refused():
    assert "10 MB" in refusal(b"x" * (limits.MAX_FILE_BYTES + 1))


def test_too_many_rows_or_columns_are_refused():
    assert "20000 rows" in refusal("姓名,电话\n".encode() + b"a,1\n" * 20_001, "a.csv")
    assert "200 columns" in refusal(workbook([["姓名", "电话"] + ["x"] * 200]))


def test_exactly_the_allowed_rows_are_read():
    assert len(read("姓名,电话\n".encode() + b"a,1\n" * 20_000, "a.csv").rows) == 20_000


def repacked(data: bytes, part: str, change) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            packed.writestr(name, change(source.read(name)) if name == part else source.read(name))
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_zip_bomb_is_refused():
    bomb = repacked(workbook([["姓名", "电话"]]), SHEET, lambda xml: xml + b" " * (limits.MAX_UNPACKED_BYTES + 1))
    assert len(bomb) < limits.MAX_FILE_BYTES
    assert "too large" in refusal(bomb)


@pytest.mark.parametrize("far", [
    b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    b"<row r='1048576'><c  r = 'XFD1048576' t='n'><v>1</v></c></row>",
    b'<row r="1048576"><c r="XFD1048576" cm="/>"><v>1</v></c></row>',
    b'<row r="1048576"><c><v>1</v></c></row><row r="3"><c r="XFD3"><v>1</v></c></row>'])
def test_a_cell_at_the_far_end_does_not_end_the_server(far):
    data = repacked(workbook([["姓名", "电话"], ["张三", "1"]]), SHEET,
                    lambda xml: xml.replace(b"</sheetData>", far + b"</sheetData>"))
    assert "too large" in refusal(data)


def test_empty_formatted_cells_at_the_far_end_do_no_harm():
    data = repacked(workbook([["姓名", "电话"], ["张三", "1"]]), SHEET, lambda xml: xml.replace(
        b"</sheetData>", b'<row r="1048576" s="0"><c r="XFD1048576" s="0" /></row></sheetData>'))
    assert len(read(data).rows) == 1


def test_a_cell_at_the_far_end_of_an_old_file_does_not_end_the_server():
    at = OLD_EXCEL.index(PHONE_RECORD) + 4
    assert "save it as .xlsx" in refusal(OLD_EXCEL[:at] + b"\xff\xff\xff\xff" + OLD_EXCEL[at + 4:], "名册.xls")


def open_document(rows: str) -> bytes:
    names = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
                     for short in ("office", "table", "text"))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest'
                                                 ':1.0"/>')
        packed.writestr("content.xml", f'<office:document-content {names}><office:body><office:spreadsheet>'
                        f'<table:table table:name="名册">{rows}</table:table></office:spreadsheet></office:body>'
                        '</office:document-content>')
    return target.getvalue()


def open_row(*texts: str, rows: int = 1, blanks: int = 0) -> str:
    cells = "".join(f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
                    for text in texts)
    left = f'<table:table-cell table:number-columns-repeated="{blanks}"/>' if blanks else ""
    return f'<table:table-row table:number-rows-repeated="{rows}">{left}{cells}</table:table-row>'


def test_an_open_document_is_read():
    rows = open_row("姓名", "电话") + open_row(rows=2, blanks=16384) + open_row("张三", "1")
    result = read(open_document(rows + open_row(rows=1_000_000, blanks=16384)), "名册.ods")
    assert [(row.number, row.values["name"]) for row in result.rows] == [(4, "张三")]


def test_an_open_document_that_repeats_itself_does_not_end_the_server():
    rows = open_row("姓名", "电话") + open_row("x", blanks=16000) + open_row("张三", rows=1_000_000)
    assert "too large" in refusal(open_document(rows), "名册.ods")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(OLD_EXCEL) - 1), st.binary(min_size=1, max_size=4))
def test_an_old_file_with_damaged_bytes_is_read_or_refused_in_words(at, noise):
    try:
        read(OLD_EXCEL[:at] + noise + OLD_EXCEL[at + len(noise):], "名册.xls")
    except ValidationError as fault:
        assert str(fault)


@pytest.mark.parametrize("header", ["姓 名", "姓名*", "★姓名", "姓\n名", "姓名：", "\ufeff姓名", "【姓名】"])
def test_headers_are_compared_without_what_varies(header):
    assert plain_header(header).strip("【】") == "姓名"
