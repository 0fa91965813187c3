"""What the export dialog offers to make, in groups, and the list that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from rvos_app.i18n import tr
from rvos_core.delivery.presets import PRESETS, Preset
from rvos_core.delivery.spec import NAMED_SPECS, DeliverySpec
from rvos_core.orders import ANNOTATIONS, EFFECTS, MASKS, MATTE, OVERLAY

if TYPE_CHECKING:
    from rvos_core.formats.format import Format

_KEY = Qt.ItemDataRole.UserRole
_ROW_PX = 26
_HEADING_PX = 30


@dataclass(frozen=True)
class Offer:
    """One thing that can be made.

    Attributes:
        key: names it, also in the settings file.
        kind: as in an `Order`.
        specs: of mattes and cut-outs, as they are suggested.
        preset: that it is; None: it is none.
        is_free: the format itself can be chosen.
        annotations: the format of annotations that it is; None: it is none.
        about: a sentence or two, for before it is chosen.
    """

    key: str
    group: str
    title: str
    kind: str
    specs: tuple[DeliverySpec, ...] = ()
    preset: Preset | None = None
    is_free: bool = False
    annotations: Format | None = None
    about: str = ""

    @property
    def suffix(self) -> str:
        """Of the one file that it makes, with its dot; empty: it goes into a folder."""
        if self.kind == OVERLAY:
            return ".mp4"
        return self.annotations.file_suffix if self.annotations is not None else ""

    @property
    def is_own(self) -> bool:
        """Whether a person saved it."""
        return self.preset is not None and self.preset.id not in PRESETS


def offers(presets: Sequence[Preset]) -> list[Offer]:
    """Everything, in the order of the list."""
    groups = {True: tr("Editing programs"), False: tr("Own presets")}
    found = [
        Offer(f"preset:{each.id}", groups[each.id in PRESETS], each.title, MATTE, each.specs, each) for each in presets
    ]
    custom = Offer(
        "custom",
        tr("Anything else"),
        tr("Custom"),
        MATTE,
        (NAMED_SPECS["prores4444"],),
        is_free=True,
        about=tr("Every format and every setting."),
    )
    builtin, own = [each for each in found if not each.is_own], [each for each in found if each.is_own]
    return [*_basics(), *builtin, *own, *_single(), custom, *_data_sets()]


def _basics() -> list[Offer]:
    basics = tr("Masks and overlay")
    return [
        Offer(
            "masks",
            basics,
            tr("Masks (PNG)"),
            MASKS,
            about=tr("A folder per object, white object on black, one picture a frame; named by the frame's number."),
        ),
        Offer(
            "overlay",
            basics,
            tr("Overlay video"),
            OVERLAY,
            about=tr("The clip with the masks drawn on it: MP4, H.264, with the clip's own frame times."),
        ),
        Offer(
            "effects",
            basics,
            tr("Clip with effects"),
            EFFECTS,
            (NAMED_SPECS["h264"],),
            is_free=True,
            about=tr("The clip with the effects of its objects, as the Matte panel says: H.264, or any other format."),
        ),
    ]


def _single() -> list[Offer]:
    """Formats alone."""
    video, pictures = tr("Video"), tr("Picture sequences")
    return [
        Offer(key, group, title, MATTE, (NAMED_SPECS[key],), about=about)
        for key, group, title, about in (
            (
                "prores4444",
                video,
                "ProRes 4444",
                tr("The object with its alpha, 10 bit. Editing programs take it as it is."),
            ),
            ("prores422hq", video, tr("ProRes 422 HQ matte"), tr("White on black, for a luma track matte.")),
            ("h264matte", video, tr("H.264 matte"), tr("A light white-on-black matte.")),
            ("webm", video, tr("WebM with alpha"), tr("For web pages and overlays of streams.")),
            ("ffv1", video, tr("FFV1, lossless"), tr("For keeping.")),
            ("png16", pictures, tr("PNG matte, 16 bit"), tr("The alpha as grey pictures, exact.")),
            ("pngcutout16", pictures, tr("PNG cut-out, 16 bit"), tr("The object on nothing, straight colours.")),
            ("tiff16", pictures, tr("TIFF matte, 16 bit"), tr("The alpha as grey pictures, exact.")),
            ("exr", pictures, tr("OpenEXR cut-out"), tr("For compositing: half float, a channel per object.")),
        )
    ]


def _data_sets() -> list[Offer]:
    """Formats of annotations."""
    from rvos_core.formats.format import Loss
    from rvos_core.formats.registry import FORMATS

    found = []
    for each in sorted(FORMATS.values(), key=lambda one: one.title.casefold()):
        lost = "; ".join(loss.value for loss in Loss if loss in each.losses)
        about = tr("{layout}. Not kept: {lost}.", layout=each.layout, lost=lost or tr("nothing is lost"))
        key = f"data:{each.format_id}"
        found.append(Offer(key, tr("Data sets"), each.title, ANNOTATIONS, annotations=each, about=about))
    return found


def overlap_choices(offer: Offer) -> list[tuple[str, str]]:
    """What can be done where objects overlap, in words and as in an `Order`; empty: there is room for it."""
    chosen = offer.annotations
    if chosen is None or chosen.can_overlap:
        return []
    found = [(tr("Stop and say so"), "refuse"), (tr("The last of the list on top"), "order")]
    return [*found, (tr("A file for each object"), "files")] if chosen.splits_objects else found


class OfferList(QListWidget):
    """Signals: chosen(Offer)."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("What to make"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._offers: dict[str, Offer] = {}
        self.currentItemChanged.connect(self._on_current)

    def fill(self, found: Sequence[Offer], *, key: str) -> None:
        """List them, and choose the one of that key, or the first."""
        self.blockSignals(True)
        self.clear()
        self._offers = {each.key: each for each in found}
        group = ""
        for each in found:
            if each.group != group:
                group = each.group
                self._add_heading(group)
            item = QListWidgetItem(each.title)
            item.setData(_KEY, each.key)
            item.setToolTip(each.about or each.title)
            item.setSizeHint(QSize(10, _ROW_PX))
            self.addItem(item)
        self.blockSignals(False)
        self.choose(key if key in self._offers else found[0].key)

    def choose(self, key: str) -> None:
        """Go to the offer of that key."""
        for row in range(self.count()):
            if self.item(row).data(_KEY) == key:
                self.setCurrentRow(row)

    @property
    def offer(self) -> Offer:
        """The chosen one."""
        return self._offers[self.currentItem().data(_KEY)]

    def _add_heading(self, text: str) -> None:
        item = QListWidgetItem(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = QFont(self.font())
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 0.9)
        item.setFont(font)
        item.setSizeHint(QSize(10, _HEADING_PX))
        item.setTextAlignment(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft)
        self.addItem(item)

    def _on_current(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(_KEY) in self._offers:
            self.chosen.emit(self.offer)
