"""Which figure draws which object, how far it reaches, and how its wheels turn."""

from __future__ import annotations

from collections.abc import Callable

from rvos_core.synthetic.figures import (
    airborne,
    birds,
    boats,
    cycles,
    furniture,
    lorries,
    mounts,
    person,
    quadrupeds,
    rider,
    small,
    vehicles,
)
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen

Draw = Callable[[Pen, Look, Pose], None]

FIGURES: dict[str, tuple[Draw, Extent]] = {
    "person": (person.draw_person, person.EXTENT),
    "car": (vehicles.draw_car, vehicles.CAR_EXTENT),
    "bus": (vehicles.draw_bus, vehicles.BUS_EXTENT),
    "dog": (small.draw_dog, small.DOG_EXTENT),
    "ball": (small.draw_ball, small.BALL_EXTENT),
    "cat": (quadrupeds.draw_cat, quadrupeds.CAT_EXTENT),
    "horse": (quadrupeds.draw_horse, quadrupeds.HORSE_EXTENT),
    "cow": (quadrupeds.draw_cow, quadrupeds.COW_EXTENT),
    "sheep": (quadrupeds.draw_sheep, quadrupeds.SHEEP_EXTENT),
    "elephant": (quadrupeds.draw_elephant, quadrupeds.ELEPHANT_EXTENT),
    "bird": (birds.draw_bird, birds.BIRD_EXTENT),
    "swan": (birds.draw_swan, birds.SWAN_EXTENT),
    "truck": (lorries.draw_truck, lorries.TRUCK_EXTENT),
    "van": (lorries.draw_van, lorries.VAN_EXTENT),
    "tractor": (lorries.draw_tractor, lorries.TRACTOR_EXTENT),
    "boat": (boats.draw_boat, boats.BOAT_EXTENT),
    "bicycle": (cycles.draw_bicycle, cycles.BICYCLE_EXTENT),
    "motorbike": (cycles.draw_motorbike, cycles.MOTORBIKE_EXTENT),
    "balloon": (airborne.draw_balloon, airborne.BALLOON_EXTENT),
    "kite": (airborne.draw_kite, airborne.KITE_EXTENT),
    "umbrella": (furniture.draw_umbrella, furniture.UMBRELLA_EXTENT),
    "sign": (furniture.draw_sign, furniture.SIGN_EXTENT),
    "chair": (furniture.draw_chair, furniture.CHAIR_EXTENT),
    "bench": (furniture.draw_bench, furniture.BENCH_EXTENT),
    "suitcase": (furniture.draw_suitcase, furniture.SUITCASE_EXTENT),
}
MOUNTED: dict[str, tuple[Draw, Extent]] = {
    "riding": (rider.draw_rider, rider.EXTENT),
    "on horseback": (mounts.draw_on_horseback, mounts.HORSEBACK_EXTENT),
    "on a motorbike": (mounts.draw_on_motorbike, mounts.ON_MOTORBIKE_EXTENT),
    "skateboarding": (mounts.draw_skateboarder, mounts.SKATEBOARD_EXTENT),
}
"""People by what they ride; what is ridden is drawn but belongs to nobody."""

WHEEL_RADIUS_M = {
    "person": 0.36, "car": 0.35, "bus": 0.46, "ball": 0.32, "truck": 0.52, "van": 0.4, "tractor": 0.84,
}  # fmt: skip


def figure_of(look: Look) -> tuple[Draw, Extent, bool]:
    """What draws a look, its reach, and whether some of it belongs to nobody."""
    mounted = MOUNTED.get(look.action)
    return (*mounted, True) if mounted is not None else (*FIGURES[look.category], False)
