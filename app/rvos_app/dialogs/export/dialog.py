"""The export dialog itself: joins list, settings, preview and foot, and makes an order of what is chosen."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from rvos_app.controllers.export import ExportController
from rvos_app.controllers.export_preview import ExportPreview
from rvos_app.dialogs.export.naming_row import NamingRow
from rvos_app.dialogs.export.object_list import ObjectList, column_of
from rvos_app.dialogs.export.offers import Offer, OfferList, offers, overlap_choices
from rvos_app.dialogs.export.plan_foot import PlanFoot
from rvos_app.dialogs.export.preset_menu import PresetMenu
from rvos_app.dialogs.export.preview_pane import PreviewPane
from rvos_app.dialogs.export.spec_form import SpecForm, align_labels
from rvos_app.errors import ErrorReport, describe
from rvos_app.i18n import tr
from rvos_app.jobs.order_jobs import OrderPreview
from rvos_app.panels.parts import label, rule
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.delivery.naming import safe_token
from rvos_core.delivery.presets import Preset
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError
from rvos_core.orders import ANNOTATIONS, EFFECTS, MASKS, MATTE, OVERLAY, Order, OrderPlan
from rvos_core.types import MediaInfo

_SIZE = (1180, 760)
_LIST_PX, _SETTINGS_PX = 214, 400


class ExportDialog(QDialog):
    """Made for the open clip. Export puts an order into the line and closes the dialog."""

    def __init__(
        self,
        state: StudioState,
        clip: MediaInfo,
        *,
        project: Path,
        exports: ExportController,
        preview: ExportPreview,
        presets: Path,
        settings: Settings,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Export"))
        self._state, self._clip, self._project = state, clip, project
        self._exports, self._preview, self._settings = exports, preview, settings
        self._target_is_own = False  # a person chose it
        self._plan: OrderPlan | None = None
        self._frame_s = 0.0  # that a frame with all its objects took
        self.list = OfferList()
        self.form = SpecForm(clip)
        self.naming = NamingRow()
        self.objects = ObjectList(state)
        self.whole, self.between = QRadioButton(tr("Whole clip")), QRadioButton()
        self.handles, self.overlap = QSpinBox(), QComboBox()
        self.sound = QCheckBox(tr("With the clip's sound"))
        self.target = QLineEdit()
        self._browse = QPushButton(tr("Browse…"))
        self._about = label(role="muted", wraps=True)
        self.pane = PreviewPane()
        self.foot = PlanFoot()
        self.presets = PresetMenu(presets, current=self._as_preset, parent=self)
        self.export_button, self.close_button = QPushButton(tr("Export")), QPushButton(tr("Cancel"))
        self._set_up()
        self._lay_out()
        self._connect()
        self.resize(*_fitting(self))
        self.list.fill(offers(self.presets.presets()), key=settings.export_offer)
        self.list.setFocus()

    # -- building ------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        span, total = self._state.span, self._clip.frame_count
        words = tr("In to out: frames {first} to {last}", first=span.start, last=max(span.stop - 1, span.start))
        self.between.setText(words)
        partial = 0 < len(span) < total
        self.between.setEnabled(partial)
        (self.between if partial else self.whole).setChecked(True)
        spans = QButtonGroup(self)
        spans.addButton(self.whole)
        spans.addButton(self.between)
        self.handles.setRange(0, 10_000)
        self.handles.setSuffix(tr(" frames"))
        self.handles.setAccessibleName(tr("Handles"))
        self.handles.setToolTip(tr("Frames more at either side, as far as the clip has them"))
        self.overlap.setAccessibleName(tr("Where objects overlap"))
        self.sound.setChecked(True)
        self.target.setAccessibleName(tr("Where to"))
        for button in (self._browse, self.close_button):
            button.setAutoDefault(False)
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)

    def _lay_out(self) -> None:
        self.list.setFixedWidth(_LIST_PX)
        middle = QScrollArea()
        middle.setWidget(self._settings_column())
        middle.setWidgetResizable(True)
        middle.setFrameShape(QFrame.Shape.NoFrame)
        middle.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        middle.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        middle.setFixedWidth(_SETTINGS_PX)
        columns = QHBoxLayout()
        columns.setSpacing(16)
        columns.addWidget(self.list)
        columns.addWidget(middle)
        columns.addWidget(self.pane, stretch=1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.presets)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.export_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 14)
        layout.setSpacing(10)
        where = QHBoxLayout()
        where.setSpacing(8)
        where.addWidget(label(tr("Where to")))
        where.addWidget(self.target, stretch=1)
        where.addWidget(self._browse)
        layout.addLayout(columns, stretch=1)
        layout.addWidget(rule())
        layout.addLayout(where)
        layout.addWidget(self.foot)
        layout.addLayout(buttons)
        for before, after in pairwise((self._browse, self.presets, self.close_button, self.export_button)):
            self.setTabOrder(before, after)

    def _settings_column(self) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 10, 0)
        layout.setSpacing(12)
        layout.addWidget(self._about)
        layout.addWidget(self.form)
        layout.addWidget(self.sound)
        self._rest = QFormLayout()
        self._rest.setHorizontalSpacing(14)
        self._rest.setVerticalSpacing(10)
        self._rest.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rest.addRow(tr("Which"), self.objects)
        self._rest.addRow(tr("Frames"), column_of(self.whole, self.between))
        self._rest.addRow(tr("Handles"), self.handles)
        self._rest.addRow(tr("Overlaps"), self.overlap)
        self._rest.addRow(tr("Names"), self.naming)
        align_labels(self._rest)
        layout.addLayout(self._rest)
        layout.addStretch(1)
        return column

    def _connect(self) -> None:
        self.list.chosen.connect(self._on_offer)
        for signal in (self.form.changed, self.naming.changed, self.objects.itemChanged, self.whole.toggled):
            signal.connect(self._refresh)
        for signal in (self.handles.valueChanged, self.sound.toggled, self.target.textChanged, self.overlap.activated):
            signal.connect(self._refresh)
        self.target.textEdited.connect(self._on_target_typed)
        self._browse.clicked.connect(self._choose_target)
        self.foot.odd_size_chosen.connect(lambda way: self.form.set_field("odd_size", way))
        self.foot.overlap_chosen.connect(self._on_overlap_chosen)
        self.foot.even_rate_wanted.connect(lambda: self.form.set_field("timing", "constant"))
        self.foot.usual_names_wanted.connect(self.naming.field.clear)
        self.foot.folder_wanted.connect(self._choose_target)
        self.presets.changed.connect(self._on_presets)
        self.presets.said.connect(self.foot.say)
        self._preview.planned.connect(self._on_planned)
        self._preview.unplanned.connect(self._on_unplanned)
        self._exports.changed.connect(self._show_plan)
        self._preview.computing.connect(self.pane.say_busy)
        self._preview.previewed.connect(self._on_previewed)
        self._preview.unpreviewed.connect(self._on_unpreviewed)
        self.export_button.clicked.connect(self._start)
        self.close_button.clicked.connect(self.reject)

    # -- what is chosen ------------------------------------------------------------------------------------------

    def order(self) -> Order:
        """What is chosen now. Raises: UserError: it makes no sense, and why."""
        offer = self.list.offer
        if not self.target.text().strip():
            raise UserError(tr("Say where to write it."), code="export.no_target")
        specs = tuple(replace(each, handles=self.handles.value()) for each in self._named_specs())
        target = Path(self.target.text()).expanduser()
        return Order(
            kind=offer.kind,
            title=offer.title if not offer.is_free else f"{offer.title}: {specs[0].kind.title}",
            project=self._project,
            media_id=self._state.media_id,
            object_ids=self.objects.chosen,
            target=target,
            specs=specs,
            timelines=offer.preset.timelines if offer.preset is not None else (),
            recipe=offer.preset.recipe if offer.preset is not None else "",
            span=None if self.whole.isChecked() else self._state.span,
            with_audio=self.sound.isChecked(),
            opacity=self._settings.overlay_opacity,
            format=offer.annotations.format_id if offer.annotations is not None else "",
            overlap=self.overlap.currentData() or "refuse",
        )

    def _named_specs(self) -> tuple[DeliverySpec, ...]:
        """The settings with the names that were typed; those of a preset stay as long as nothing else is typed."""
        specs, naming = self.form.specs, self.naming.template
        if not specs or naming == specs[0].naming:
            return specs
        return tuple(replace(each, naming=naming) for each in specs)

    def _as_preset(self) -> Preset | None:
        """The settings to be kept, where they can be. Raises: UserError: they make no sense together."""
        offer = self.list.offer
        if offer.kind != MATTE:
            return None
        specs = tuple(replace(each, handles=self.handles.value()) for each in self._named_specs())
        if offer.preset is not None:
            return replace(offer.preset, specs=specs)
        return Preset("preset", offer.title, specs)

    @Slot(object)
    def _on_offer(self, offer: Offer) -> None:
        has_specs = bool(offer.specs)
        notes = offer.preset.notes if offer.preset is not None else [each.kind.note for each in offer.specs]
        self._about.setText(" ".join([offer.about, *dict.fromkeys(notes)]).strip())
        self._about.setVisible(bool(self._about.text()))
        self.form.show_specs(offer.specs, is_free=offer.is_free, cutouts_only=offer.kind == EFFECTS)
        self.form.setVisible(has_specs)
        self.sound.setVisible(offer.kind == OVERLAY and self._clip.has_audio)
        self._rest.setRowVisible(self.handles, has_specs)
        self.overlap.clear()
        for words, way in overlap_choices(offer):
            self.overlap.addItem(words, way)
        self._rest.setRowVisible(self.overlap, self.overlap.count() > 0)
        self._rest.setRowVisible(self.naming, has_specs)
        if has_specs:
            self.naming.field.setText(offer.specs[0].naming)
            self.handles.setValue(offer.specs[0].handles)
        self.presets.set_chosen(offer.preset, can_be_kept=offer.kind == MATTE)
        if not self._target_is_own:
            self._suggest_target(offer)
        self._refresh()

    @Slot(str)
    def _on_presets(self, preset_id: str) -> None:
        self.list.fill(offers(self.presets.presets()), key=f"preset:{preset_id}")

    @Slot(str)
    def _on_overlap_chosen(self, way: str) -> None:
        self.overlap.setCurrentIndex(self.overlap.findData(way))
        self._refresh()

    # -- where to ------------------------------------------------------------------------------------------------

    def _suggest_target(self, offer: Offer) -> None:
        stem = safe_token(self._clip.path.stem)
        folder = Path(self._settings.export_folder or Path.home())
        names = {MASKS: f"{stem}_masks", OVERLAY: f"{stem}_overlay.mp4"}
        if offer.annotations is not None:
            names[ANNOTATIONS] = f"{stem}_{offer.annotations.format_id}{offer.suffix}"
        self.target.setText(str(folder / names.get(offer.kind, f"{stem}_export")))

    def _on_target_typed(self) -> None:
        self._target_is_own = True

    @Slot()
    def _choose_target(self) -> None:
        dialog = QFileDialog(self, tr("Export To"), self.target.text())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        suffix = self.list.offer.suffix
        if suffix:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(suffix[1:])
            dialog.setNameFilter(f"*{suffix}")
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_target_chosen)
        dialog.open()

    def _on_target_chosen(self, path: str) -> None:
        self._target_is_own = True
        self.target.setText(path)

    # -- what it comes to ----------------------------------------------------------------------------------------

    @Slot()
    def _refresh(self) -> None:
        """Ask what would come of what is chosen now."""
        self._plan = None
        self.naming.show_usual(replace(self.form.specs[0], naming="").template if self.form.specs else "")
        try:
            order = self.order()
        except UserError as error:
            self._preview.stop()
            self.naming.show_example("")
            self.export_button.setEnabled(False)
            if error.code == "delivery.no_objects":
                self.foot.say(tr("Choose at least one object."), role="warn")
            else:
                self.foot.show_problem(describe(error))
            return
        self.export_button.setEnabled(True)
        self._preview.ask(order, frame=self._state.frame_index)

    @Slot(object)
    def _on_planned(self, plan: OrderPlan) -> None:
        self._plan = plan
        self._show_plan()
        self.export_button.setEnabled(not plan.blocking)
        if plan.deliveries:
            first = plan.deliveries[0]
            name = first.outputs[0].name
            folder = plan.order.target
            shown = name.path / name.picture(first.first_number) if first.spec.kind.still else name.path
            self.naming.show_example(str(shown.relative_to(folder)))

    @Slot(object)
    def _on_unplanned(self, report: ErrorReport) -> None:
        self.foot.show_problem(report)
        self.export_button.setEnabled(False)

    @Slot(object)
    def _on_previewed(self, preview: OrderPreview) -> None:
        self.pane.show_preview(preview)
        self._frame_s = preview.seconds
        self._show_plan()

    @Slot()
    def _show_plan(self) -> None:
        if self._plan is not None:
            awaited = self._exports.awaited(self._plan.outputs)
            self.foot.show_plan(self._plan, frame_s=self._frame_s, awaited=awaited)

    @Slot(object)
    def _on_unpreviewed(self, report: ErrorReport) -> None:
        self.pane.say_problem(report.message)

    @property
    def status(self) -> str:
        """What the dialog says at its foot."""
        return self.foot.status

    @property
    def plan(self) -> OrderPlan | None:
        """What is known of the order as it is chosen now; None: not yet."""
        return self._plan

    # -- the end -------------------------------------------------------------------------------------------------

    @Slot()
    def _start(self) -> None:
        try:
            order = self.order()
        except UserError as error:
            self.foot.show_problem(describe(error))
            return
        self._settings.export_folder = str(order.target.parent)
        self._settings.export_offer = self.list.offer.key
        self._exports.start(order, self._plan.outputs if self._plan is not None else ())
        self.accept()

    def done(self, result: int) -> None:
        self._preview.stop()
        super().done(result)


def _fitting(dialog: QDialog) -> tuple[int, int]:
    """The usual size, or what the screen has room for."""
    room = dialog.screen().availableGeometry().size() * 0.95
    return min(_SIZE[0], room.width()), min(_SIZE[1], room.height())
