"""Files to keep: a server takes header lines of Latin letters only, a test client takes anything."""
from __future__ import annotations

import re

import pytest

from core.testing.place import Place

HEADER = r"[ \t\x21-\x7e\x80-\xff]*"


@pytest.mark.parametrize(("address", "data"), [
    ("/upper/residents/import/template/?sheet=residents", None),
    ("/upper/canteen/day/excel/", {}),
    ("/upper/canteen/month/excel/", {}),
])
def test_a_file_with_a_chinese_name_has_a_header_that_servers_take(place: Place, address: str, data: dict) -> None:
    staff = place.browser("staff.upper")
    answer = staff.get(address) if data is None else staff.post(address, data)
    header = answer.headers["Content-Disposition"]
    assert answer.status_code == 200
    assert re.fullmatch(HEADER, header) and "filename*=UTF-8''%" in header
