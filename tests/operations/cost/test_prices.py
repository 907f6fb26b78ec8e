"""Prices have a source, a date and a unit, cost what their tiers say, and yield to those of the user's own file."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from operations.cost.documentation.pages import PAGE
from operations.cost.prices import file as price_file
from operations.cost.prices import prices
from operations.cost.prices.keys import KEYS
from operations.cost.prices.prices import UNRECORDED, Price, Tier
from operations.errors import OperatorError
from operations.published import section

REGIONS = ["eu-central-1", "eu-west-1", "eu-west-2", "us-east-1", "us-west-2"]
SHIPPED = {region: prices.load(region) for region in REGIONS}
EACH = [
    pytest.param(price, id=f"{region}-{price.key}") for region in REGIONS for price in SHIPPED[region].by_key.values()
]
OWN = 'usd = 0.03\nunit = "vCPU-hour"\nsource = "our contract"\nread = 2026-11-30\n'
KEY = "fargate-vcpu-hour-x86"


def own_file(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def error_of(folder: Path, text: str, region: str = "us-east-1") -> str:
    with pytest.raises(OperatorError) as raised:
        prices.load(region, own_file(folder, text))
    message = str(raised.value)
    assert "\n" not in message
    assert str(folder / "own.toml") in message
    return message


def price_of(tiers: tuple[Tier, ...]) -> Price:
    shipped = SHIPPED["us-east-1"][KEY]
    return Price(key=KEY, unit="vCPU-hour", tiers=tiers, source=shipped.source, read_on=shipped.read_on)


def test_every_file_of_the_folder_is_a_region_that_is_tested() -> None:
    assert prices.regions() == REGIONS


@pytest.mark.parametrize("region", REGIONS)
def test_the_page_counts_the_sources_of_each_file(region: str) -> None:
    text = (prices.FOLDER / f"{region}.toml").read_text("utf-8")
    count = text.count("\nusd = ") + text.count("\ntiers = ")
    row = next(line for line in section(PAGE, "prices").splitlines() if line.startswith(f"| {region} "))
    cells = [each.strip() for each in row.strip("| ").split("|")]
    assert cells[1:4] == [
        f"{count} of {len(KEYS)}",
        str(text.count("\nsecond_source = ")),
        str(text.count(UNRECORDED)),
    ]
    assert text.count("\nsource = ") == text.count("\nread = ") == count


def test_the_reference_region_has_every_price() -> None:
    assert [*SHIPPED["us-east-1"].by_key] == [*KEYS]


@pytest.mark.parametrize("region", REGIONS)
def test_a_renewal_that_changes_nothing_changes_no_line(region: str) -> None:
    assert price_file.render(SHIPPED[region]) == (prices.FOLDER / f"{region}.toml").read_text("utf-8")


@pytest.mark.parametrize("price", EACH)
def test_a_price_has_its_source_date_unit_and_tiers_from_0(price: Price) -> None:
    assert price.unit == KEYS[price.key].unit
    assert price.source != UNRECORDED or price.list_url
    addresses = [each for each in (price.source, price.list_url, price.second_source) if each]
    assert len(set(addresses)) == len(addresses)
    for address in set(addresses) - {UNRECORDED}:
        assert re.fullmatch(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+/\S*", address)
        if "github.com/" in address:
            assert re.match(r"https://github\.com/[^/]+/[^/]+/blob/[0-9a-f]{40}/", address), "a file at a commit"
    assert price.stated_on is None or price.stated_on <= price.read_on <= datetime.now(UTC).date() + timedelta(days=1)
    starts = [tier.start for tier in price.tiers]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert all(tier.usd > 0 for tier in price.tiers)
    assert price.free >= 0


@pytest.mark.parametrize("price", EACH)
def test_a_cost_is_0_for_nothing_rises_with_the_quantity_and_has_no_jumps(price: Price) -> None:
    dearest = max(tier.usd for tier in price.tiers)
    generator = random.Random(price.key)
    quantities = sorted(
        [0.0, *(tier.start for tier in price.tiers), *(10 ** generator.uniform(-6, 9) for _ in range(50))]
    )
    assert price.cost(0) == 0
    for less, more in pairwise(quantities):
        rise = price.cost(more) - price.cost(less)
        assert -1e-9 <= rise <= (more - less) * dearest * (1 + 1e-9) + 1e-6


def test_a_cost_is_the_sum_of_its_units() -> None:
    generator = random.Random(7)
    for _ in range(200):
        starts = sorted({0, *(generator.randrange(1, 60) for _ in range(3))})
        tiers = tuple(Tier(float(start), generator.randrange(1, 100) / 64) for start in starts)
        quantity = generator.randrange(0, 80)
        by_unit = sum([each.usd for each in tiers if each.start <= unit][-1] for unit in range(quantity))
        assert price_of(tiers).cost(quantity) == by_unit


def test_the_users_own_price_is_used_and_the_others_remain(tmp_path: Path) -> None:
    loaded = prices.load("us-east-1", own_file(tmp_path, f"[{KEY}]\n{OWN}"))
    assert loaded[KEY].tiers == (Tier(0.0, 0.03),)
    assert loaded[KEY].source == "our contract"
    assert {**loaded.by_key, KEY: SHIPPED["us-east-1"][KEY]} == SHIPPED["us-east-1"].by_key


def test_an_own_file_is_enough_for_a_region_that_has_none(tmp_path: Path) -> None:
    loaded = prices.load("xx-north-9", own_file(tmp_path, f"[{KEY}]\n{OWN}"))
    assert loaded.region == "xx-north-9"
    assert [*loaded.by_key] == [KEY]


def test_an_own_file_prices_types_of_resources(tmp_path: Path) -> None:
    text = (
        '[resources."AWS::RDS::DBInstance"]\nmonthly = 15.33\nsource = "our agreement"\nread = 2026-11-30\n'
        '[resources."Custom::Nothing"]\nfree = "calls a function"\nsource = "our own"\nread = 2026-11-30\n'
    )
    own = prices.load("us-east-1", own_file(tmp_path, text)).own_resources
    assert own["AWS::RDS::DBInstance"].monthly == 15.33
    assert own["Custom::Nothing"].free == "calls a function"


def test_a_region_without_prices_names_those_that_have_some() -> None:
    with pytest.raises(
        OperatorError, match=r"no prices of xx-north-9 .*eu-west-1.*make prices RENEW=1 REGION=xx-north-9"
    ):
        prices.load("xx-north-9")


@pytest.mark.parametrize("region", REGIONS)
def test_a_price_that_a_region_lacks_is_named_when_it_is_needed(region: str) -> None:
    for key in KEYS.keys() - SHIPPED[region].by_key.keys():
        with pytest.raises(OperatorError, match=rf"{region} has no price '{key}'.*PRICES="):
            SHIPPED[region][key]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("usd = 0.03", "", "no usd"),
        ("usd = 0.03", 'usd = "0.03"', "usd = '0.03'"),
        ("usd = 0.03", "usd = true", "usd = True"),
        ("usd = 0.03", "usd = -0.03", "usd = -0.03"),
        ("usd = 0.03", "usd = nan", "usd = nan"),
        ("usd = 0.03", "usd = inf", "usd = inf"),
        ("usd = 0.03", "usd = 1e300", "usd = 1e+300"),
        ("usd = 0.03", f"usd = 1{'0' * 400}", "usd = 1000"),
        ("usd = 0.03", "usd = [0.03]", "usd = [0.03]"),
        ("usd = 0.03", "usd = 0.03\ntiers = [[0, 1]]", "usd and tiers"),
        ("usd = 0.03", "tiers = []", "tiers = []"),
        ("usd = 0.03", "tiers = 0.03", "tiers = 0.03"),
        ("usd = 0.03", "tiers = [[1, 0.03]]", "tiers = [[1, 0.03]]"),
        ("usd = 0.03", "tiers = [[0, 0.03], [0, 0.02]]", "tiers = [[0, 0.03], [0, 0.02]]"),
        ("usd = 0.03", "tiers = [[0, 0.03], [20, 0.02], [10, 0.01]]", "[10, 0.01]"),
        ("usd = 0.03", "tiers = [[0]]", "tiers = [[0]]"),
        ("usd = 0.03", "tiers = [[0, -1]]", "tiers = [[0, -1]]"),
        ("usd = 0.03", "tiers = [[0, nan]]", "tiers = [[0, nan]]"),
        ("usd = 0.03", 'tiers = [[0, "1"]]', "tiers = [[0, '1']]"),
        ('unit = "vCPU-hour"', "", "no unit"),
        ('unit = "vCPU-hour"', 'unit = "hour"', "unit = 'hour'"),
        ('source = "our contract"', "", "no source"),
        ('source = "our contract"', 'source = " "', "source = ' '"),
        ('source = "our contract"', "source = 7", "source = 7"),
        ("read = 2026-11-30", "", "no read"),
        ("read = 2026-11-30", 'read = "2026-11-30"', "read = '2026-11-30'"),
        ("read = 2026-11-30", "read = 2026-11-30T10:00:00Z", "read = datetime"),
        ("read = 2026-11-30", "read = 2099-01-01", "read = 2099-01-01"),
        ("read = 2026-11-30", "read = 0001-01-01", "read = 0001-01-01"),
        ("read = 2026-11-30", "read = 2026-11-30\nstated = 2099-01-01", "stated = 2099-01-01"),
        ("read = 2026-11-30", "read = 2026-11-30\nstated = 1", "stated = 1"),
        ("read = 2026-11-30", "read = 2026-11-30\nfree = -1", "free = -1"),
        ("read = 2026-11-30", "read = 2026-11-30\nnote = 1", "note = 1"),
        ("read = 2026-11-30", 'read = 2026-11-30\nused = "1"', "used = '1'"),
    ],
)
def test_a_bad_field_is_named_with_its_value(old: str, new: str, shown: str, tmp_path: Path) -> None:
    assert old in OWN
    error = error_of(tmp_path, f"[{KEY}]\n{OWN.replace(old, new)}")
    assert f"[{KEY}]" in error
    assert shown in error


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"[fargate-vcpu-hours-x86]\n{OWN}",
            "[fargate-vcpu-hours-x86] is no price. Did you mean [fargate-vcpu-hour-x86]?",
        ),
        (f'["a\\nb"]\n{OWN}', "['a\\nb'] is no price. The keys are those of aws/prices/us-east-1.toml"),
        (f"{KEY} = 0.03", f"[{KEY}] is 0.03. Write a table with usd"),
        ("resources = 1", "resources is 1"),
        ('[resources."AWS::X::Y"]\nsource = "x"', "neither monthly nor free"),
        ('[resources."AWS::X::Y"]\nmonthly = 1\nfree = "x"\nsource = "x"', "both monthly and free"),
        ('[resources."AWS::X::Y"]\nmonthly = 1', 'resources."AWS::X::Y"] has no source'),
        ('[resources."AWS::X::Y"]\nmonthly = -1\nsource = "x"', "monthly = -1"),
        ('[resources."AWS::X::Y"]\nmonthly = 1\nsource = "x"', 'resources."AWS::X::Y"] has no read'),
        ('[resources."AWS::X::Y"]\nmonthly = 1\nsource = "x"\nread = 2026-11-30\nregion = "x"', "region = 'x'"),
        ('[resources]\n"AWS::X::Y" = 1', 'resources."AWS::X::Y"] is 1'),
        ("usd = ", "cannot be read"),
        pytest.param(f"a = 1{'0' * 5000}", "cannot be read", id="digits"),
        pytest.param(f"a = {'[' * 20_000}", "cannot be read", id="brackets"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(text: str, shown: str, tmp_path: Path) -> None:
    assert shown in error_of(tmp_path, text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'note = "\xe9"')
    for path in (tmp_path, tmp_path / "missing.toml", tmp_path / "latin.toml"):
        with pytest.raises(OperatorError, match=f"{path} cannot be read"):
            prices.load("us-east-1", path)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    generator = random.Random(11)
    path = tmp_path / "us-east-1.toml"
    for _ in range(50):
        odd = "".join(chr(generator.choice([*range(32, 300), 0x2028, 0x1F600, 7, 10, 92, 34])) for _ in range(30))
        by_key = {
            key: Price(
                key=key,
                unit=KEYS[key].unit,
                tiers=tuple(
                    Tier(float(start), 10 ** generator.uniform(-9, 3)) for start in range(generator.randint(1, 3))
                ),
                source=f"https://x.example/{odd}",
                read_on=SHIPPED["us-east-1"][key].read_on,
                free=generator.choice([0.0, 5.0, 0.1]),
                note=odd if odd.strip() else "",
            )
            for key in generator.sample([*KEYS], 5)
        }
        price_file.write(path, prices.Prices("us-east-1", by_key))
        assert prices.read(path).by_key == by_key
    assert [*tmp_path.iterdir()] == [path]
