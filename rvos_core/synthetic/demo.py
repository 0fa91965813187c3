"""The clip that ships with the program: a short street film with an explicit cast, its true masks and four sentences.

`python -m rvos_core.synthetic.demo OUT` draws it again. Needs PyAV and Pillow, unlike the rest of the street world.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from rvos_core.language.slots import ExpressionSlots
from rvos_core.masks import write_indexed_png
from rvos_core.synthetic import colours
from rvos_core.synthetic.clip import gather_facts
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.facts import Expression
from rvos_core.synthetic.figures.look import Look
from rvos_core.synthetic.figures.pictures import PHOTOGRAPHS
from rvos_core.synthetic.predicates import Witness
from rvos_core.synthetic.render import Rendering, render_scene
from rvos_core.synthetic.scene import Actor, Camera, Prop, Scene, Sun

CLIP_NAME = "street.mp4"
FPS = 24
CONFIG = WorldConfig(
    height=480,
    width=854,
    frames=96,
    fps=FPS,
    max_stride=1,
    photographs=0.0,
    degrade=0.0,
    photographs_from=PHOTOGRAPHS,
)

_SEED = 10_018
_HORIZON = 0.36
_CAMERA_HEIGHT = 2.5
_SENTENCES: tuple[tuple[str, ExpressionSlots], ...] = (
    ("the man in red riding a bike", ExpressionSlots(category="person", gender="man", colour="red", action="riding")),
    ("the man in blue riding a bike", ExpressionSlots(category="person", gender="man", colour="blue", action="riding")),
    ("the person walking", ExpressionSlots(category="person", action="walking")),
    ("the yellow car", ExpressionSlots(category="car", colour="yellow")),
)


def make_demo(out_dir: str | Path) -> None:
    """Draw the demo clip.

    Writes `street.mp4` (854x480, 24 frames per second, H.264), `masks/00000.png` and on (indexed, DAVIS palette, object
    ids 1..N) and `expressions.json` into `out_dir`, which is made where it is missing.

    Raises:
        OSError: where the folder cannot be written.
    """
    out = Path(out_dir)
    (out / "masks").mkdir(parents=True, exist_ok=True)
    scene = demo_scene()
    rendering = render_scene(scene, np.random.Generator(np.random.PCG64(_SEED)), CONFIG)
    sentences = demo_expressions(scene, rendering)
    for index, labels in enumerate(rendering.labels):
        write_indexed_png(out / "masks" / f"{index:05d}.png", labels)
    _write_video(out / CLIP_NAME, rendering.frames)
    listing = {
        "clip": CLIP_NAME,
        "fps": FPS,
        "expressions": [{"text": e.text, "object_id": e.target + 1} for e in sentences if e.target is not None],
    }
    (out / "expressions.json").write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")


def demo_scene() -> Scene:
    """Two riders, the red one overtaking the blue; a walker, a car, a dog; the camera follows to the right."""
    times = (np.arange(CONFIG.frames) - (CONFIG.frames - 1) / 2) / FPS
    camera = Camera(
        x=0.36 * times + 0.004 * np.sin(2.1 * times),
        y=0.5 + 0.003 * np.sin(3.3 * times + 1.0),
        zoom=1.0 + 0.03 * np.sin(0.7 * times),
    )
    actors = (
        _actor(_person("red", "black", "riding", variant=3), x=0.06, y=0.885, speed=2.7),
        _actor(_person("blue", "white", "riding", variant=8), x=0.1, y=0.79, speed=1.75, phase=2.0),
        _actor(_person("green", "black", "walking", variant=4), x=0.66, y=0.955, speed=1.35, phase=0.4),
        _actor(_thing("car", "yellow", "moving", variant=0), x=0.3, y=0.66, speed=-2.2),
        _actor(_thing("dog", "white", "running", variant=6), x=-0.66, y=0.925, speed=1.9, size=0.8, phase=1.0),
    )
    props = (
        Prop("tree", (96, 96, 100), -0.62, 0.6, 0.105),
        Prop("sign", (96, 96, 100), 0.95, 0.62, 0.11),
        Prop("pole", (84, 84, 88), 0.02, 0.985, 0.2),
    )
    return Scene(_HORIZON, _CAMERA_HEIGHT, times, actors, props, camera, Sun(-0.55, 0.16, 0.42))


def demo_expressions(scene: Scene, rendering: Rendering) -> tuple[Expression, ...]:
    """The sentences of the demo clip with the one object that each is true of.

    Raises:
        ValueError: where a sentence does not mean exactly one object of the clip.
    """
    witness = Witness(gather_facts(scene, rendering, CONFIG), frame_px=CONFIG.height * CONFIG.width)
    found = tuple(Expression(text, witness.target(slots), slots) for text, slots in _SENTENCES)
    unclear = [expression.text for expression in found if expression.target is None]
    if unclear:
        raise ValueError(f"the demo clip does not show what its sentences say: {unclear}")
    return found


def _actor(look: Look, *, x: float, y: float, speed: float, size: float = 1.0, phase: float = 0.0) -> Actor:
    """An actor at metres per second over the ground."""
    metre = (y - _HORIZON) / _CAMERA_HEIGHT * size
    cadence = {"riding": 2.2, "running": 5.0}.get(look.action, 4.0)
    return Actor(look, x, y, speed * metre, 1 if speed > 0 else -1, metre, phase, cadence, idle=0.0)


def _person(shirt: str, trousers: str, action: str, *, variant: int) -> Look:
    rng = np.random.Generator(np.random.PCG64([_SEED, variant]))
    return Look(
        category="person",
        colour=shirt,
        paint=colours.paint(shirt, rng),
        action=action,
        variant=variant,
        skin=colours.skin(rng),
        hair=colours.hair(rng),
        accent=(74, 78, 84),
        gender="man",
        lower_colour=trousers,
        lower_paint=colours.paint(trousers, rng),
    )


def _thing(category: str, colour: str, action: str, *, variant: int) -> Look:
    rng = np.random.Generator(np.random.PCG64([_SEED, variant]))
    grey = (90, 90, 94)
    return Look(category, colour, colours.paint(colour, rng), action, variant, skin=grey, hair=grey, accent=grey)


def _write_video(path: Path, frames: np.ndarray) -> None:
    """Write (T, H, W, 3) uint8 RGB as H.264 in MP4."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options={"crf": "19", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.thread_count = 1
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p", threads=1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    make_demo(sys.argv[1])
