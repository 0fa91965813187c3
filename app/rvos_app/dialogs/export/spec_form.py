"""The settings of what is made: a row for each that means something for it, all of them fields of `DeliverySpec`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSpinBox, QWidget

from rvos_app.i18n import tr
from rvos_core.delivery.outputs import CUTOUT, MATTE, OUTPUT_FORMATS, PREMULTIPLIED, STRAIGHT
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError
from rvos_core.types import MediaInfo

_RATES = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
_LABEL_PX = 92
_OF_MATTES = ("content", "objects")
_KEPT = ("objects", "scale", "rate", "timing", "odd_size", "audio", "start_number", "naming", "handles")

Options = list[tuple[str, Any]]


@dataclass(frozen=True)
class _Knob:
    """A setting with a few values. `options`: (words, value) for a specification; fewer than two: nothing to choose."""

    name: str
    title: str
    options: Callable[[DeliverySpec, MediaInfo], Options]
    shown: Callable[[DeliverySpec], object]


class SpecForm(QWidget):
    """Edits one or several specifications; what they differ in stays as it is.

    Signals: changed(): a person changed something.
    """

    changed = Signal()

    def __init__(self, info: MediaInfo) -> None:
        super().__init__()
        self._info = info
        self._specs: tuple[DeliverySpec, ...] = ()
        self._is_free = self._cutouts_only = False
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(14)
        self._form.setVerticalSpacing(8)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.boxes: dict[str, QComboBox] = {}
        for knob in _knobs():
            self._add_knob(knob)
        self.first = QSpinBox()
        self.first.setRange(-1, 9_999_999)
        self.first.setSpecialValueText(tr("As in the clip"))
        self.first.setAccessibleName(tr("First number"))
        self.first.valueChanged.connect(self._on_first)
        self._form.addRow(tr("First number"), self.first)
        self.sound = QCheckBox(tr("With the clip's sound"))
        self.sound.toggled.connect(self._on_sound)
        self._form.addRow("", self.sound)
        align_labels(self._form)

    # -- what it holds -------------------------------------------------------------------------------------------

    @property
    def specs(self) -> tuple[DeliverySpec, ...]:
        """As they are set now."""
        return self._specs

    def show_specs(self, specs: Sequence[DeliverySpec], *, is_free: bool, cutouts_only: bool = False) -> None:
        """Edit other ones. `is_free`: the format can be chosen, too; `cutouts_only`: but no mattes, and one output."""
        self._specs, self._is_free, self._cutouts_only = tuple(specs), is_free, cutouts_only
        self._refresh()

    def set_field(self, name: str, value: object) -> None:
        """Set a field of all that can have that value."""
        self._specs = tuple(_changed(each, name, value) for each in self._specs)
        if self._cutouts_only:
            self._specs = tuple(_changed(each, "content", CUTOUT) for each in self._specs)
        self._refresh()
        self.changed.emit()

    # -- rows ----------------------------------------------------------------------------------------------------

    def _add_knob(self, knob: _Knob) -> None:
        box = QComboBox()
        box.setAccessibleName(knob.title)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        box.activated.connect(lambda row: self.set_field(knob.name, box.itemData(row)))
        self.boxes[knob.name] = box
        self._form.addRow(knob.title, box)

    def _refresh(self) -> None:
        """Rows that mean something for what is edited, and their values."""
        for knob in _knobs():
            box = self.boxes[knob.name]
            options = _options_for_all(knob, self._specs, self._info)
            if knob.name == "format" and self._cutouts_only:
                options = [each for each in options if CUTOUT in OUTPUT_FORMATS[each[1]].contents]
            if (knob.name == "format" and not self._is_free) or (knob.name in _OF_MATTES and self._cutouts_only):
                options = []
            self._form.setRowVisible(box, len(options) > 1)
            box.clear()
            for words, value in options:
                box.addItem(words, value)
            if options and self._specs:
                values = [value for _, value in options]
                now = knob.shown(self._specs[0])
                box.setCurrentIndex(values.index(now) if now in values else 0)
        stills = any(each.kind.still for each in self._specs)
        self._form.setRowVisible(self.first, stills)
        sounds = self._info.has_audio and any(not each.kind.still for each in self._specs)
        self._form.setRowVisible(self.sound, sounds)
        if self._specs:
            number = self._specs[0].start_number
            _quietly(self.first, lambda: self.first.setValue(-1 if number is None else number))
            _quietly(self.sound, lambda: self.sound.setChecked(self._specs[0].audio))

    def _on_first(self, value: int) -> None:
        self.set_field("start_number", None if value < 0 else value)

    def _on_sound(self, wanted: bool) -> None:
        self.set_field("audio", wanted)


def align_labels(form: QFormLayout) -> None:
    """Give the labels of a form the width that those of every form of the dialog have."""
    for row in range(form.rowCount()):
        item = form.itemAt(row, QFormLayout.ItemRole.LabelRole)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.setMinimumWidth(_LABEL_PX)


def _changed(spec: DeliverySpec, name: str, value: Any) -> DeliverySpec:
    """`spec` with another value, or as it is where it cannot have that."""
    try:
        if name == "format":
            kept = {each: getattr(spec, each) for each in _KEPT}
            return DeliverySpec(value, **kept)
        if name == "content":  # not every depth is there for both
            return replace(spec, content=value, depth=spec.depth if value == spec.chosen_content else 0)
        return replace(spec, **{name: value})
    except UserError:
        return spec


def _options_for_all(knob: _Knob, specs: Sequence[DeliverySpec], info: MediaInfo) -> Options:
    """What every one of several can have; of one, what it can have."""
    found = [knob.options(each, info) for each in specs]
    if len(found) < 2:
        return found[0] if found else []
    if knob.name in ("format", "content", "depth", "alpha"):
        return []  # what makes them different from each other
    return max(found, key=len)


def _quietly(widget: QWidget, do: Callable[[], object]) -> None:
    widget.blockSignals(True)
    do()
    widget.blockSignals(False)


def _knobs() -> tuple[_Knob, ...]:
    return (
        _Knob("format", tr("Format"), _formats, lambda spec: spec.format),
        _Knob("content", tr("Content"), _contents, lambda spec: spec.chosen_content),
        _Knob("depth", tr("Depth"), _depths, lambda spec: spec.chosen_depth),
        _Knob("alpha", tr("Alpha"), _alphas, lambda spec: PREMULTIPLIED if spec.premultiplied else STRAIGHT),
        _Knob("compression", tr("Compression"), _compressions, lambda spec: spec.compression),
        _Knob("linear", tr("Colour"), _colours, lambda spec: spec.linear),
        _Knob("background", tr("Background"), _backgrounds, lambda spec: spec.background),
        _Knob("objects", tr("Objects"), _groupings, lambda spec: spec.objects),
        _Knob("scale", tr("Size"), _scales, lambda spec: spec.scale),
        _Knob("odd_size", tr("Odd size"), _odd_sizes, lambda spec: spec.odd_size),
        _Knob("rate", tr("Frame rate"), _rates, lambda spec: spec.rate),
        _Knob("timing", tr("Varying rate"), _timings, lambda spec: spec.timing),
    )


def _formats(_spec: DeliverySpec, _info: MediaInfo) -> Options:
    return [(each.title, each.name) for each in OUTPUT_FORMATS.values()]


def _contents(spec: DeliverySpec, _info: MediaInfo) -> Options:
    words = {CUTOUT: tr("Cut-out: the object itself"), MATTE: tr("Matte: its alpha as a picture")}
    return [(words[each], each) for each in spec.kind.contents]


def _depths(spec: DeliverySpec, _info: MediaInfo) -> Options:
    depths = [each for each in spec.kind.depths if _changed(spec, "depth", each).depth == each]
    if spec.format == "exr":
        return [({16: tr("Half float"), 32: tr("Float")}[each], each) for each in depths]
    return [(tr("{bits} bit", bits=each), each) for each in depths]


def _alphas(spec: DeliverySpec, _info: MediaInfo) -> Options:
    if spec.chosen_content != CUTOUT or not spec.kind.has_alpha:
        return []
    return [(tr("Straight"), STRAIGHT), (tr("Premultiplied"), PREMULTIPLIED)]


def _compressions(spec: DeliverySpec, _info: MediaInfo) -> Options:
    return [(tr("ZIP, lossless"), "zip"), (tr("DWAA, lossy and small"), "dwaa")] if spec.format == "exr" else []


def _colours(spec: DeliverySpec, _info: MediaInfo) -> Options:
    if spec.format != "exr" or spec.chosen_content != CUTOUT:
        return []
    return [(tr("Linear light"), True), (tr("As in the clip"), False)]


def _backgrounds(spec: DeliverySpec, _info: MediaInfo) -> Options:
    if spec.chosen_content != CUTOUT or spec.kind.has_alpha:
        return []
    return [
        (tr("Black"), (0, 0, 0)),
        (tr("White"), (255, 255, 255)),
        (tr("Grey"), (128, 128, 128)),
        (tr("Green"), (0, 177, 64)),
        (tr("Blue"), (0, 71, 187)),
    ]


def _groupings(_spec: DeliverySpec, _info: MediaInfo) -> Options:
    return [(tr("One output each"), "each"), (tr("All in one"), "together")]


def _scales(_spec: DeliverySpec, info: MediaInfo) -> Options:
    def words(part: int) -> str:
        size = f"{max(1, round(info.width / part))} × {max(1, round(info.height / part))}"
        return size if part == 1 else tr("Proxy 1/{part}: {size}", part=part, size=size)

    return [(words(part), part) for part in (1, 2, 4)]


def _odd_sizes(spec: DeliverySpec, info: MediaInfo) -> Options:
    encoding = spec.encoding if spec.odd_size != "444" else replace(spec, odd_size="pad").encoding
    sides = [max(1, round(Fraction(side, spec.scale))) for side in (info.width, info.height)]
    if encoding is None or not encoding.even or not any(side % 2 for side in sides):
        return []
    found = [
        (tr("Choose …"), "ask"),
        (tr("Repeat the last line"), "pad"),
        (tr("Leave the last line out"), "crop"),
    ]
    return [*found, (tr("4:4:4, which takes it"), "444")] if encoding.pixel_format == "yuv420p" else found


def _rates(_spec: DeliverySpec, info: MediaInfo) -> Options:
    own = tr("As the clip: {rate}", rate=f"{float(info.rate):.6g}")
    rates = [Fraction(each) for each in _RATES if Fraction(each) != info.rate]
    return [(own, None), *((f"{float(each):.6g}", each) for each in rates)]


def _timings(spec: DeliverySpec, info: MediaInfo) -> Options:
    if not info.is_variable_rate or spec.rate is not None:
        return []
    return [(tr("Keep the frames' own times"), "source"), (tr("Make it even"), "constant")]
