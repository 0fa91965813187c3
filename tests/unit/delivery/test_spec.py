"""Settings survive JSON, and what cannot be is refused with its name."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from rvos_core.delivery.spec import NAMED_SPECS, DeliverySpec
from rvos_core.errors import UserError

FULL = DeliverySpec(
    "exr", content="cutout", depth=32, alpha="straight", audio=False, start_number=1001, naming="{clip}.{frame:04}",
    objects="together", scale=2, start=3, stop=9, handles=2, rate=Fraction(24000, 1001), timing="constant",
    odd_size="crop", background=(1, 2, 3), compression="dwaa", linear=False,
)  # fmt: skip


@pytest.mark.parametrize("spec", [*NAMED_SPECS.values(), FULL])
def test_json_there_and_back(spec: DeliverySpec) -> None:
    assert DeliverySpec.from_json(spec.to_json()) == spec


def test_missing_settings_have_their_usual_values() -> None:
    assert DeliverySpec.from_dict({"format": "png"}) == DeliverySpec("png")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "betamax"), ("format", 3), ("format", None), ("content", "matte"), ("depth", 8), ("depth", "10"),
        ("alpha", "maybe"), ("rate", "0"), ("rate", "1/0"), ("rate", 25), ("scale", 3), ("start", -1), ("start", 1.5),
        ("handles", True), ("background", [0, 0, 999]), ("background", "black"), ("naming", "{nope}"),
        ("colour", "red"), ("version", 99), ("audio", "yes"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        DeliverySpec.from_dict({"format": "prores4444", name: value})
    assert caught.value.code in ("delivery.spec", "delivery.naming")
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '"x"', "null"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        DeliverySpec.from_json(text)


def test_the_kind_in_names_says_how_alpha_is_meant() -> None:
    assert DeliverySpec("prores4444").kind_token == "cutout_straight"
    assert DeliverySpec("exr", content="cutout").kind_token == "cutout_premult", "the convention of EXR"
    assert DeliverySpec("h264").kind_token == "preview"
    assert DeliverySpec("png").kind_token == "matte"
    assert json.loads(DeliverySpec("png").to_json())["version"] == 1
