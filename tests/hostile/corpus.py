"""What no office sends: values, raw pieces of addresses, bodies, headers. Nothing here is random; `shots` chooses."""
from __future__ import annotations

NUMBERS = [
    "0", "-1", "-0", "+1", "1", "2", "3", "1e9", "1.5", ".5", "1,5", "٣", "１２", "½", "NaN", "nan", "sNaN",
    "Infinity", "-inf",
    "0x10", "1_000", "007", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "-9223372036854775809", "1e400", "1e-400", "1E+999999999",
    "9" * 18, "9" * 19, "1" + "0" * 400, "0." + "0" * 400 + "1", "99999999.99", "0.005", "--1", "1 000", "-0.01",
]
DATES = [
    "0000-00-00", "0001-01-01", "1752-09-14", "9999-12-31", "10000-01-01", "292277-01-01", "2026-02-30", "2026-13-01",
    "2026-W01-1", "20261123", "2026-11-23T00:00", "2026-11", "0000-01", "9999-12", "2026-00", "-001-01-01",
    "2026-11-2３",
    "2026-11-22", "1900-01-01", "24:00", "99:99", "23:59:60", "00:00", "12:00", "2026/11/23", "31.12.2026", "now",
]
CONTROL = ["\x00", "a\x00b", "\x01", "\x1f", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe", "\r\n",
    "a\r\nSet-Cookie: x=1",
           "\t", "\x1b[31m", "\u200b", "\ud7ff", "𠮷䶮", "😀", "e\u0301" * 50, "\U0010ffff", "ﷺ" * 30, " ", "　",
           "İ", "ß", "ﬁ"]
SEARCHES = ["%", "_", "\\", "%%%", "\\%", "[a-z]", "*", "?", "' OR 1=1 --", "'; DROP TABLE resident; --", "\"",
    "')", "1) OR (1=1",
            "' UNION SELECT password_hash FROM user --", "$$", "/*", "{{7*7}}", "${7*7}", "#{7*7}", "{%", "%s",
            "%(x)s", "{0}", "%d%n",
            "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\", "file:///etc/passwd", "|id",
            "$(id)", "`id`",
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "__proto__",
            "__class__"]
WORDS = ["None", "null", "true", "false", "undefined", "[]", "[1]", "{}", "{\"a\":1}", "on", "y", "yes", "no",
    "all", "desc", "id",
         "community_id", "password_hash", "row_version", "name", "-name", "voided", "xlsx", "pdf", "exe", "delete",
         "restore", "="]
LONG = ["x" * 255, "王" * 61, "王" * 2000, "9" * 4000, "%" * 500, "a b " * 300, "\n" * 3000, "'" * 3000]
VALUES = [*NUMBERS, *DATES, *CONTROL, *SEARCHES, *WORDS, *LONG, ""]
HUGE = ["x" * 1_000_000, "9" * 1_000_000, "王" * 300_000, "%" * 1_000_000, "\x00" * 1_000_000]
RAW = [
    b"%", b"%%", b"%z", b"%zz", b"%2", b"%ff", b"%c0%80", b"%ed%a0%80", b"%f4%90%80%80", b"%00", b"%u0041",
    b"\xff\xfe", b"+", b";",
    b"&&&&", b"=", b"==", b"[]", b"[0]", b"%0d%0a", b"#", b"?", b"%25%30%30", b"%e2%28%a1", b"\x00",
]
ENDINGS = ["%", "%ff", "..", "%2e%2e/", "%00", ";a=b", "\\", "１", "9" * 30, "-1", "a" * 300]  # of a path
LIST_NAMES = ["page", "size", "sort", "desc", "search", "bin", "voided", "id", "name", "query", "field", "day",
    "month", "kind",
              "way", "q", "back", "back_reason", "plugin", "sheet", "state", "parent", "membership", "role", "next",
              "row",
              "columns", "saved", "export_type", "_method", "record_id", "user"]
NEVER_SHOWN = ["id", "community_id", "row_version", "deleted_at", "deleted_by", "voided_at", "voided_by",
    "created_at",
               "identity_hash", "search_key", "sort_key", "password_hash", "area_id", "user_id", "path", "is_admin"]
KINDS = [
    "application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "application/xml", "",
    "a/b; c=\"",
    "multipart/form-data; boundary=" + "b" * 300, "application/x-www-form-urlencoded; charset=nonsense",
]
BODIES = [
    b"", b"\x00", b"{}", b"[[[[[[", b'{"csrf_token": "x", "id": 1e999}', b"null", b"\xff\xfe\x00",
    b"<?xml version='1.0'?><a/>",
    b"a=1&a=2&a=%ff", b"=&=&=", b"&" * 5000, b"a[]=1&a[b][c]=2", b"--x\r\n\r\n--x--",
    b'--x\r\nContent-Disposition: form-data; name="id"\r\n\r\n1',
    b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../a\x00.xlsx"\r\n\r\nPK\x03\x04\r\n--x--\r\n',
    b"--x\r\n" + b"A: b\r\n" * 2000 + b"\r\n1\r\n--x--\r\n", b"[" * 20_000, b"--x\r\n" * 3000,
]
METHODS = ["HEAD", "OPTIONS", "PUT", "TRACE", "DELETE", "PATCH", "PROPFIND", "CONNECT", "GET", "POST", "get", "X"]
HEADERS = [
    ("Cookie", "jinlin=x; jinlin=y; ;;=;\x01"), ("Cookie", "jinlin=" + "." * 5000), ("Cookie",
    "jinlin=eyJhIjoxfQ.Zz.AA"),
    ("Accept-Language", "zh;q=x,*;q=-1,,\x7f"), ("Accept-Language", "x-" + "y" * 4000), ("Accept", "a/b;q=99,\\"),
    ("Range", "bytes=0-,9-1,-0"), ("Range", "bytes=9999999999-"), ("Range", "x" * 300), ("If-None-Match", "*"),
    ("If-None-Match", '"' * 300), ("If-Modified-Since", "Thu, 99 Foo 2026"), ("If-Modified-Since",
    "Sat, 01 Jan 99999 00:00:00 GMT"),
    ("If-Range", "?"), ("X-Forwarded-For", "'; --, 1.2.3.4"), ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "javascript"), ("X-Forwarded-Prefix", "/evil"), ("X-Original-Url", "/street/"),
    ("X-Rewrite-Url", "/street/"), ("X-Http-Method-Override", "DELETE"), ("Authorization", "Basic %%%"),
    ("Authorization", "x"),
    ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Expect", "100-continue"), ("Origin", "null"),
    ("Origin", "http://["),
    ("Referer", "http://["), ("Referer", "\x01"), ("Referer", "//"), ("User-Agent", "{{7*7}}"), ("Forwarded",
    "for=\"_x"),
    ("X-Requested-With", "fetch"), ("X-Requested-With", "XMLHttpRequest"), ("Accept-Encoding", "gzip;q=x"),
    ("Connection", "upgrade"),
    ("X-Csrftoken", "x"), ("Content-Encoding", "gzip"), ("Sec-Fetch-Site", "cross-site"), ("Date", "\t"),
]
FILES = [
    ("a.xlsx", b""), ("a.xlsx", b"PK\x03\x04" + b"\x00" * 200), ("a.xls",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 600),
    ("a.csv", "姓名,电话\r\n=1+1,\x00\r\n".encode()), ("a.csv", b"\xff\xfe\x00" * 50), ("../../../a.xlsx", b"x"),
    ("a" * 400, b"x"),
    ("a.exe", b"MZ"), ("a.svg", b"<svg onload=alert(1)>"), ("<script>.csv", b"a,b\n1,2"), ("名单\r\n.csv",
    "姓名\n王".encode()),
    ("a.csv", b'"' * 3000), ("a.csv", b"," * 50_000), (".csv", b"\n" * 9000), ("a.xlsx\x00.png", b"x"), ("a.zip",
    b"PK\x05\x06" + b"\0" * 18),
]
