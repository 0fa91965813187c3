"""The model panel: which model on which device, and what it honestly knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from rvos_app.i18n import tr
from rvos_app.jobs.model_jobs import EngineChoice, EngineReady
from rvos_app.panels.parts import label, rule
from rvos_core.models.api import ModelCard
from rvos_core.models.devices import DeviceInfo

_BROWSE = "\0browse"


class ModelPanel(QScrollArea):
    """Two choosers and a note.

    Signals:
        model_chosen(str): a model's name, or the path of its folder.
        device_chosen(str): `auto`, `cpu`, `cuda:0`, ...
    """

    model_chosen = Signal(str)
    device_chosen = Signal(str)

    def __init__(self, cards: Sequence[ModelCard], choice: EngineChoice) -> None:
        super().__init__()
        self._cards = {card.name: card for card in cards}
        self._choice = choice
        self.models = _chooser(tr("Model"))
        self.devices = _chooser(tr("Device"))
        self._on_device = label(role="muted", wraps=True)
        self._note = label(role="muted", wraps=True)
        self._note.setAccessibleName(tr("What this model knows"))
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._fill_models()
        self._fill_devices((DeviceInfo("cpu", tr("CPU"), available=True),))
        self._show_note(self._cards.get(choice.model))
        self.models.activated.connect(self._on_model)
        self.devices.activated.connect(self._on_device_chosen)
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.addRow(tr("Model"), self.models)
        form.addRow(tr("Device"), self.devices)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(8)
        layout.addLayout(form)
        layout.addWidget(self._on_device)
        layout.addWidget(rule())
        layout.addWidget(self._note)
        layout.addStretch(1)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def note(self) -> str:
        """What the panel says about the model."""
        return self._note.text()

    @property
    def device_line(self) -> str:
        """What the panel says about the device."""
        return self._on_device.text()

    def set_engine(self, ready: EngineReady | None) -> None:
        """Show what the loaded model runs on, and which devices there are; None: nothing is loaded."""
        if ready is None:
            self._on_device.setText("")
            return
        self._cards[ready.choice.model] = ready.card
        self._choice = ready.choice
        self._fill_models()
        self._fill_devices(ready.devices)
        self._show_note(ready.card)
        why = next((f"{d.label}: {d.reason}." for d in ready.devices if not d.available), "")
        self._on_device.setText(" ".join(part for part in (tr("Runs on {device}.", device=ready.device), why) if part))

    def set_choice(self, choice: EngineChoice) -> None:
        """Show another choice before it is loaded."""
        self._choice = choice
        self._fill_models()
        self._show_note(self._cards.get(choice.model))

    def _fill_models(self) -> None:
        names = list(self._cards)
        if self._choice.model not in names:
            names.append(self._choice.model)
        self.models.clear()
        for name in names:
            shown = Path(name).name if Path(name).is_absolute() else name
            self.models.addItem(shown, name)
            self.models.setItemData(self.models.count() - 1, name, Qt.ItemDataRole.ToolTipRole)
        self.models.addItem(tr("Model folder…"), _BROWSE)
        self.models.setCurrentIndex(names.index(self._choice.model))

    def _fill_devices(self, devices: Sequence[DeviceInfo]) -> None:
        """Before torch is there only the CPU is known; the automatic choice takes the fastest."""
        self.devices.clear()
        self.devices.addItem(tr("Automatic"), "auto")
        for row, device in enumerate(devices, start=1):
            self.devices.addItem(device.label, device.id)
            if not device.available:
                model = self.devices.model()
                if isinstance(model, QStandardItemModel):
                    model.item(row).setEnabled(False)
                self.devices.setItemText(row, tr("{label} – not available", label=device.label))
                self.devices.setItemData(row, device.reason, Qt.ItemDataRole.ToolTipRole)
        self.devices.setCurrentIndex(max(self.devices.findData(self._choice.device), 0))

    def _show_note(self, card: ModelCard | None) -> None:
        if card is None:
            self._note.setText(tr("This model tells about itself when it is loaded."))
            return
        self._note.setText(
            tr(
                "{description}\n\nTrained on: {trained}\nLicence: {licence}",
                description=card.description,
                trained=card.trained_on,
                licence=card.licence,
            )
        )

    def _on_model(self, row: int) -> None:
        name = self.models.itemData(row)
        if name == _BROWSE:
            self._fill_models()
            self._browse()
        elif name != self._choice.model:
            self.model_chosen.emit(name)

    def _browse(self) -> None:
        dialog = QFileDialog(self, tr("Choose a model folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.model_chosen)
        dialog.open()

    def _on_device_chosen(self, row: int) -> None:
        device = self.devices.itemData(row)
        if device and device != self._choice.device:
            self.device_chosen.emit(device)


def _chooser(name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(14)
    return made
