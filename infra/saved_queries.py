"""Save the questions that people ask of the log lines: one file each in `aws/queries`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk.aws_logs import CfnQueryDefinition, ILogGroup
from constructs import Construct

from infra import console_urls

FOLDER: Final = Path(__file__).parent.parent / "aws" / "queries"
NAMESPACE: Final = "Cruddur"
"""The folder in the console's list of saved queries: what stands before the slash of a name."""


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

    def console_link(self, *, region: str, log_group: str) -> str:
        """Return the address that opens the query in the CloudWatch console, short of its comments."""
        return console_urls.logs_insights(region, query=self.commands, log_group=log_group)


def saved_queries() -> dict[str, SavedQuery]:
    """Return the queries of `aws/queries` by name."""
    return {each.stem: _read(each) for each in sorted(FOLDER.glob("*.cwli"))}


def _read(path: Path) -> SavedQuery:
    text = path.read_text(encoding="utf-8").rstrip("\n")
    return SavedQuery(path.stem, text.partition("\n")[0].removeprefix("# "), text)


class SavedQueries(Construct):
    """Create a query definition from each file. They cost nothing; running one costs $0.005 per GB that it scans."""

    def __init__(self, scope: Construct, construct_id: str, *, log_group: ILogGroup) -> None:
        super().__init__(scope, construct_id)

        for query in saved_queries().values():
            CfnQueryDefinition(
                self,
                query.name.title().replace("-", ""),
                name=f"{NAMESPACE}/{query.title}",
                query_string=query.text,
                log_group_names=[log_group.log_group_name],
            )
