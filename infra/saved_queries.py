"""Create the saved Logs Insights queries, one for each file in `aws/queries`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk.aws_logs import CfnQueryDefinition, ILogGroup
from constructs import Construct

from infra import console_urls
from infra.application import Application
from infra.names import Names

FOLDER: Final = Path(__file__).parent.parent / "aws" / "queries"
HEALTH_CHECK_PATH: Final = "{{health_check_path}}"
"""What stands in the files for the application's health check."""


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A Logs Insights query: the stem of its file's name, the title in its first line, and the whole text."""

    name: str
    title: str
    text: str

    @property
    def commands(self) -> str:
        """Return the text without its comments."""
        return "\n".join(line for line in self.text.splitlines() if not line.startswith("#"))

    def console_url(self, *, region: str, log_group: str) -> str:
        """Return the URL that opens the query in the CloudWatch console, without its comments."""
        return console_urls.logs_insights(region, query=self.commands, log_group=log_group)


def saved_queries(application: Application) -> dict[str, SavedQuery]:
    """Return the queries of `aws/queries` by name, for `application`."""
    return {path.stem: _parse(path, application) for path in sorted(FOLDER.glob("*.cwli"))}


def _parse(path: Path, application: Application) -> SavedQuery:
    text = path.read_text(encoding="utf-8").rstrip("\n").replace(HEALTH_CHECK_PATH, application.health_check_path)
    return SavedQuery(path.stem, text.partition("\n")[0].removeprefix("# "), text)


class SavedQueries(Construct):
    """Create a query definition from each file. It is free; running it costs $0.005 per GB scanned."""

    def __init__(self, scope: Construct, construct_id: str, *, names: Names, log_group: ILogGroup) -> None:
        super().__init__(scope, construct_id)

        for query in saved_queries(names.application).values():
            CfnQueryDefinition(
                self,
                query.name.title().replace("-", ""),
                name=f"{names.query_folder}/{query.title}",
                query_string=query.text,
                log_group_names=[log_group.log_group_name],
            )
