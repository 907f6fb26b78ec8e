"""Transaction Search keeps the spans in a log group, and X-Ray shows the indexed share only."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Transaction Search on",
    meaning="Transaction Search is on in {region}: X-Ray keeps every span in the log group aws/spans, and its groups,"
    " its trace map and its API show {share} of the traces, the indexed ones",
    remedy="Look traces up in CloudWatch, Transaction Search, or index more of them: `aws xray update-indexing-rule"
    ' --name Default --rule \'{{"Probabilistic":{{"DesiredSamplingPercentage":100}}}}\'`',
    evidence="`aws xray get-trace-segment-destination` says `CloudWatchLogs`",
    example={
        "region": "eu-central-1",
        "share": "1 %",
    },
)

ALL = 100.0


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where X-Ray misses requests and Transaction Search is on; as a note where it misses none."""
    if evidence.destination != "CloudWatchLogs":
        return
    share = evidence.indexed_percent
    is_missing = Symptom.XRAY in evidence.symptoms
    if share is not None and share >= ALL:
        return
    yield CAUSE.diagnosis(
        [Symptom.XRAY, Symptom.GROUP] if is_missing else [Symptom.GROUP],
        is_intended=not is_missing,
        region=evidence.region,
        share="a share (1 % by default)" if share is None else f"{share:g} %",
    )
