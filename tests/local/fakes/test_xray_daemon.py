from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
import requests
from aws_xray_sdk.core.daemon_config import DaemonConfig
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.segment import Segment
from aws_xray_sdk.core.sampling import connector
from aws_xray_sdk.core.sampling.sampling_rule import SamplingRule

from local.fakes.server import LocalServer
from local.fakes.xray_daemon.daemon import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, XRayDaemon
from local.fakes.xray_daemon.segment_relay import UnreadableDatagramError, document_of
from tests.local.fakes.conftest import EmulatedXRay

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

HEADER = b'{"format":"json","version":1}\n'
SIGNED = "AWS4-HMAC-SHA256 Credential=local-fake-key/"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def daemon_for(endpoint: str) -> XRayDaemon:
    session = boto3.Session("local-fake-key", "local-fake-secret", region_name="us-east-1")
    return XRayDaemon(port=free_port(), endpoint=endpoint, session=session)


@pytest.fixture
def daemon(emulated_xray: EmulatedXRay) -> Iterator[XRayDaemon]:
    with closing(LocalServer(emulated_xray.app())) as emulator, closing(daemon_for(emulator.url)) as daemon:
        yield daemon


def send(daemon: XRayDaemon, *datagrams: bytes) -> None:
    port = int(daemon.url.rpartition(":")[2])
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", port))


def wait_for_counts(
    daemon: XRayDaemon, condition: Callable[[dict[str, Any]], bool], seconds: float = 15
) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        counts: dict[str, Any] = requests.get(f"{daemon.url}/daemon", timeout=60).json()
        if condition(counts) or time.monotonic() > deadline:
            return counts
        time.sleep(0.05)


def test_a_segment_of_the_sdks_emitter_is_forwarded_signed(daemon: XRayDaemon, emulated_xray: EmulatedXRay) -> None:
    segment = Segment("Backend-Flask")
    segment.close()

    emitter = UDPEmitter(daemon.url.removeprefix("http://"))
    with closing(emitter._socket):
        emitter.send_entity(segment)

    [document] = emulated_xray.wait_for_documents(1)
    assert document == segment.serialize()
    assert emulated_xray.authorizations[0].startswith(SIGNED)
    assert "/us-east-1/xray/" in emulated_xray.authorizations[0]


def test_segments_are_forwarded_in_batches_of_at_most_fifty(daemon: XRayDaemon, emulated_xray: EmulatedXRay) -> None:
    send(daemon, *[HEADER + b'{"id":"%d"}' % number for number in range(120)])

    documents = emulated_xray.wait_for_documents(120)

    assert len(set(documents)) == 120
    assert max(len(batch) for batch in emulated_xray.batches) <= 50
    assert len(emulated_xray.batches) < 20


def test_what_has_arrived_is_sent_before_the_end(emulated_xray: EmulatedXRay) -> None:
    with closing(LocalServer(emulated_xray.app())) as emulator:
        for number in range(5):
            # Right before the end: most are still in the socket's buffer.
            with closing(daemon_for(emulator.url)) as daemon:
                send(daemon, *(HEADER + b'{"id":"%d"}' % each for each in range(200)))
            assert len(emulated_xray.wait_for_documents(200 * (number + 1))) == 200 * (number + 1)


def test_datagrams_are_counted_by_outcome(daemon: XRayDaemon, emulated_xray: EmulatedXRay) -> None:
    send(daemon, HEADER + b'{"id":"ok"}', HEADER + b'{"id":"refuse-me"}', b"noise", b"\xff\n{}", HEADER + b"{")

    emulated_xray.wait_for_documents(2)

    counts = wait_for_counts(daemon, lambda counts: counts["sent"] == 1)
    assert counts == {"received": 5, "sent": 1, "dropped": 0, "malformed": 3, "rejected": {"TooLong": 1}}


def test_the_daemon_survives_an_unavailable_xray(daemon: XRayDaemon, emulated_xray: EmulatedXRay) -> None:
    emulated_xray.unavailable = True
    send(daemon, HEADER + b'{"id":"lost"}')
    counts = wait_for_counts(daemon, lambda counts: bool(counts["rejected"]), seconds=60)
    assert counts["rejected"] == {"ClientError": 1}

    emulated_xray.unavailable = False
    send(daemon, HEADER + b'{"id":"back"}')

    assert emulated_xray.wait_for_documents(1) == ['{"id":"back"}']


def test_a_short_outage_of_xray_loses_nothing(daemon: XRayDaemon, emulated_xray: EmulatedXRay) -> None:
    emulated_xray.unavailable = True
    send(daemon, HEADER + b'{"id":"early"}')
    wait_for_counts(daemon, lambda counts: counts["received"] == 1)
    emulated_xray.unavailable = False

    assert emulated_xray.wait_for_documents(1, seconds=30) == ['{"id":"early"}']


def test_the_sdks_connector_gets_rules_and_targets_through_the_proxy(
    daemon: XRayDaemon, emulated_xray: EmulatedXRay
) -> None:
    service = connector.ServiceConnector()
    service.setup_xray_client(
        ip="127.0.0.1", port=DaemonConfig(daemon.url.removeprefix("http://")).tcp_port, client=None
    )

    [rule] = service.fetch_sampling_rules()
    assert isinstance(rule, SamplingRule)
    assert (rule.name, rule.priority) == ("Cruddur", 9000)
    assert emulated_xray.authorizations[0].startswith(SIGNED)

    rule.increment_request_count()
    targets, _ = service.fetch_sampling_target([rule])
    assert targets["Cruddur"]["quota"] == 5


def test_the_proxy_answers_502_while_xray_is_unavailable() -> None:
    with closing(daemon_for(f"http://127.0.0.1:{free_port()}")) as daemon:
        response = requests.post(f"{daemon.url}/GetSamplingRules", json={}, timeout=15)

    assert response.status_code == 502
    assert "X-Ray does not answer" in response.text


def test_the_proxy_forwards_only_the_sampling_calls(daemon: XRayDaemon, emulated_xray: EmulatedXRay) -> None:
    response = requests.post(f"{daemon.url}/TraceSegments", json={"TraceSegmentDocuments": ["{}"]}, timeout=60)

    assert response.status_code == 404
    assert emulated_xray.batches == []


def listen_on_tcp_only() -> socket.socket:
    """Return a listening TCP socket whose port number is free for UDP."""
    for _ in range(20):
        listener = socket.create_server(("127.0.0.1", 0))
        try:
            bind_udp(listener.getsockname()[1])
        except OSError:
            listener.close()
        else:
            return listener
    raise AssertionError("no port is free for UDP")


def bind_udp(port: int) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind(("127.0.0.1", port))


def test_a_port_in_use_is_an_error_and_neither_side_stays_open() -> None:
    with closing(listen_on_tcp_only()) as listener:
        port = listener.getsockname()[1]
        session = boto3.Session("local-fake-key", "local-fake-secret", region_name="us-east-1")
        with pytest.raises(OSError, match="in use"):
            XRayDaemon(port=port, endpoint="http://127.0.0.1:9", session=session)
        bind_udp(port)


@pytest.mark.parametrize("datagram", [b"", b"{}", b'{"format":"json","version":2}\n{}', HEADER, HEADER + b"nonsense"])
def test_a_datagram_without_header_or_document_is_unreadable(datagram: bytes) -> None:
    with pytest.raises(UnreadableDatagramError):
        document_of(datagram)


def test_retries_and_timeouts_are_bounded() -> None:
    assert ATTEMPTS <= 5
    assert CONNECT_SECONDS + READ_SECONDS <= 10
