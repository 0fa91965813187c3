"""Every object has its own channel in EXR, and every one of them is read back."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import OpenEXR
import pytest

from helpers_delivery import DOG, moving_disc, picture_clip, plan_for
from rvos_core.delivery import exporter, stills
from rvos_core.delivery.exporter import deliver
from rvos_core.delivery.pixels import Picture
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError

CAT = DeliveryObject(2, "cat", "a cat")


@pytest.mark.parametrize("content", ["matte", "cutout"])
def test_every_named_channel_of_exr_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    info = picture_clip(tmp_path, frames=3)
    plan = plan_for(tmp_path, info, items=(DOG, CAT), format="exr", content=content, objects="together")
    right = stills.channel_names

    def exchanged(objects: Sequence[DeliveryObject]) -> list[str]:
        return right(objects)[::-1]

    with monkeypatch.context() as patch, pytest.raises(UserError, match="alpha is off"):
        patch.setattr(stills, "channel_names", exchanged)
        deliver(plan, moving_disc(info))
    assert not plan.outputs[0].path.exists()
    (done,) = deliver(plan, moving_disc(info))
    assert done.verification.largest_error < 2**-11


@pytest.mark.parametrize("content", ["matte", "cutout"])
def test_an_object_whose_channel_of_exr_is_empty_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    info = picture_clip(tmp_path, frames=3)
    plan = plan_for(tmp_path, info, items=(DOG, CAT), format="exr", content=content, objects="together")
    write = exporter.write_still

    def without_cat(
        part: Path, spec: DeliverySpec, objects: Sequence[DeliveryObject], pictures: Sequence[Picture]
    ) -> tuple[int, int]:
        write(part, spec, objects, pictures)
        with OpenEXR.File(str(part)) as file:
            channels = {name: each.pixels.copy() for name, each in file.channels().items()}
            header = dict(file.header())
        channels["matte.cat"][:] = 0
        with OpenEXR.File(header, channels) as file:
            file.write(str(part))
        return part.stat().st_size, zlib.crc32(part.read_bytes())

    monkeypatch.setattr(exporter, "write_still", without_cat)
    with pytest.raises(UserError, match="alpha is off"):
        deliver(plan, moving_disc(info))


def test_no_two_channels_have_one_name() -> None:
    names = [("a 2", 1), ("a", 5), ("a", 2), ("собака", 7), ("a", 5)]
    assert len(set(stills.channel_names([DeliveryObject(number, name) for name, number in names]))) == len(names)
