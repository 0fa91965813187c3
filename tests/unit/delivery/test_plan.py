"""Everything that can be known is told before the work starts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers_cli import write_clip
from helpers_delivery import DOG, moving_disc, picture_clip, plan_for
from rvos_core.delivery import plan_checks
from rvos_core.delivery.exporter import deliver
from rvos_core.delivery.naming import OutputName
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan, make_plan
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError
from rvos_core.media import open_media
from rvos_core.media.sniff import file_identity
from rvos_core.types import FrameSpan


def codes(plan: DeliveryPlan) -> list[str]:
    return [problem.code for problem in plan.problems]


def test_a_plan_writes_nothing_and_is_json(tmp_path: Path) -> None:
    import json

    info = picture_clip(tmp_path)
    plan = plan_for(tmp_path / "new" / "deep", info, format="prores4444")
    assert codes(plan) == []
    assert not list(tmp_path.iterdir())
    document = json.loads(json.dumps(plan.as_dict()))
    assert document["frames"] == 6
    assert document["outputs"] == [str(tmp_path / "new" / "deep" / "clip_dog_cutout_straight.mov")]
    assert plan.expected_bytes > 0 and plan.expected_s > 0


@pytest.mark.parametrize(
    ("name", "size", "choices"),
    [("h264", (65, 48), ("pad", "crop", "444")), ("h265", (8, 8), ("pad",)), ("prores4444", (65, 47), None)],
)
def test_sizes_that_an_encoder_refuses_come_with_choices(tmp_path: Path, name: str, size, choices) -> None:
    info = picture_clip(tmp_path, width=size[0], height=size[1])
    plan = plan_for(tmp_path, info, format=name)
    assert [problem.choices for problem in plan.blocking] == ([choices] if choices else [])
    for choice in choices or ():
        solved = plan_for(tmp_path / choice, info, format=name, odd_size=choice)
        assert not solved.blocking
        (done,) = deliver(solved, moving_disc(info))
        assert done.verification.is_right


def test_a_blocked_plan_does_not_start(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, picture_clip(tmp_path, width=65), format="h264")
    with pytest.raises(UserError, match="65x48") as caught:
        deliver(plan, moving_disc(plan.info))
    assert caught.value.code == "delivery.odd_size"
    assert not list(tmp_path.iterdir())


def test_names_that_collide_after_sanitising(tmp_path: Path) -> None:
    items = (DeliveryObject(1, "dog?"), DeliveryObject(2, "Dog*"))
    assert "delivery.same_name" in codes(plan_for(tmp_path, picture_clip(tmp_path), items=items, format="png"))
    numbered = plan_for(tmp_path, picture_clip(tmp_path), items=items, format="png", naming="{clip}_{id}.{frame:04}")
    assert codes(numbered) == []


def test_what_will_be_overwritten_and_what_would_be_lost(tmp_path: Path) -> None:
    info = picture_clip(tmp_path)
    (done,) = deliver(plan_for(tmp_path, info, format="png"), moving_disc(info))
    assert plan_for(tmp_path, info, format="png").replaces == (done.path,)
    (done.path / "holiday.jpg").write_bytes(b"x")
    assert codes(plan_for(tmp_path, info, format="png")) == ["files.foreign_files"]
    folder = tmp_path / "clip_dog_cutout_straight.mov"
    folder.mkdir()
    assert codes(plan_for(tmp_path, info, format="prores4444")) == ["files.is_a_folder"]


def test_a_path_of_three_hundred_characters_is_told(tmp_path: Path) -> None:
    plan = plan_for(tmp_path / ("x" * 150) / ("y" * 150), picture_clip(tmp_path), format="png")
    assert codes(plan) == ["delivery.long_name"]
    assert not plan.blocking
    (done,) = deliver(plan, moving_disc(plan.info))
    assert done.path.is_dir()


def test_a_name_that_no_disk_takes_and_a_file_in_the_way(tmp_path: Path) -> None:
    info = picture_clip(tmp_path)
    (tmp_path / "file").write_text("x")
    assert codes(plan_for(tmp_path / "file" / "out", info, format="png"))[0] in (
        "files.not_a_folder",
        "files.is_a_folder",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files, whoever asks")
def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    plan = plan_for(Path("/proc/self/rvos"), picture_clip(tmp_path), format="png")
    assert plan.blocking
    with pytest.raises(UserError):
        plan.raise_if_blocked()


def test_a_disk_with_too_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_core.delivery.plan.free_bytes", lambda folder: 1000)
    plan = plan_for(tmp_path, picture_clip(tmp_path), format="prores4444")
    assert [problem.code for problem in plan.blocking] == ["files.disk_full"]


def test_an_encoder_or_package_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_checks, "has_encoder", lambda codec: False)
    monkeypatch.setattr(plan_checks.importlib.util, "find_spec", lambda name: None)
    for name in ("prores4444", "exr", "tiff"):
        assert codes(plan_for(tmp_path, picture_clip(tmp_path), format=name)) == ["delivery.no_encoder"]
    assert codes(plan_for(tmp_path, picture_clip(tmp_path), format="png")) == []


def test_encoders_are_asked_for_by_name() -> None:
    assert plan_checks.has_encoder("prores_ks")
    assert not plan_checks.has_encoder("betamax")


def test_a_source_that_changed_since_and_objects_without_a_mask(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=3)
    before = file_identity(path)
    with open_media(path) as reader:
        info = reader.info
    spec = DeliverySpec("png")
    fine = make_plan(spec, info=info, objects=[DOG], folder=tmp_path, identity=before, masked_frames={1: 3})
    assert codes(fine) == []
    empty = make_plan(spec, info=info, objects=[DOG], folder=tmp_path, masked_frames={1: 0})
    assert (codes(empty), empty.blocking) == (["delivery.no_masks"], ())
    write_clip(path, frames=4)
    changed = make_plan(spec, info=info, objects=[DOG], folder=tmp_path, identity=before)
    assert [problem.code for problem in changed.blocking] == ["delivery.source_changed"]
    with pytest.raises(UserError) as caught:
        deliver(fine, moving_disc(info))
    assert caught.value.code == "delivery.source_changed"


def test_nothing_to_deliver(tmp_path: Path) -> None:
    info = picture_clip(tmp_path)
    with pytest.raises(UserError, match="no object"):
        plan_for(tmp_path, info, items=(), format="png")
    with pytest.raises(UserError, match="no frame"):
        plan_for(tmp_path, info, format="png", start=5, stop=5)


def test_notes_say_what_is_changed(tmp_path: Path) -> None:
    from fractions import Fraction

    info = replace(picture_clip(tmp_path), rotation_deg=90, sample_aspect=Fraction(4, 3))
    notes = " ".join(plan_for(tmp_path, info, format="prores4444").notes)
    assert "turned by 90" in notes and "square pixels" in notes


def test_damaged_parts_of_the_span_are_named(tmp_path: Path) -> None:
    holes = tuple(FrameSpan(start, start + 2) for start in (1, 5, 9, 13, 17))
    info = replace(picture_clip(tmp_path, frames=24), damaged=holes)
    (problem,) = plan_for(tmp_path, info, format="png").problems
    assert (problem.code, problem.blocks) == ("delivery.damaged_source", False)
    assert "frames 1 to 2, 5 to 6, 9 to 10 and 2 parts more: 10 of 24 pictures" in problem.message
    (problem,) = plan_for(tmp_path, info, format="png", start=6, stop=9).problems
    assert "frames 6 to 6: 1 of 3 pictures" in problem.message
    assert not plan_for(tmp_path, info, format="png", start=7, stop=9).problems
    (done,) = deliver(plan_for(tmp_path, info, format="png"), moving_disc(info))
    assert any("is damaged at frames" in note for note in done.notes)


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"format": "exr", "content": "cutout"}, "Colour is linear light, multiplied by alpha."),
        ({"format": "exr", "content": "cutout", "alpha": "straight"}, "Colour is linear light, straight."),
        (
            {"format": "exr", "content": "cutout", "linear": False},
            "Colour is as displayed (sRGB), not linear, multiplied by alpha.",
        ),
        ({"format": "exr", "content": "matte"}, ""),
        ({"format": "h264", "content": "cutout"}, "it lies on a background"),
        ({"format": "h265", "content": "matte"}, "the matte is a picture in video range"),
    ],
)
def test_notes_speak_of_what_is_in_the_file(tmp_path: Path, settings: dict[str, Any], note: str) -> None:
    plan = plan_for(tmp_path, picture_clip(tmp_path), **settings)
    told = " ".join(plan.notes)
    assert note in told
    assert ("olour" in told) == ("olour" in note) and ("background" in told) == ("background" in note)


def test_sequences_that_would_share_a_folder_are_told_how_to_get_one_each(tmp_path: Path) -> None:
    items = (DeliveryObject(1, "dog"), DeliveryObject(2, "cat"))

    def plan(naming: str, form: str = "png") -> DeliveryPlan:
        return plan_for(tmp_path, picture_clip(tmp_path), items=items, format=form, naming=naming)

    (problem,) = plan("all/{object}.{frame:04}").problems
    assert problem.code == "delivery.same_name" and problem.message.endswith("folder all; each needs one of its own.")
    assert "{object}/{object}.{frame:04}" in problem.hint
    assert not plan("{object}/{object}.{frame:04}").problems
    assert "{object} into the naming" in plan("film", "prores4444").problems[0].hint


def test_nothing_else_lies_in_the_folder_of_a_sequence(tmp_path: Path) -> None:
    sequence = OutputName(tmp_path / "dog", "dog.", 4, ".png")
    for inside in (OutputName(tmp_path / "dog" / "dog.mov"), OutputName(tmp_path / "dog" / "x", "dog.", 4, ".png")):
        for names in ([sequence, inside], [inside, sequence]):
            (problem,) = plan_checks.check_names(names)
            assert problem.blocks and "would lie in the folder dog of a sequence" in problem.message
    assert not plan_checks.check_names([sequence, OutputName(tmp_path / "dog.mov")])
