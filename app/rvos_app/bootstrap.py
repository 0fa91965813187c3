"""The composition root: every long-lived object is made here once and handed to those that need it."""

from __future__ import annotations

import itertools
import logging
import os
import sys
from functools import partial
from pathlib import Path

from app_model import Application
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication

from rvos_app.actions.context import ContextKeeper
from rvos_app.actions.edit import EditCommands, edit_actions
from rvos_app.actions.file import FileCommands, file_actions
from rvos_app.actions.help import help_actions
from rvos_app.actions.hub import ActionHub, KeyGuard
from rvos_app.actions.mask import mask_actions
from rvos_app.actions.object import object_actions
from rvos_app.actions.playback import playback_actions
from rvos_app.actions.run import run_actions
from rvos_app.actions.track import track_actions
from rvos_app.actions.view import view_actions
from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.controllers.backups import Backups
from rvos_app.controllers.clip import ClipController, demo_clip
from rvos_app.controllers.commands import ObjectCommands, TransportCommands, ViewCommands
from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.front import Front
from rvos_app.controllers.importing import Importing
from rvos_app.controllers.projects import ProjectFlow
from rvos_app.controllers.rechoosing import RechooseController
from rvos_app.controllers.recovery import Recovery
from rvos_app.controllers.run import RunController
from rvos_app.controllers.stage import Stage
from rvos_app.controllers.surgery import Surgery
from rvos_app.dialogs.error import ErrorPresenter
from rvos_app.dialogs.help import help_commands
from rvos_app.dialogs.open import choose_folder, choose_video, start_folder
from rvos_app.errors import ErrorReporter
from rvos_app.hand import Hand
from rvos_app.jobs.click_jobs import ClickAnswerer
from rvos_app.jobs.collector import GarbageCollector
from rvos_app.jobs.queue import JobQueue, Queues
from rvos_app.looking import Looking
from rvos_app.main_window import MainWindow, Parts
from rvos_app.panels.candidates import CandidateStrip
from rvos_app.panels.expression_bar import ExpressionBar, ExpressionField
from rvos_app.panels.history import HistoryPanel
from rvos_app.panels.model_panel import ModelPanel
from rvos_app.panels.objects import ObjectsPanel
from rvos_app.panels.proposal_bar import ProposalBar
from rvos_app.panels.recent_menu import RecentMenu
from rvos_app.panels.review import ReviewPanel
from rvos_app.panels.tools import ToolLine, ToolsBar
from rvos_app.panels.transport import TransportBar
from rvos_app.panels.welcome import Welcome
from rvos_app.playback.controller import PlaybackController
from rvos_app.settings import Settings, SettingsStore
from rvos_app.shipping import Shipping
from rvos_app.state import StudioState
from rvos_app.theme import apply_theme
from rvos_app.timeline.widget import TimelineWidget
from rvos_core.inference.engines import engine_cards
from rvos_core.project.library import Library

_log = logging.getLogger("rvos.app")

_WAIT_S = 25.0  # for a window of a slow model on a slow machine to end
_SWITCH_S = 0.001  # the GUI thread waits this long for the interpreter while a job computes; Python's 5 ms add up
_numbers = itertools.count(1)


class Studio(QObject):
    """The running program: the window and everything behind it.

    Args:
        app: the Qt application.
        settings: taken over and changed; saved by `shut_down` where there is a `store`.
        store: where settings are saved; None: nowhere.
        reporter: told of every error.
        library: where projects without a name lie; None: the person's data folder.
        answer_clicks: finds an object from points and a box; None: the clickers of this installation.
    """

    def __init__(
        self,
        app: QApplication,
        *,
        settings: Settings,
        store: SettingsStore | None = None,
        reporter: ErrorReporter | None = None,
        library: Library | None = None,
        answer_clicks: ClickAnswerer | None = None,
    ) -> None:
        super().__init__()
        apply_theme(app, settings.theme)
        self._store = store
        self._commands = Application(f"rvos-studio-{next(_numbers)}")
        self._down = False
        self._switch_s = sys.getswitchinterval()
        self.settings = settings
        self.reporter = reporter or ErrorReporter()
        self.collector = GarbageCollector(self)
        self.state = StudioState()
        self.documents = DocumentController(self.state, library=library or Library(), reporter=self.reporter)
        self._backups = Backups(self.documents)
        self._keeper = ContextKeeper(self.state, self.documents, self._commands.context)
        self._make_workers()
        self.window = MainWindow()
        self.projects = ProjectFlow(
            self.state,
            queue=self.queues.media,
            clips=self.clips,
            documents=self.documents,
            settings=settings,
            reporter=self.reporter,
            window=self.window,
        )
        self.recovery = Recovery(
            self.documents.library,
            queue=self.queues.media,
            reporter=self.reporter,
            window=self.window,
            open_project=self.projects.open,
        )
        self.hub = ActionHub(self._commands, self.window)
        self.canvas, self.field = DrawingCanvas(), ExpressionField()
        self._make_hand(answer_clicks)
        self.objects = ObjectCommands(self.state, runs=self.runs, spread=self.spread, field=self.field)
        self.surgery = Surgery(self.state, documents=self.documents, runs=self.runs, window=self.window)
        self._register_commands()
        self.parts = self._build_parts()
        self._assemble()
        self._join()
        self._guard = KeyGuard(app, self)

    def _make_workers(self) -> None:
        state, settings, reporter = self.state, self.settings, self.reporter
        self.queues = Queues(JobQueue("gpu"), JobQueue("media"), JobQueue("export"), JobQueue("preview"))
        self.playback = PlaybackController(self)
        self.clips = ClipController(
            state,
            queue=self.queues.media,
            playback=self.playback,
            settings=settings,
            reporter=reporter,
        )
        self.runs = RunController(
            state,
            queue=self.queues.gpu,
            clips=self.clips,
            documents=self.documents,
            settings=settings,
            reporter=reporter,
        )
        self.rechoosing = RechooseController(
            state,
            queue=self.queues.media,
            clips=self.clips,
            documents=self.documents,
            reporter=reporter,
        )
        self.shipping = Shipping(
            state, queues=self.queues, clips=self.clips, documents=self.documents, settings=settings
        )
        self.exports = self.shipping.exports
        self.importing = Importing(state, queue=self.queues.media, clips=self.clips, documents=self.documents)

    def _make_hand(self, answer_clicks: ClickAnswerer | None) -> None:
        """What a person corrects with."""
        hand = self.hand = Hand(
            self.state,
            canvas=self.canvas,
            playback=self.playback,
            queue=self.queues.gpu,
            clips=self.clips,
            documents=self.documents,
            settings=self.settings,
            reporter=self.reporter,
            context=self._commands.context,
            answer_clicks=answer_clicks,
        )
        self.shown, self.clicking, self.drawing, self.masks = hand.shown, hand.clicking, hand.drawing, hand.masks
        self.spread, self.doubts, self.correction = hand.spread, hand.doubts, hand.correction
        self.looking = Looking(
            self.state,
            canvas=self.canvas,
            hand=hand,
            playback=self.playback,
            queue=self.queues.preview,
            clips=self.clips,
            documents=self.documents,
            context=self._commands.context,
        )
        self.looks = self.looking.looks
        for each in (hand, self.looking, self.shipping):
            each.said.connect(self._say)

    def _join(self) -> None:
        """Views follow the state from here on."""
        parts = self.parts
        self.stage = Stage(
            self.state,
            playback=self.playback,
            canvas=self.canvas,
            timeline=parts.timeline,
            transport=parts.transport,
            settings=self.settings,
            spread=self.spread,
            doubts=self.doubts,
        )
        self.looking.show_on(parts.timeline)
        self.front = Front(
            self.state,
            window=self.window,
            parts=parts,
            clips=self.clips,
            runs=self.runs,
            documents=self.documents,
            settings=self.settings,
        )
        parts.welcome.chosen.connect(self._open_chosen)
        parts.welcome.files_dropped.connect(self._open_dropped)
        self.canvas.filesDropped.connect(self._open_dropped)
        self.playback.audioUnavailable.connect(self._say)
        self.surgery.noticed.connect(self._say)
        self.surgery.standing_changed.connect(self.window.set_object_line)
        self.presenter = ErrorPresenter(self.window)
        self.reporter.reported.connect(self.presenter.show)

    # -- building ------------------------------------------------------------------------------------------------

    def _register_commands(self) -> None:
        """Commands come before the panels, as panels show their actions."""
        context, settings = self._commands.context, self.settings
        files = FileCommands(
            open_video=self._choose_video,
            open_folder=self._choose_folder,
            open_demo=self._open_demo,
            open_project=self.projects.choose,
            save=self.projects.save,
            save_as=self.projects.save_as,
            save_copy=self.projects.save_copy,
            revert=self.projects.revert,
            add_clip=self.projects.add_clip,
            next_clip=self.projects.next_clip,
            import_annotations=partial(self.importing.ask, self.window),
            export=self.shipping.open_dialog,
            close_clip=self.projects.close,
            quit=lambda: self.window.close(),  # a method of Qt itself has no signature that app-model could read
        )
        transport = TransportCommands(self.state, playback=self.playback, settings=settings, context=context)
        view = ViewCommands(self.canvas, window=self.window, hub=self.hub, settings=settings, context=context)
        self.hub.register(file_actions(files))
        self.hub.register(edit_actions(EditCommands(self.documents.undo, self.documents.redo)))
        self.hub.register(playback_actions(transport))
        self.hub.register(mask_actions(self.masks))
        self.hub.register(track_actions(self.correction))
        self.looking.register(self.hub)
        self.hub.action("mask.accept").triggered.connect(self.correction.accepted)
        self.hub.register(run_actions(self.objects))
        self.hub.register(object_actions(self.surgery))
        self.hub.register(view_actions(view))
        self.hub.register(help_actions(help_commands(self.hub, self.window)))

    def _build_parts(self) -> Parts:
        expression = ExpressionBar(self.field, self.hub)
        expression.submitted.connect(self.hub.action("run.start").trigger)
        self.objects.noticed.connect(expression.set_notice)
        self.canvas.playPauseRequested.connect(self.hub.action("playback.play").trigger)
        candidates = CandidateStrip(self.state)
        candidates.chosen.connect(self.runs.take_candidate)
        candidates.query_chosen.connect(self.rechoosing.take_query)
        candidates.correction_used.connect(self.rechoosing.use_correction)
        self.rechoosing.noticed.connect(partial(expression.set_notice, warns=False))
        history = HistoryPanel(self.hub)
        history.chosen.connect(self.documents.jump)
        self.documents.changed.connect(history.show_standing)
        proposal, review = ProposalBar(self.state, self.spread, self.hub), ReviewPanel(self.state, self.hub)
        proposal.frame_chosen.connect(self.playback.seek)
        self.correction.show_in(review)
        self.correction.review_began.connect(partial(self.window.bring_forward, review))
        return Parts(
            welcome=Welcome(
                self.hub,
                app_icon=self.window.windowIcon(),
                with_demo=demo_clip().exists(),
                library=self.documents.library,
            ),
            canvas=self.canvas,
            tools=ToolsBar(self.hub),
            tool_line=ToolLine(self.hub, self.drawing),
            proposal=proposal,
            review=review,
            transport=TransportBar(self.hub),
            timeline=TimelineWidget(),
            expression=expression,
            candidates=candidates,
            objects=ObjectsPanel(self.state, self.hub),
            model=ModelPanel(engine_cards(), self.runs.choice),
            history=history,
            exports=self.shipping.panel,
            matte=self.looking.make_panel(self.hub, self.window.bring_forward),
        )

    def _assemble(self) -> None:
        recent = RecentMenu(self.settings)
        recent.chosen.connect(self._open_chosen)
        self.window.assemble(self.parts, self.hub, submenus={"file.open_folder": recent})
        self.window.restore(self.settings)
        self.window.may_close = self._may_close
        self.shipping.show_in(self.window)

    # -- starting and ending -------------------------------------------------------------------------------------

    def start(self, clip: Path | None = None, *, expression: str = "") -> None:
        """Show the window; open `clip` where one is given, and put `expression` into the field."""
        self.collector.start()
        sys.setswitchinterval(_SWITCH_S)
        self.window.show()
        if clip is not None:
            self.front.expression_to_type = expression
            self.projects.open(clip)
        self.recovery.begin()
        self.shipping.begin()

    def _may_close(self) -> bool:
        """Nothing is asked, as nothing is lost: everything stops, in order."""
        self.shut_down()
        return True

    def shut_down(self) -> None:
        """Stop what runs, wait for the threads, save the settings.

        No thread is killed: a run ends at its next frame. Where one does not, the process leaves without destroying it.
        """
        if self._down:
            return
        self._down = True
        self.window.remember(self.settings)
        self.window.hide()
        self.shipping.close()
        for queue in self.queues.all():
            queue.begin_shutdown()
        self.clips.give_up()
        still_working = [queue for queue in self.queues.all() if not queue.finish_shutdown(_WAIT_S)]
        self.looking.close()
        self.documents.finish()
        if self._store is not None:
            self._store.save(self.settings)
        self.doubts.stop()
        self.collector.stop()
        sys.setswitchinterval(self._switch_s)
        if still_working:
            _log.error("a job did not end within %.0f s", _WAIT_S)
            logging.shutdown()
            os._exit(1)
        Application.destroy(self._commands.name)

    # -- commands that open dialogs ------------------------------------------------------------------------------

    def _choose_video(self) -> None:
        choose_video(self.window, folder=start_folder(self.settings.recent_files), then=self._open_path)

    def _choose_folder(self) -> None:
        choose_folder(self.window, folder=start_folder(self.settings.recent_files), then=self._open_path)

    def _open_path(self, path: str) -> None:
        self._open_chosen(Path(path))

    def _open_chosen(self, path: Path) -> None:
        self.projects.open(path)

    def _open_dropped(self, paths: list[Path]) -> None:
        if paths and not self.importing.took(paths[0], self.window):
            self._open_chosen(paths[0])

    def _open_demo(self) -> None:
        self._open_chosen(demo_clip())

    @Slot(str)
    def _say(self, sentence: str) -> None:
        self.window.statusBar().showMessage(sentence, 8000)
