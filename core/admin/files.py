"""Files that never change at their address: scripts, styles and icons of the core and of every plugin.

A plugin's folders `templates` and `static` are found by convention, the latter at /static/plugins/<plugin>/….
"""
from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request, send_from_directory
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.utils import safe_join

from core.admin.protection import STATIC, YEAR
from core.plugin_manager import PluginManager


def serve_files(app: Flask) -> None:
    """Serve the plugins' files too, and name the content of every file in its address (`?v=`)."""
    manager: PluginManager = app.extensions["jinlin_plugins"]
    folders = {name: folder for name in manager.names if (folder := manager.folder(name))}
    own = FileSystemLoader([str(folder / "templates") for folder in folders.values()])
    app.jinja_loader = ChoiceLoader([app.jinja_loader, own])  # type: ignore[list-item, misc]

    @app.route("/static/plugins/<plugin>/<path:filename>")
    def plugin_static(plugin: str, filename: str) -> Response:
        if plugin not in folders:
            abort(404)
        return send_from_directory(folders[plugin] / "static", filename)

    @cache
    def version(plugin: str | None, filename: str) -> str | None:
        folder = folders[plugin] / "static" if plugin else app.static_folder
        file = safe_join(str(folder), filename)
        return sha256(Path(file).read_bytes()).hexdigest()[:12] if file and Path(file).is_file() else None

    @app.url_defaults
    def name_content(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in STATIC and "v" not in values:
            values["v"] = version(values.get("plugin"), values["filename"])

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint in STATIC and response.status_code < 400 and "v" in request.args:
            asked = request.view_args or {}
            if request.args["v"] == version(asked.get("plugin"), asked["filename"]):
                response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return response
