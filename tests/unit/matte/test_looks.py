"""Looks of objects: as text and back, joined into one chain, and rendered together."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.matte.backgrounds import Backgrounds
from rvos_core.matte.effects import Blur, CutOut, Effect, EffectChain, GreyBackground, Outline, Pixelate, Target
from rvos_core.matte.look import Look, has_hole, joined, read_looks
from rvos_core.matte.render import MatteRenderer
from rvos_core.matte.scene import Scene
from rvos_core.matte.settings import MatteSettings, MatteStack, Refine

settings = st.builds(
    MatteSettings,
    grow_px=st.floats(-9, 9),
    feather_px=st.floats(0, 9),
    fill_holes=st.booleans(),
    steady=st.floats(0, 1),
)
effects: st.SearchStrategy[list[Effect]] = st.lists(
    st.one_of(
        st.builds(Blur, target=st.sampled_from(list(Target)), radius_px=st.floats(1, 40)),
        st.builds(GreyBackground, amount=st.floats(0, 1)),
        st.builds(Outline, width_px=st.floats(1, 9), colour=st.tuples(*[st.integers(0, 255)] * 3)),
    ),
    max_size=4,
)
looks = st.builds(
    Look,
    st.builds(
        MatteStack, settings, st.dictionaries(st.integers(0, 99), settings).map(lambda d: tuple(sorted(d.items())))
    ),
    effects.map(lambda found: EffectChain(tuple(found))),
)


@given(looks)
def test_a_look_is_the_same_after_it_was_text(look: Look) -> None:
    assert Look.from_json(look.to_json()) == look
    assert Look().to_json() == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "object of"),
        ('{"mate": {}}', "object of"),
        ('{"matte": {"default": {"feather_px": 1e9}}}', "feather_px"),
        ('{"matte": {"keyframes": [{"frame": -1, "settings": {}}]}}', "keyframes"),
        ('{"effects": [{"kind": "explode"}]}', "kind"),
        ('{"effects": [{"kind": "blur", "radius_px": NaN}]}', "radius_px"),
        ('{"effects": {"kind": "blur"}}', "effects"),
    ],
)
def test_a_bad_look_says_what_is_wrong(text: str, named: str) -> None:
    with pytest.raises(UserError, match=named) as caught:
        read_looks({7: text})
    assert str(caught.value).startswith("Object 7")


def test_what_two_objects_have_alike_is_done_once_for_both() -> None:
    blur, grey = Blur(radius_px=5), GreyBackground()
    chain = joined({1: look_with(blur, grey), 2: look_with(blur), 3: look_with(Blur(radius_px=6))})
    assert [(each.kind, each.objects) for each in chain.effects] == [
        ("blur", (1, 2)),
        ("grey_background", (1,)),
        ("blur", (3,)),
    ]


def test_a_cut_out_on_nothing_comes_last_but_for_its_outlines() -> None:
    chain = joined({1: look_with(CutOut(), Outline()), 2: look_with(Pixelate()), 3: look_with(CutOut(), Outline())})
    assert [(each.kind, each.objects) for each in chain.effects] == [
        ("pixelate", (2,)),
        ("cut_out", (1, 3)),
        ("outline", (1, 3)),
    ]
    assert has_hole(chain)
    assert not has_hole(joined({1: look_with(CutOut(colour=(0, 0, 0)))}))


@given(st.lists(effects.map(lambda found: EffectChain(tuple(found))), max_size=4), st.integers(0, 15))
def test_any_looks_can_be_joined_and_nothing_of_them_is_lost(chains: list[EffectChain], cut: int) -> None:
    made = {
        number: Look(effects=EffectChain((*chain.effects, CutOut(), Outline()) if cut >> number & 1 else chain.effects))
        for number, chain in enumerate(chains)
    }
    found = joined(made)
    for number, look in made.items():
        mine = [each for each in found.effects if number in (each.objects or ())]
        assert sorted(map(spelled, mine)) == sorted(map(spelled, look.effects.effects))


def test_a_scene_gives_what_a_renderer_of_its_own_gives() -> None:
    frames = [np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8) for number in range(4)]
    masks = {1: disc(20, 20), 2: disc(25, 36)}
    made = {1: Look(MatteStack(MatteSettings(feather_px=3, steady=0.5))), 2: look_with(Blur(), Outline())}
    scene = Scene(lambda at: frames[at], lambda number, at: masks[number], made)
    for object_id, look in made.items():
        alone = MatteRenderer(lambda at: frames[at], lambda at, number=object_id: masks[number], look.matte).matte(3)
        assert np.array_equal(scene.matte(object_id, 3).alpha, alone.alpha)
        assert np.array_equal(scene.matte(object_id, 3).colours, alone.colours)
    both = [scene.matte(number, 3) for number in made]
    assert np.allclose(scene.alpha(3), 1 - (1 - both[0].alpha) * (1 - both[1].alpha))
    assert np.array_equal(scene.picture(3, [1]), frames[3]), "nothing has an effect"
    wanted = made[2].effects.apply(frames[3], {2: both[1]}, frame_index=3)
    assert np.array_equal(scene.picture(3), wanted)
    assert scene.cut_out(3).shape == (40, 60, 4)


def test_a_draft_is_worth_its_while_until_a_frame_is_refined() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    refined = MatteSettings(refine=Refine.EDGE)
    scene = Scene(lambda at: frame, lambda number, at: disc(20, 20), {1: Look(MatteStack(refined)), 2: Look()})
    assert scene.takes_long(0)
    assert not scene.takes_long(0, [2])
    scene.alpha(0, draft=True)
    assert scene.takes_long(0)
    scene.alpha(0)
    scene.set_looks({1: Look(MatteStack(replace(refined, feather_px=4))), 2: Look()})
    assert not scene.takes_long(0), "what comes after refining is quick"
    assert scene.takes_long(1)
    scene.set_looks({1: Look(MatteStack(replace(refined, inside_px=4))), 2: Look()})
    assert scene.takes_long(0)
    scene.alpha(0)
    scene.forget(1)
    assert scene.takes_long(0)


def test_another_mask_or_look_shows_at_once() -> None:
    frame = np.full((40, 60, 3), 90, dtype=np.uint8)
    masks = {1: disc(20, 20)}
    scene = Scene(lambda at: frame, lambda number, at: masks[number], {1: Look()})
    before = scene.matte(1, 0).alpha
    scene.set_looks({1: Look(MatteStack(MatteSettings(grow_px=3)))})
    grown = scene.matte(1, 0).alpha
    assert grown.sum() > before.sum()
    masks[1] = disc(20, 40)
    scene.forget(1)
    scene.set_looks({1: Look()})
    assert np.allclose(scene.matte(1, 0).alpha[:, 20:], before[:, :-20], atol=1e-5)


def test_a_background_that_is_gone_is_named() -> None:
    backgrounds = Backgrounds()
    with pytest.raises(UserError, match="nowhere"):
        backgrounds("/nowhere/at/all.png", 0)
    backgrounds.close()


def look_with(*chain: Effect) -> Look:
    return Look(effects=EffectChain(chain))


def spelled(effect: Effect) -> str:
    return json.dumps({**effect.as_dict(), "objects": None})


def disc(row: int, column: int) -> np.ndarray:
    rows, columns = np.mgrid[:40, :60]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 < 100)
