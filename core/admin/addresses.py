"""The addresses of a page's links: a list has a hundred, and building each anew took a quarter of the page's time."""
from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, has_request_context, request

MOST_KEPT = 5_000
SAFE = "!$'()*,/:;?@"  # as werkzeug leaves them in the query


class AddressedFlask(Flask):
    """Flask that keeps the path of an address once it was built; the query is added each time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paths: dict[tuple[Any, ...], str] = {}
        self._names: dict[str, frozenset[str] | None] = {}

    def url_for(
        self, /, endpoint: str, *, _anchor: str | None = None, _method: str | None = None, _scheme: str | None = None,
        _external: bool | None = None, **values: Any,
    ) -> str:
        """As Flask's, which answers what is unusual: outside a request, `_external` and the like, several rules."""
        if _anchor or _method or _scheme or _external or not has_request_context():
            return super().url_for(
                endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values)
        if endpoint == "static" and values.keys() == {"filename"}:  # every icon of a page names the same file
            return self._of_file(values["filename"])
        if endpoint[0] == ".":
            endpoint = f"{request.blueprint or ''}{endpoint}".removeprefix(".")
        self.inject_url_defaults(endpoint, values)
        names = self._path_names(endpoint)
        if names is None or not names <= values.keys():
            return super().url_for(endpoint, **values)
        path = self._path(endpoint, {name: values.pop(name) for name in names})
        asked = {name: value for name, value in values.items() if value is not None}
        return f"{path}?{urlencode(asked, doseq=True, safe=SAFE)}" if asked else path

    def _of_file(self, filename: str) -> str:
        key = (request.script_root, "static", filename)
        if key not in self._paths:
            self._paths[key] = super().url_for("static", filename=filename)
        return self._paths[key]

    def _path(self, endpoint: str, values: dict[str, Any]) -> str:
        key = (request.script_root, endpoint, *values.values())
        if key not in self._paths:
            if len(self._paths) > MOST_KEPT:
                self._paths.clear()
            self._paths[key] = super().url_for(endpoint, **values).partition("?")[0]  # defaults may add a query again
        return self._paths[key]

    def _path_names(self, endpoint: str) -> frozenset[str] | None:
        """The names in the path of an endpoint; None where it has several (an overridden view is there twice)."""
        if endpoint not in self._names:
            rules = list(self.url_map.iter_rules(endpoint)) if endpoint in self.view_functions else []
            same = len({rule.rule for rule in rules}) == 1
            self._names[endpoint] = frozenset(rules[0].arguments) if same else None
        return self._names[endpoint]
