"""Sheets in and out: read what an office really sends, write templates, exports and the list of wrong rows.

`cells`, `limits`, `reader` and `writer` are pure: bytes and values in, bytes and values out; no database, no request.
`planning`, `batches` and `models` bring what was read into the database; `roster` is the sheet of residents.
"""
