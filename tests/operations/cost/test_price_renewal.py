"""`make prices RENEW=1` reads a price list from a server on 127.0.0.1, and on any doubt leaves the file as it is."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from local.fakes.server import LocalServer
from operations.cost.prices import file as price_file
from operations.cost.prices import price_list, prices
from operations.cost.prices.keys import KEYS, PriceListRow
from operations.cost.prices.price_list import read_offer
from operations.cost.prices.prices import UNRECORDED, Price, Prices, Tier
from operations.cost.prices.report import main
from operations.errors import OperatorError
from tests.operations.cost.price_list_server import PUBLISHED, VERSION, PriceList, Row, list_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SHIPPED_FOLDER = prices.FOLDER
SHIPPED = prices.load("us-east-1")
TODAY = datetime.now(UTC).date()
LISTED = [key for key, each in KEYS.items() if each.row]
Serve = Callable[[PriceList], str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The price files of a checkout: that of us-east-1 only."""
    folder = tmp_path / "prices"
    folder.mkdir()
    (folder / "us-east-1.toml").write_text((prices.FOLDER / "us-east-1.toml").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(prices, "FOLDER", folder)
    return folder


@pytest.fixture
def serve(socket_enabled: None) -> Iterator[Serve]:  # noqa: ARG001 - it listens on 127.0.0.1
    servers: list[LocalServer] = []

    def start(offered: PriceList) -> str:
        servers.append(LocalServer(offered.app()))
        return servers[-1].url

    yield start
    for server in servers:
        server.close()


def rows_of_offer(offer: str) -> dict[str, PriceListRow]:
    return {key: row for key in LISTED if (row := KEYS[key].row) and row.offer == offer}


def renewed(url: str, region: str = "us-east-1") -> int:
    return main(["--renew", "--region", region, "--list", url], today=TODAY)


def refused(url: str, folder: Path, capsys: pytest.CaptureFixture[str], region: str = "us-east-1") -> str:
    """Return the one line of an error, after which the files are as they were."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert renewed(url, region) == 2
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    captured = capsys.readouterr()
    assert captured.out == ""
    error = captured.err.splitlines()[-1]
    assert error.startswith("error: ")
    assert captured.err.count("error: ") == 1
    return error


def test_an_unchanged_list_renews_the_dates_and_nothing_else(
    serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = list_of(SHIPPED)
    assert renewed(serve(offered)) == 0
    after = prices.load("us-east-1")
    assert [*after.by_key] == [*SHIPPED.by_key]
    for key, price in after.by_key.items():
        before = SHIPPED[key]
        if KEYS[key].row is None:
            assert price == before
            continue
        assert (price.read_on, price.stated_on) == (TODAY, date.fromisoformat(PUBLISHED))
        assert f"/{VERSION}/us-east-1/index.csv" in price.source
        dates = {name: getattr(before, name) for name in ("read_on", "stated_on", "source", "list_url")}
        assert replace(price, **dates) == before
    captured = capsys.readouterr()
    assert captured.out.strip() == f"aws/prices/us-east-1.toml: 0 changed, {len(LISTED)} the same, 7 kept."
    assert sorted(offered.asked) == sorted({row.offer for each in KEYS.values() if (row := each.row)})
    assert [path.name for path in folder.iterdir()] == ["us-east-1.toml"]


def test_a_second_renewal_of_the_same_day_writes_the_same_file(serve: Serve, folder: Path) -> None:
    url = serve(list_of(SHIPPED))
    assert renewed(url) == 0
    first = (folder / "us-east-1.toml").read_bytes()
    assert renewed(url) == 0
    assert (folder / "us-east-1.toml").read_bytes() == first


def test_each_change_is_shown_and_written(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    offered = list_of(SHIPPED)
    offered.rows["AWSXRay"] = [row for row in offered.rows["AWSXRay"] if "Accessed" not in row.usage_type]
    offered.rows["AWSELB"] = [
        replace(row, usd="0.03") if row.usage_type == "USE1-LoadBalancerUsage" else row
        for row in offered.rows["AWSELB"]
        if row.usd != "777.0"
    ]
    assert renewed(serve(offered)) == 0
    output = capsys.readouterr().out
    assert "alb-hour: $0.0225 -> $0.03 per hour\n" in output
    kept = SHIPPED["xray-retrieved-million"]
    assert f"xray-retrieved-million: not found in the list, kept as of {kept.as_of}\n" in output
    assert f": 1 changed, {len(LISTED) - 2} the same, 8 kept." in output
    after = prices.load("us-east-1")
    assert after["alb-hour"].tiers == (Tier(0, 0.03),)
    assert after["alb-hour"].second_source == ""  # what the other page states is another price
    assert after["xray-retrieved-million"] == kept


@pytest.mark.parametrize("prefix", ["", "USE1-", "APS2-", "EU-", "EUC1-", "ap-southeast-2-"])
def test_a_region_without_a_file_gets_one(
    prefix: str, serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = list_of(SHIPPED, prefix)
    offered.region = "ap-southeast-2"
    offered.rows = {
        offer: [replace(row, region="ap-southeast-2") for row in rows if row.region == "us-east-1"]
        for offer, rows in offered.rows.items()
    }
    assert renewed(serve(offered), "ap-southeast-2") == 0
    assert (folder / "ap-southeast-2.toml").stat().st_mode & 0o777 == 0o644
    made = prices.load("ap-southeast-2")
    assert {*made.by_key} == {*LISTED, "dashboard-month", "xray-insights-trace-million"}
    assert all(made[key].tiers == SHIPPED[key].tiers and made[key].free == SHIPPED[key].free for key in LISTED)
    assert "alb-hour: new, $0.0225 per hour\n" in capsys.readouterr().out


def test_a_region_without_a_list_is_named(serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(serve(list_of(SHIPPED)), folder, capsys, "xx-north-9")
    assert "/xx-north-9/index.csv does not exist (404). Check the name of the region" in error


def test_an_unreachable_network_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], socket_enabled: None
) -> None:
    del socket_enabled
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}", folder, capsys)
    assert "cannot be read to its end (ConnectionError after 0 bytes). Check the network or its proxy" in error


def test_a_server_in_trouble_is_named(serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(serve(replace(list_of(SHIPPED), status=503)), folder, capsys)
    assert "answered 503. Try again later" in error


def test_a_body_that_is_cut_off_is_named(serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(serve(replace(list_of(SHIPPED), missing_bytes=1)), folder, capsys)
    assert "/index.csv cannot be read to its end (" in error
    assert "try again" in error


def test_a_body_that_ends_anywhere_within_a_row_is_refused(serve: Serve) -> None:
    offered = list_of(SHIPPED)
    whole = offered.text("AWSELB")
    url = serve(offered)
    rows = rows_of_offer("AWSELB")
    last_row = whole.rindex("\n", 0, -1) + 1
    for end in range(last_row + 1, len(whole) - 1):
        offered.texts["AWSELB"] = whole[:end]
        with pytest.raises(OperatorError, match=r"is cut off: .*\. Try again"):
            read_offer("AWSELB", "us-east-1", rows, base=url)
    offered.texts["AWSELB"] = whole[:-1]  # the last line's end is none of its content
    assert {*read_offer("AWSELB", "us-east-1", rows, base=url)} == {*rows}


Change = Callable[[Row], list[Row]]


def changed_rows(usage_type: str, offer: str, change: Change) -> PriceList:
    offered = list_of(SHIPPED)
    offered.rows[offer] = [
        each
        for row in offered.rows[offer]
        for each in (change(row) if row.usage_type == usage_type and row.sku != "OTHER00000000000" else [row])
    ]
    return offered


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        pytest.param(lambda row: [replace(row, unit="Minutes")], ["'Minutes'", "'Hrs'", "keys.py"], id="another unit"),
        pytest.param(lambda row: [replace(row, usd="0.226")], ["$0.226", "$0.0225", "by hand"], id="ten times"),
        pytest.param(lambda row: [replace(row, usd="0.0022")], ["$0.0022", "$0.0225", "by hand"], id="a tenth"),
        pytest.param(lambda row: [replace(row, usd="0.0")], ["$0", "$0.0225", "by hand"], id="nothing"),
        pytest.param(
            lambda row: [row, replace(row, sku="SECOND0000000000", usd="0.03")],
            ["2 products", "SECOND0000000000 $0.03 a Hrs", "`columns`"],
            id="two products",
        ),
        pytest.param(
            lambda row: [row, replace(row, sku="SECOND0000000000", unit="LCU-Hrs")], ["2 products"], id="two units"
        ),
        pytest.param(lambda row: [row, replace(row, usd="0.03")], ["tiers from 0, 0"], id="two rows of one tier"),
        pytest.param(lambda row: [replace(row, start="10")], ["tiers from 10"], id="no first tier"),
        pytest.param(lambda row: [replace(row, currency="CNY")], ["CNY"], id="currency"),
        pytest.param(lambda row: [replace(row, usd="n/a")], ["'n/a'"], id="no number"),
        pytest.param(lambda row: [replace(row, usd="NaN")], ["'NaN'"], id="NaN"),
        pytest.param(lambda row: [replace(row, usd="-1")], ["'-1'"], id="negative"),
        pytest.param(lambda row: [replace(row, start="x")], ["from 'x'"], id="no start"),
    ],
)
def test_a_row_that_cannot_be_the_same_price_is_named_with_its_key(
    change: Change, shown: list[str], serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(serve(changed_rows("USE1-LoadBalancerUsage", "AWSELB", change)), folder, capsys)
    assert "alb-hour: " in error
    assert [text for text in shown if text not in error] == []


def test_a_product_that_is_listed_twice_alike_is_one_price(serve: Serve) -> None:
    twice = changed_rows(
        "USE1-LoadBalancerUsage", "AWSELB", lambda row: [row, row, replace(row, sku="SECOND0000000000")]
    )
    assert renewed(serve(twice)) == 0
    assert prices.load("us-east-1")["alb-hour"].tiers == SHIPPED["alb-hour"].tiers


def test_what_another_source_states_remains_while_the_price_does(serve: Serve, folder: Path) -> None:
    alb = replace(SHIPPED["alb-hour"], conflict="$0.03 on another page")
    price_file.write(folder / "us-east-1.toml", Prices("us-east-1", {**SHIPPED.by_key, "alb-hour": alb}))
    assert renewed(serve(list_of(SHIPPED))) == 0
    assert prices.load("us-east-1")["alb-hour"].conflict == "$0.03 on another page"


def test_a_first_tier_for_nothing_is_the_accounts_allowance(serve: Serve) -> None:
    def with_allowance(row: Row) -> list[Row]:
        return [replace(row, start="0", usd="0.0"), replace(row, start="100")]

    offered = changed_rows("USE1-LoadBalancerUsage", "AWSELB", with_allowance)
    assert renewed(serve(offered)) == 0
    after = prices.load("us-east-1")["alb-hour"]
    assert (after.tiers, after.free) == (SHIPPED["alb-hour"].tiers, 100)


def test_a_usage_type_may_have_another_name(serve: Serve) -> None:
    offered = list_of(SHIPPED)
    offered.rows["AWSSecretsManager"] = [
        replace(row, usage_type=row.usage_type.replace("AWSSecretsManagerAPIRequest", "AWSSecretsManager-APIRequests"))
        for row in offered.rows["AWSSecretsManager"]
    ]
    assert renewed(serve(offered)) == 0
    assert prices.load("us-east-1")["secrets-request"].stated_on == date.fromisoformat(PUBLISHED)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "does not begin as a price list"),
        ("<html>\n" * 100, "does not begin as a price list"),
        ('"Version","1"\n"SKU","TermType"\n', "has no column currency"),
        ('"Version","1"\n' + PriceList().text("X").splitlines()[-1] + "\n", "does not begin as a price list"),
        (PriceList().text("X").replace(PUBLISHED, "yesterday"), "does not begin as a price list"),
        (PriceList().text("X").replace(PUBLISHED, "2099-01-01"), "does not begin as a price list"),
        (PriceList().text("X").replace(VERSION, "\x1b[31m"), "does not begin as a price list"),
        ('\x00\xff\n"', "does not begin as a price list"),
        ("x" * 200_001 + "\n", "does not begin as a price list"),
        (PriceList().text("X"), "is cut off"),
    ],
    ids=["empty", "page", "columns", "no date", "no day", "a day to come", "no version", "bytes", "one cell", "no row"],
)
def test_another_form_is_refused(
    text: str, shown: str, serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = list_of(SHIPPED)
    offered.texts["AWSELB"] = text
    error = refused(serve(offered), folder, capsys)
    assert "/AWSELB/current/us-east-1/index.csv" in error
    assert shown in error
    assert "Try again" in error or "write prices by hand" in error


@pytest.mark.parametrize(
    ("limit", "value", "shown"),
    [
        ("MAX_BYTES", 1000, "was given up after"),
        ("MAX_SECONDS", -1.0, "given up"),
        ("MAX_LINE_BYTES", 100, "a line of"),
    ],
)
def test_a_list_is_read_within_limits(
    limit: str, value: float, shown: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_list, limit, value)
    offered = list_of(SHIPPED)
    offered.texts["AWSELB"] = "x" * 2000
    with pytest.raises(OperatorError, match=shown):
        read_offer("AWSELB", "us-east-1", rows_of_offer("AWSELB"), base=serve(offered))


def test_a_list_with_none_of_the_prices_is_refused(
    serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = list_of(SHIPPED)
    offered.rows = {offer: [row for row in rows if row.usd == "777.0"] for offer, rows in offered.rows.items()}
    assert "us-east-1 have none of the usage types" in refused(serve(offered), folder, capsys)


def test_a_file_that_cannot_be_written_is_named_and_whole(
    serve: Serve, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(prices_to_write: Prices) -> str:
        del prices_to_write
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(price_file, "render", full)
    error = refused(serve(list_of(SHIPPED)), folder, capsys)
    assert "us-east-1.toml cannot be written (No space left on device)" in error


@pytest.mark.parametrize("arguments", [[], ["--region="], ["--region=../x"], ["--region=US East"]])
def test_a_renewal_wants_a_region(arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [*folder.iterdir()]
    assert main(["--renew", *arguments]) == 2
    assert "REGION=us-east-1" in capsys.readouterr().err
    assert [*folder.iterdir()] == before


def test_rows_as_aws_has_them_are_read(serve: Serve) -> None:
    """The SKUs, usage types, operations, units and prices are those of the lists of October 2026."""
    recorded = PriceList(
        rows={
            "AmazonEC2": [
                Row("M2YSHUBETB3JX4M4", "NatGateway-Hours", "Hrs", "0.0450000000", operation="NatGateway"),
                Row("59S5R83GFPUAGVR5", "NatGateway-Bytes", "GB", "0.0450000000", operation="NatGateway"),
            ],
            "AWSELB": [
                Row(
                    "37CUWUT8GSNQEPUV",
                    "LoadBalancerUsage",
                    "Hrs",
                    "0.0225000000",
                    operation="LoadBalancing:Application",
                ),
                Row("P2XGEJ8N3KU52WA8", "LCUUsage", "LCU-Hrs", "0.0080000000", operation="LoadBalancing:Application"),
                Row(
                    "OUTPOSTS00000000",
                    "Outposts-LoadBalancerUsage",
                    "Hrs",
                    "0.0",
                    operation="LoadBalancing:Application",
                ),
            ],
            "AmazonECS": [Row("8CESGAFWKAJ98PME", "USE1-Fargate-vCPU-Hours:perCPU", "hours", "0.0404800000")],
        }
    )
    url = serve(recorded)
    read = {}
    for offer in recorded.rows:
        read.update(read_offer(offer, "us-east-1", rows_of_offer(offer), base=url))
    assert {key: found.tiers for key, found in read.items()} == {
        key: SHIPPED[key].tiers
        for key in ("nat-gateway-hour", "nat-gateway-gb", "alb-hour", "alb-lcu-hour", "fargate-vcpu-hour-x86")
    }
    assert read["alb-hour"].source == f"{price_list.LIST}/offers/v1.0/aws/AWSELB/{VERSION}/us-east-1/index.csv"


def test_every_row_is_told_from_those_of_the_other_keys() -> None:
    """No key's pattern takes another key's row."""
    seen = [
        (row.offer, name, tuple(row.columns.items()))
        for each in KEYS.values()
        if (row := each.row)
        for name in filter(None, (row.usage_type, row.other_usage_type))
    ]
    assert len(seen) == len(set(seen))


def test_a_region_tells_ages_conflicts_and_second_sources(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alb, lcu = SHIPPED["alb-hour"], SHIPPED["alb-lcu-hour"]
    conflict = "$0.03 on another page"
    by_key: dict[str, Price] = {
        "alb-hour": replace(
            alb, read_on=date(2026, 6, 29), stated_on=date(2026, 1, 1), conflict=conflict, second_source=""
        ),
        "alb-lcu-hour": replace(lcu, read_on=date(2026, 6, 30), stated_on=None, source=UNRECORDED),
    }
    price_file.write(folder / "us-east-1.toml", Prices("us-east-1", by_key))
    assert main(["--region", "us-east-1"], today=date(2026, 6, 30)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"us-east-1      2 of {len(KEYS)} keys, read 2026-06-30, oldest 180 days old"
    assert f"  missing ({len(KEYS) - 2}): fargate-vcpu-hour-x86," in lines[1]
    assert lines[-4:] == [
        "  stated for no day (1): alb-lcu-hour",
        "  stated by one source (1): alb-hour",
        "  read where no address was kept (1): alb-lcu-hour",
        "  CONFLICT: alb-hour: $0.0225, $0.03 on another page",
    ]
    assert main([], today=date(2026, 7, 1)) == 0
    assert capsys.readouterr().out == f"{lines[0].replace('180', '181')}, 1 over 180\n"
    assert main(["--region", "us-east-1"], today=date(2026, 7, 1)) == 0
    assert "  stated more than 180 days ago: renew (1): alb-hour" in capsys.readouterr().out


def test_every_line_but_addresses_fits_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(prices, "FOLDER", SHIPPED_FOLDER)
    for arguments in ([], ["--all"], *(["--region", region] for region in prices.regions())):
        assert main(arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [each for each in lines if len(each) > 80 and "://" not in each] == []


def test_each_price_is_shown_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--all"]) == 0
    output = capsys.readouterr().out
    for price in SHIPPED.by_key.values():
        assert f"\n  {price.key}: $" in output
        assert f"\n    {price.source}\n" in output


def test_a_region_without_a_file_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--region", "xx-north-9"]) == 2
    assert capsys.readouterr().err.startswith("error: There are no prices of xx-north-9 ")
