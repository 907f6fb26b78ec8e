"""What a request or a job does beyond its own thread is in its trace, with its id in the lines."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from flask import Flask, Response, copy_current_request_context, request, stream_with_context
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

from flask_onetrace.telemetry import carry, job, span, trace_id
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.tracing import get

log = logging.getLogger("shop")


@pytest.fixture(autouse=True)
def no_instrumentation_of_threads(app: Flask) -> Iterator[None]:  # noqa: ARG001 - it turns it on
    """Turn off what would carry the trace by itself."""
    instrumentor: Any = ThreadingInstrumentor()
    instrumentor.uninstrument()
    yield
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument()


def work() -> str | None:
    with span("work"):
        log.info("working")
        return trace_id()


def append_work(results: list[str | None]) -> None:
    results.append(work())


def in_a_thread() -> str | None:
    results: list[str | None] = []
    thread = threading.Thread(target=carry(append_work), args=[results])
    thread.start()
    thread.join()
    return results[0]


def in_a_timer() -> str | None:
    results: list[str | None] = []
    timer = threading.Timer(0, carry(append_work), [results])
    timer.start()
    timer.join()
    return results[0]


def in_a_pool() -> str | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(carry(work)).result()


def in_a_copied_context() -> str | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, work).result()


def in_an_event_loop() -> str | None:
    async def task() -> str | None:
        await asyncio.sleep(0)
        return work()

    async def tasks() -> str | None:
        return (await asyncio.gather(task(), asyncio.sleep(0)))[0]

    return asyncio.run(tasks())


def in_a_loops_thread() -> str | None:
    async def task() -> str | None:
        return await asyncio.to_thread(work)

    return asyncio.run(task())


def in_an_async_generator() -> str | None:
    async def generate() -> AsyncIterator[str | None]:
        with span("outer"):
            yield work()

    async def first() -> str | None:
        generator = generate()
        try:
            return await anext(generator)
        finally:
            await generator.aclose()  # type: ignore[attr-defined]  # an async generator has it

    return asyncio.run(first())


WAYS = [
    in_a_thread,
    in_a_timer,
    in_a_pool,
    in_a_copied_context,
    in_an_event_loop,
    in_a_loops_thread,
    in_an_async_generator,
]


def assert_recorded(backends: FakeBackends, digits: str, parent: str) -> None:
    """Assert that span and line of `work` are in the trace, the span beneath the one of that name."""
    spans = {each["span_id"]: each for each in eventually(lambda: backends.spans(digits), 2)}
    [inner] = [each for each in spans.values() if each["name"] == "work"]
    names = [spans[inner["parent_span_id"]]["name"]]
    while (outer := spans[inner["parent_span_id"]])["parent_span_id"] in spans:
        inner = outer
        names.append(spans[inner["parent_span_id"]]["name"])
    assert parent in names
    assert [line["message"] for line in eventually(lambda: backends.lines_of(digits), 1)].count("working") == 1


@pytest.mark.parametrize("way", WAYS)
def test_in_a_request(way: Callable[[], str | None], app: Flask, backends: FakeBackends) -> None:
    app.add_url_rule("/work", "work", lambda: str(way()))
    response = get(app, "/work")
    assert_recorded(backends, response.trace_id, "GET /work")


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("way", WAYS)
def test_in_a_job(way: Callable[[], str | None], backends: FakeBackends) -> None:
    with job("nightly"):
        digits = trace_id()
        assert digits == way()
    assert digits is not None
    assert_recorded(backends, digits, "nightly")


def test_flasks_request_and_the_trace_are_carried_together(app: Flask, backends: FakeBackends) -> None:
    @app.get("/work")
    def view() -> str:
        @copy_current_request_context
        def inner() -> str:
            work()
            return request.path

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(carry(inner)).result()

    response = get(app, "/work")
    assert_recorded(backends, response.trace_id, "GET /work")


def test_an_async_view(app: Flask, backends: FakeBackends) -> None:
    @app.get("/work")
    async def view() -> str:
        await asyncio.gather(asyncio.to_thread(work), asyncio.sleep(0))
        return "done"

    assert_recorded(backends, get(app, "/work").trace_id, "GET /work")


@pytest.mark.parametrize("wrapper", [stream_with_context, iter])
def test_a_stream_of_events(
    wrapper: Callable[[Iterator[str]], Iterator[str]], app: Flask, backends: FakeBackends
) -> None:
    @app.get("/work")
    def view() -> Response:
        def events() -> Iterator[str]:
            yield "data: 1\n\n"
            work()
            yield "data: 2\n\n"

        return Response(wrapper(events()), mimetype="text/event-stream")

    assert_recorded(backends, get(app, "/work").trace_id, "GET /work")


def test_a_thread_that_outlives_its_request_is_in_its_trace(app: Flask, backends: FakeBackends) -> None:
    may_begin = threading.Event()
    threads: list[threading.Thread] = []

    def late() -> None:
        may_begin.wait(5)
        work()

    @app.get("/work")
    def view() -> str:
        threads.append(threading.Thread(target=carry(late)))
        threads[0].start()
        return "accepted"

    response = get(app, "/work")
    may_begin.set()
    threads[0].join()
    assert_recorded(backends, response.trace_id, "GET /work")
    documents = eventually(lambda: backends.segments_of(response.trace_id), 2)
    assert {(each["name"], each.get("type")) for each in documents} == {
        ("Backend-Flask", None),
        ("work", "subsegment"),
    }


def test_a_thread_without_carry_has_a_trace_of_its_own(app: Flask) -> None:
    digits: list[str | None] = []

    @app.get("/work")
    def view() -> str:
        thread = threading.Thread(target=lambda: digits.append(work()))
        thread.start()
        thread.join()
        return "done"

    response = get(app, "/work")
    assert digits not in ([response.trace_id], [None])


def test_with_its_instrumentation_a_thread_continues_the_trace(app: Flask) -> None:
    ThreadingInstrumentor().instrument()
    digits: list[str | None] = []

    @app.get("/work")
    def view() -> str:
        thread = threading.Thread(target=append_work, args=[digits])
        thread.start()
        thread.join()
        return "done"

    assert get(app, "/work").trace_id == digits[0]


def test_the_callers_own_context_is_back_after_a_carried_call(app: Flask) -> None:  # noqa: ARG001 - installs the globals
    with job("first"):
        carried = carry(trace_id)
        first = trace_id()
    with job("second"):
        second = trace_id()
        assert carried() == first
        assert trace_id() == second
