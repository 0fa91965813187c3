"""One order: which objects of which clip, as what, where to. A frozen value with a JSON form."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan

MASKS, OVERLAY, MATTE, EFFECTS, ANNOTATIONS = "masks", "overlay", "matte", "effects", "annotations"
OVERLAPS = ("refuse", "order", "files")
VERSION = 1


def _new_id() -> str:
    return f"{int(time.time())}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Order:
    """What is wanted.

    Attributes:
        kind: "masks" (a folder of PNG masks per object), "overlay" (the clip with its masks drawn on it), "matte"
            (mattes and cut-outs, as `specs` say), "effects" (the clip with its objects' effects, as `specs` say),
            "annotations" (of a data set, in `format`).
        title: for people, e.g. "ProRes 4444".
        project, media_id: where the objects are.
        object_ids: from the lowest to the topmost.
        target: a folder; of an overlay the video's file; of annotations what the format asks for.
        specs: each one delivery; in and out are those of the order.
        timelines, recipe: what lies beside it for an editing program, see `delivery.presets`.
        span: frames; None: the whole clip.
        with_audio, opacity: of an overlay.
        format, overlap: of annotations, see `formats.registry` and `formats.format.WriteOptions`.
        order_id: unlike that of any other order.
        created: seconds since 1970.
    """

    kind: str
    title: str
    project: Path
    media_id: int
    object_ids: tuple[int, ...]
    target: Path
    specs: tuple[DeliverySpec, ...] = ()
    timelines: tuple[str, ...] = ()
    recipe: str = ""
    span: FrameSpan | None = None
    with_audio: bool = True
    opacity: float = 0.5
    format: str = ""
    overlap: str = "refuse"
    order_id: str = field(default_factory=_new_id)
    created: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        if self.kind not in (MASKS, OVERLAY, MATTE, EFFECTS, ANNOTATIONS) or self.overlap not in OVERLAPS:
            raise ValueError(f"an order of the unknown kind {self.kind!r}, {self.overlap!r}")
        if not self.object_ids:
            raise UserError("There is no object to deliver.", hint="Choose one.", code="delivery.no_objects")
        if self.has_specs != bool(self.specs) or (self.kind == ANNOTATIONS) != bool(self.format):
            raise ValueError(f"an order of the kind {self.kind} with {len(self.specs)} specifications")

    @property
    def has_specs(self) -> bool:
        """Whether its kind is written as specifications say."""
        return self.kind in (MATTE, EFFECTS)

    @property
    def placed_specs(self) -> tuple[DeliverySpec, ...]:
        """The specifications with the order's in and out."""
        start, stop = (None, None) if self.span is None else (self.span.start, self.span.stop)
        return tuple(replace(each, start=start, stop=stop) for each in self.specs)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": VERSION,
            "kind": self.kind,
            "title": self.title,
            "project": str(self.project),
            "media_id": self.media_id,
            "object_ids": list(self.object_ids),
            "target": str(self.target),
            "specs": [each.as_dict() for each in self.specs],
            "timelines": list(self.timelines),
            "recipe": self.recipe,
            "span": None if self.span is None else [self.span.start, self.span.stop],
            "with_audio": self.with_audio,
            "opacity": self.opacity,
            "format": self.format,
            "overlap": self.overlap,
            "order_id": self.order_id,
            "created": self.created,
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Order:
        """The inverse of `as_dict`.

        Raises:
            UserError: it is of a newer version, or damaged.
        """
        try:
            if values["version"] != VERSION:
                raise ValueError(f"version {values['version']}")
            span = values["span"]
            return Order(
                kind=str(values["kind"]),
                title=str(values["title"]),
                project=Path(values["project"]),
                media_id=int(values["media_id"]),
                object_ids=tuple(int(each) for each in values["object_ids"]),
                target=Path(values["target"]),
                specs=tuple(DeliverySpec.from_dict(each) for each in values["specs"]),
                timelines=tuple(str(each) for each in values["timelines"]),
                recipe=str(values["recipe"]),
                span=None if span is None else FrameSpan(int(span[0]), int(span[1])),
                with_audio=bool(values["with_audio"]),
                opacity=float(values["opacity"]),
                format=str(values["format"]),
                overlap=str(values["overlap"]),
                order_id=str(values["order_id"]),
                created=float(values["created"]),
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise UserError(
                f"An order of an export cannot be read: {error}.", hint="Order it anew.", code="orders.damaged"
            ) from error
