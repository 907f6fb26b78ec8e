"""docs/deploy.svg is what the stacks create: `make picture` draws it anew."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from operations.picture.__main__ import PICTURE, picture
from operations.picture.graph import Box, Graph
from operations.picture.layout import Area, layout_of
from operations.picture.svg import svg_of

SVG = "{http://www.w3.org/2000/svg}"
LEFT, RIGHT = Box("A", "Left", (("Log group", 1),)), Box("A", "Right", (("X-Ray group", 3),))
OTHER = Box("B", "Other & more", (("ECS service", 1), ("IAM role", 2)))


def test_the_picture_is_that_of_the_stacks() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture()


def test_each_box_names_its_resources_and_each_reference_is_an_arrow() -> None:
    graph = Graph((LEFT, RIGHT, OTHER), {LEFT: (), RIGHT: (LEFT,), OTHER: (RIGHT, LEFT)})
    root = ElementTree.fromstring(svg_of(graph, layout_of(graph), "Title"))  # noqa: S314 - our own
    texts = [each.text for each in root.iter(f"{SVG}text")]
    roles, groups = "2 \N{MULTIPLICATION SIGN} IAM role", "3 \N{MULTIPLICATION SIGN} X-Ray group"
    assert texts == ["A", "B", "Left", "Log group", "Right", groups, "Other & more", "ECS service", roles]
    assert len(list(root.iter(f"{SVG}path"))) == 3 + 1  # and the arrow's head


def overlap(one: Area, other: Area) -> bool:
    apart = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not (apart or one.y + one.height <= other.y or other.y + other.height <= one.y)


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_no_two_boxes_overlap_and_each_is_in_its_zone(size: int) -> None:
    boxes = tuple(
        Box("A" if index % 3 else "B", str(index), (("Role", index),) * (index % 4 + 1)) for index in range(size)
    )
    references = {box: tuple(boxes[: index // 2]) for index, box in enumerate(boxes)}
    layout = layout_of(Graph(boxes, references | {boxes[0]: boxes[-1:]}))
    places = list(layout.boxes.items())
    assert not [1 for i, (_, one) in enumerate(places) for _, other in places[:i] if overlap(one, other)]
    for box, area in places:
        zone = layout.zones[box.stack]
        assert zone.x < area.x
        assert area.x + area.width < zone.x + zone.width
        assert zone.y < area.y
        assert area.y + area.height < zone.y + zone.height


def test_every_text_fits_its_box() -> None:
    longest = max(re.findall(r'class="note"[^>]*>([^<]+)<', Path(PICTURE).read_text("utf-8")), key=len)
    assert len(longest) <= 34
