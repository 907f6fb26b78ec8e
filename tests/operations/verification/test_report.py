"""The outcome is text, Markdown or JSON, and the exit status says whether something is wrong."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from operations.diagnosis.cause import Symptom
from operations.diagnosis.causes import key_placeholder, sidecar_stopped
from operations.diagnosis.facts import Exchange
from operations.traces.document import Place
from operations.verification.arrivals import Arrival, State
from operations.verification.document import PlaceRow, Verification
from operations.verification.kinds import Kind, Probe
from operations.verification.markdown import markdown
from operations.verification.options import Options, show
from operations.verification.sending import ProbeResult

TRACE_ID = "6b0c9784c338b87df32b35bd18a40b6f"
HOSTILE = "<script>|`x`\x1b[31m\n[a](b)"


def probe_result(kind: Kind = Kind.OK, status: int = 200) -> ProbeResult:
    exchange = Exchange(kind=kind.value, path="/", expected_status=200, status=status, trace_id=TRACE_ID)
    return ProbeResult(kind, Probe(kind=kind, path="/", status=200), exchange, was_sampled=True)


def arrival(place: Place, state: State = State.ARRIVED, kind: Kind = Kind.OK) -> Arrival:
    if state is not State.ARRIVED:
        return Arrival(place=place, kind=kind, trace_id=TRACE_ID, state=state)
    rate = 20.0 if place is Place.HONEYCOMB else None
    return Arrival(place=place, kind=kind, trace_id=TRACE_ID, state=state, delay=1.25, same_id=True, sample_rate=rate)


def healthy() -> Verification:
    rows = [PlaceRow(place=place, arrivals=[arrival(place)], url=f"https://{place}/trace") for place in Place]
    return Verification(url="https://shop", name="Shop dev", version="v2", results=[probe_result()], rows=rows)


def without_xray() -> Verification:
    row = PlaceRow(place=Place.XRAY, arrivals=[arrival(Place.XRAY, State.MISSING)])
    diagnosis = sidecar_stopped.CAUSE.diagnosis(
        [Symptom.XRAY],
        sidecar="xray-daemon",
        task="3f2a",
        exit=" with exit code 0",
        output="",
        cluster="c",
        service="s",
    )
    verification = healthy()
    rows = [row if each.place is Place.XRAY else each for each in verification.rows]
    return replace(verification, rows=rows, diagnoses=[diagnosis], unchecked=["the X-Ray groups: needs the action x"])


def with_placeholder() -> Verification:
    row = PlaceRow(place=Place.ROLLBAR, state=State.OFF, note="ROLLBAR_ACCESS_TOKEN still holds its placeholder")
    note = key_placeholder.CAUSE.diagnosis(
        [Symptom.ROLLBAR],
        is_intended=True,
        variable="X",
        placeholder="replace-me",
        place="Rollbar",
        secrets="make secrets",
    )
    verification = healthy()
    return replace(verification, rows=[*verification.rows[:-1], row], diagnoses=[note])


def shown(verification: Verification, options: Options | None = None) -> tuple[int, str]:
    stream = io.StringIO()
    status = show(verification, options or Options(wait=1), stream)
    return status, stream.getvalue()


def test_a_healthy_deployment_is_a_table_and_a_sentence() -> None:
    status, text = shown(healthy())
    assert status == 0
    assert text.splitlines()[1].split() == ["Place", "Arrived", "Same", "id", "After", "Sample", "rate", "Link"]
    honeycomb = next(line for line in text.splitlines() if line.startswith("Honeycomb "))
    assert honeycomb.split() == [
        "Honeycomb",
        "1",
        "of",
        "1",
        "yes",
        "1.2",
        "s",
        "1",
        "in",
        "20",
        "https://honeycomb/trace",
    ]
    assert text.endswith(
        "✓ Honeycomb, X-Ray, CloudWatch Logs and Rollbar have every request under the id of its response.\n"
    )


def test_what_is_missing_is_named_with_its_cause_and_what_could_not_be_checked() -> None:
    status, text = shown(without_xray())
    assert status == 1
    lines = text.partition("✗ ")[2].splitlines()
    assert lines[:3] == ["X-Ray lacks the ok request", "", "Cause: Sidecar stopped"]
    assert lines[3].startswith("  xray-daemon of the task 3f2a is STOPPED with exit code 0 while the service")
    assert (
        "  Remedy: Replace the tasks: `aws ecs update-service --cluster c --service s --force-new-deployment`." in text
    )
    assert lines[-4:] == [
        "  See docs/runbook.md#sidecar-stopped",
        "",
        "Could not check",
        "  the X-Ray groups: needs the action x",
    ]
    assert max(map(len, lines)) <= 120


def test_a_sink_that_is_off_for_want_of_a_key_is_a_note() -> None:
    status, text = shown(with_placeholder())
    assert status == 0
    assert "Note: Key still the placeholder\n" in text
    assert "✓ Honeycomb, X-Ray and CloudWatch Logs have every request" in text


def test_without_a_cause_it_says_so() -> None:
    status, text = shown(replace(without_xray(), diagnoses=[], unchecked=[]))
    assert status == 1
    assert "No cause was found\n" in text


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        (arrival(Place.XRAY, State.NOT_SAMPLED), None),
        (replace(arrival(Place.XRAY), same_id=False), "X-Ray has another trace id"),
        (
            replace(arrival(Place.XRAY, State.NOT_CHECKED), note="X-Ray cannot be read. Use others"),
            "X-Ray cannot be read: X-Ray cannot be read. Use others",
        ),
    ],
)
def test_what_is_a_failure(changed: Arrival, failure: str | None) -> None:
    verification = replace(healthy(), rows=[PlaceRow(place=Place.XRAY, arrivals=[changed])])
    assert verification.failures == ([failure] if failure else [])
    assert shown(verification)[0] == (1 if failure else 0)


def test_the_document_has_the_places_and_the_root_cause_first() -> None:
    status, text = shown(without_xray(), Options(wait=1, json=True))
    document = json.loads(text)
    assert (status, document["ok"]) == (1, False)
    assert [(each["place"], each["state"]) for each in document["places"]] == [
        ("honeycomb", "arrived"),
        ("xray", "missing"),
        ("cloudwatch", "arrived"),
        ("rollbar", "arrived"),
    ]
    assert document["diagnoses"][0]["cause"] == "sidecar-stopped"
    assert document["diagnoses"][0]["runbook"] == "docs/runbook.md#sidecar-stopped"
    assert document["requests"][0]["trace_id"] == TRACE_ID


def test_markdown_is_written_to_a_file_and_to_the_summary_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, summary = tmp_path / "comment.md", tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    shown(without_xray(), Options(wait=1, markdown=file))
    text = file.read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8") == f"before\n{text}"
    assert text.startswith("### ❌ `make verify` of Shop dev\n")
    assert "| X-Ray | 0 of 1 | - | - | - |  |" in text
    assert "**Cause: Sidecar stopped.**" in text


def test_what_arrived_over_the_network_is_text() -> None:
    failed = replace(
        probe_result(status=500),
        exchange=replace(
            probe_result().exchange or Exchange(kind="ok", path="/", expected_status=200),
            body=HOSTILE,
            error=HOSTILE,
            status=None,
        ),
    )
    verification = replace(healthy(), results=[failed], problems=[f"GET / got no response: {HOSTILE}"], version=HOSTILE)
    text = markdown(verification)
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\x1b" not in shown(verification)[1]
