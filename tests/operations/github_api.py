"""A fake of GitHub's API for the comments of one pull request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request

from operations.pull_request_comment import AUTHOR

TOKEN = "ghs_planted_token"
REPOSITORY = "octo-org/octo-repo"
NUMBER = 7


class GitHubApi:
    """Comments with their authors; `writable` is what `pull-requests: write` gives."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.writable = True
        self.app = Flask("github")
        self.app.before_request(self._authenticate)
        base = f"/repos/{REPOSITORY}/issues"
        self.app.get(f"{base}/{NUMBER}/comments")(self._list)
        self.app.post(f"{base}/{NUMBER}/comments")(self._create)
        self.app.patch(f"{base}/comments/<int:identity>")(self._update)

    def add(self, body: str, author: str = AUTHOR) -> dict[str, Any]:
        identity = len(self.comments) + 1
        url = f"https://github.example/{REPOSITORY}/pull/{NUMBER}#issuecomment-{identity}"
        self.comments.append({"id": identity, "body": body, "user": {"login": author}, "html_url": url})
        return self.comments[-1]

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        """Return the variables of a step, with the event's payload in the folder."""
        event = folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": NUMBER, "title": "`$(touch x)`"}}), encoding="utf-8")
        return {
            "GITHUB_API_URL": url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_TOKEN": TOKEN,
        }

    def _authenticate(self) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            abort(401)
        if request.method != "GET" and not self.writable:
            abort(403)

    def _list(self) -> list[dict[str, Any]]:
        size, page = int(request.args["per_page"]), int(request.args["page"])
        return self.comments[size * (page - 1) : size * page]

    def _create(self) -> tuple[dict[str, Any], int] | Response:
        if len(self._body()) > 65_536:
            return Response('{"message": "Validation Failed: body is too long"}', status=422)
        return self.add(self._body()), 201

    def _update(self, identity: int) -> dict[str, Any]:
        comment = self.comments[identity - 1]
        comment["body"] = self._body()
        return comment

    def _body(self) -> str:
        assert request.json is not None
        body: str = request.json["body"]
        return body
