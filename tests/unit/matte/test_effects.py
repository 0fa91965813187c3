"""Effects: what each does to known layers, in order and per object, and that they come back from JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest

from rvos_core.errors import UserError
from rvos_core.matte import (
    Blur,
    CutOut,
    Effect,
    EffectChain,
    Fit,
    GreyBackground,
    Highlight,
    Matte,
    Outline,
    Pixelate,
    ReplaceBackground,
    Target,
)

GREEN, RED = (20, 160, 40), (210, 40, 60)

ALL = (
    Pixelate(block_px=5, objects=(1,)),
    Blur(target=Target.OBJECT, radius_px=3),
    Blur(radius_px=7.5),
    GreyBackground(amount=0.5),
    Highlight(darken=0.3),
    ReplaceBackground(source="sky.png", fit=Fit.CONTAIN),
    CutOut(colour=(1, 2, 3)),
    CutOut(),
    Outline(width_px=2, colour=(9, 8, 7), opacity=0.5, objects=(1, 2)),
)


def scene(colour: tuple[int, int, int] = RED, ground: tuple[int, int, int] = GREEN) -> tuple[np.ndarray, Matte]:
    """A soft disc before a plain ground: the frame (H, W, 3) uint8, and its true matte."""
    rows, columns = np.indices((61, 81))
    alpha = (20 - np.hypot(rows - 30, columns - 40) + 2).clip(0, 4).astype(np.float32) / 4
    frame = alpha[..., None] * np.array(colour) + (1 - alpha[..., None]) * np.array(ground)
    return np.rint(frame).astype(np.uint8), Matte(alpha, np.full((61, 81, 3), colour, dtype=np.uint8))


def done(*effects: Effect, mattes: Mapping[int, Matte] | None = None, **others: object) -> np.ndarray:
    frame, matte = scene()
    return EffectChain(effects).apply(frame, {1: matte} if mattes is None else mattes, **others).astype(int)  # type: ignore[arg-type]


def mixed_with(ground: tuple[int, int, int]) -> np.ndarray:
    return scene(ground=ground)[0].astype(int)


@pytest.mark.parametrize("effect", [GreyBackground(amount=0), Highlight(darken=0), Outline(opacity=0)])
def test_an_effect_of_no_strength_changes_nothing(effect: Effect) -> None:
    assert np.abs(done(effect) - scene()[0]).max() <= 1


def test_a_cut_out_on_a_colour_has_no_halo() -> None:
    assert np.abs(done(CutOut(colour=(30, 60, 220))) - mixed_with((30, 60, 220))).max() <= 1


def test_a_cut_out_on_nothing_has_straight_colours() -> None:
    found = done(CutOut())
    assert found.shape == (61, 81, 4)
    assert np.abs(found[..., 3] - scene()[1].alpha * 255).max() <= 0.51
    assert np.abs(found[:, 5:-5, :3] - RED).max() <= 1  # and they go on outwards
    assert (done(CutOut(), mattes={1: Matte(np.full((61, 81), 1e-5, dtype=np.float32), scene()[0])}) == 0).all()


def test_neither_side_bleeds_into_the_other() -> None:
    for radius in (4, 40):
        assert np.abs(done(Blur(radius_px=radius)) - scene()[0]).max() <= 2
        assert np.abs(done(Blur(target=Target.OBJECT, radius_px=radius)) - scene()[0]).max() <= 2
    for target in Target:
        assert np.abs(done(Pixelate(target=target, block_px=7)) - scene()[0]).max() <= 2


def test_blur_and_squares_hide_detail() -> None:
    frame, matte = scene()
    dice = np.random.default_rng(0)
    noisy = dice.integers(0, 256, frame.shape, dtype=np.uint8)
    mattes = {1: Matte(matte.alpha, noisy)}
    inside = np.s_[22:38, 32:48]
    for effect in (Blur(target=Target.OBJECT, radius_px=12), Pixelate(block_px=8)):
        found = EffectChain((effect,)).apply(noisy, mattes)
        assert (found[0] == noisy[0]).all()
        assert found[inside].std() < 0.35 * noisy[inside].std()
    squares = EffectChain((Pixelate(block_px=8),)).apply(noisy, mattes)
    assert (squares[24:32, 32:40] == squares[24, 32]).all()


def test_grey_and_dark_grounds_are_exact_in_mixed_pixels_too() -> None:
    luma = round(0.2126 * GREEN[0] + 0.7152 * GREEN[1] + 0.0722 * GREEN[2])
    assert np.abs(done(GreyBackground()) - mixed_with((luma, luma, luma))).max() <= 2
    dark = done(Highlight(darken=0.75))
    assert np.abs(dark - mixed_with((5, 40, 10))).max() <= 1


def test_an_outline_lies_around_the_object_and_behind_it() -> None:
    found = done(Outline(width_px=4, colour=(255, 255, 0)))
    assert found[30, 40].tolist() == list(RED)
    assert found[30, 62].tolist() == [255, 255, 0]
    assert found[30, 70].tolist() == list(GREEN)
    cut = done(CutOut(), Outline(width_px=4, colour=(255, 255, 0)))
    assert cut[30, 62].tolist() == [255, 255, 0, 255]
    assert cut[30, 70, 3] == 0


def test_a_background_is_replaced_by_a_picture_or_a_clip() -> None:
    asked = []

    def clip(name: str, index: int) -> np.ndarray:
        asked.append((name, index))
        return np.full((30, 40, 3), (index, 100, 200), dtype=np.uint8)

    found = done(ReplaceBackground(source="sea"), frame_index=7, backgrounds=clip)
    assert asked == [("sea", 7)]
    assert np.abs(found - mixed_with((7, 100, 200))).max() <= 1
    with pytest.raises(UserError) as caught:
        done(ReplaceBackground(source="sea"))
    assert caught.value.code == "matte.no_background"


@pytest.mark.parametrize("size", [(10, 40), (40, 10), (61, 81), (200, 90), (1, 1), (1, 500)])
def test_pictures_of_any_shape_fill_the_frame(size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 200, dtype=np.uint8)
    for fit in Fit:
        found = done(ReplaceBackground(source="x", fit=fit), mattes={}, backgrounds=lambda *_: picture)
        assert found.shape == (61, 81, 3)
        assert found.max() == 200
        assert fit is Fit.CONTAIN or found.min() == 200


def test_effects_are_per_object_and_in_order() -> None:
    frame, matte = scene()
    other = np.zeros_like(matte.alpha)
    other[5:15, 5:15] = 1
    frame[5:15, 5:15] = (250, 250, 10)
    mattes = {1: matte, 2: Matte(other, np.full(frame.shape, (250, 250, 10), dtype=np.uint8))}
    alone = EffectChain((CutOut(colour=(0, 0, 0), objects=(2,)),)).apply(frame, mattes)
    assert alone[10, 10].tolist() == [250, 250, 10]
    assert not alone[30, 40].any()
    both = EffectChain((CutOut(colour=(0, 0, 0)),)).apply(frame, mattes)
    assert both[30, 40].tolist() == list(RED)
    hidden = EffectChain((Pixelate(objects=(1,)), CutOut(colour=(0, 0, 0)))).apply(frame, mattes)
    assert hidden[10, 10].tolist() == [250, 250, 10]
    dark_then_line = EffectChain((Highlight(darken=1), Outline(width_px=3))).apply(frame, mattes)
    line_then_dark = EffectChain((Outline(width_px=3), Highlight(darken=1))).apply(frame, mattes)
    assert dark_then_line[30, 62].tolist() == [255, 255, 255]
    assert not line_then_dark[30, 62].any()


def test_a_hidden_object_stays_hidden_behind_another_effect() -> None:
    frame, matte = scene()
    noisy = np.random.default_rng(1).integers(0, 256, frame.shape, dtype=np.uint8)
    mattes = {1: Matte(matte.alpha, noisy)}
    chain = EffectChain((Pixelate(block_px=8), ReplaceBackground(source="x")))
    found = chain.apply(noisy, mattes, backgrounds=lambda *_: np.zeros((4, 4, 3), dtype=np.uint8))
    assert (found[24:32, 32:40] == found[24, 32]).all()


@pytest.mark.parametrize(
    "mattes", [{}, {1: Matte(np.zeros((61, 81), dtype=np.float32), np.zeros((61, 81, 3), dtype=np.uint8))}]
)
def test_frames_without_the_object(mattes: Mapping[int, Matte]) -> None:
    frame = scene()[0]
    for effect in (Blur(target=Target.OBJECT), Pixelate(), Outline()):
        assert (done(effect, mattes=mattes) == frame).all()
    assert not done(CutOut(), mattes=mattes).any()
    assert (done(CutOut(colour=(4, 5, 6)), mattes=mattes) == (4, 5, 6)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2)])
def test_small_frames(size: tuple[int, int]) -> None:
    dice = np.random.default_rng(0)
    frame = dice.integers(0, 256, (*size, 3), dtype=np.uint8)
    matte = Matte(dice.random(size, dtype=np.float32), frame)
    for effect in ALL:
        found = EffectChain((effect,)).apply(frame, {1: matte}, backgrounds=lambda *_: frame)
        assert found.shape[:2] == size
        assert found.dtype == np.uint8


def test_a_matte_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="matte of shape"):
        EffectChain().apply(np.zeros((4, 4, 3), dtype=np.uint8), {1: scene()[1]})


def test_chains_come_back_from_json_unchanged() -> None:
    chain = EffectChain(ALL)
    assert EffectChain.from_dict(json.loads(json.dumps(chain.as_dict()))) == chain


@pytest.mark.parametrize(
    ("effects", "named"),
    [
        ([{"kind": "glow"}], "effects[0]"),
        ([{"kind": "blur", "radius_px": 0}], "effects[0].radius_px must be a number between 0.5 and 500"),
        ([{"kind": "blur", "radius_px": "3"}], "effects[0].radius_px"),
        ([{"kind": "blur", "target": "sky"}], "effects[0].target must be one of object, background"),
        ([{"kind": "blur", "size": 3}], "effects[0].size is no value of blur"),
        ([{"kind": "outline", "colour": None}], "effects[0].colour"),
        ([{"kind": "outline", "objects": ["dog"]}], "effects[0].objects"),
        ([{"kind": "replace_background", "source": 3}], "effects[0].source must be text"),
        ([{"kind": "cut_out"}, {"kind": "highlight"}], "effects[1] cannot follow a cut-out on nothing"),
        ("blur", "chain must be"),
    ],
)
def test_what_is_wrong_is_named(effects: object, named: str) -> None:
    with pytest.raises(UserError) as caught:
        EffectChain.from_dict({"effects": effects})
    assert named in caught.value.message
    assert caught.value.code == "matte.bad_effect"
