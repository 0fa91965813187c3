"""Steps of every recipe, filled with the names of an export. Menus as manuals name them; no program was at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.timelines.placing import DeliveredFile
from rvos_core.types import MediaInfo


@dataclass(frozen=True)
class Section:
    """A heading and its steps; one that begins with four spaces is kept as it is."""

    title: str
    steps: tuple[str, ...]
    numbered: bool = True


@dataclass(frozen=True)
class Export:
    """What a page is about: the clip, what was delivered of it, timelines, and where all of it lies."""

    info: MediaInfo
    files: tuple[DeliveredFile, ...]
    timelines: tuple[Path, ...]
    folder: Path

    @property
    def clip(self) -> str:
        """Name of the clip."""
        return f"“{self.info.path.name}”"

    @property
    def cutouts(self) -> tuple[DeliveredFile, ...]:
        """Pictures with alpha."""
        return tuple(each for each in self.files if each.content == CUTOUT and each.alpha != "none")

    @property
    def mattes(self) -> tuple[DeliveredFile, ...]:
        """White on black."""
        return tuple(each for each in self.files if each.content != CUTOUT)

    def relative(self, path: Path) -> str:
        """A path as seen from the export's folder."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)

    def name(self, file: DeliveredFile) -> str:
        """A file, or the first picture of a sequence."""
        path = file.path if file.pictures is None else file.path / file.pictures.name(0)
        return self.relative(path)

    def timeline(self, *suffixes: str) -> str | None:
        """The first timeline that has one of these suffixes."""
        return next(
            (self.relative(path) for suffix in suffixes for path in self.timelines if path.suffix == suffix), None
        )

    def named(self, files: tuple[DeliveredFile, ...], what: str) -> str:
        """One file by its name, several by what they are."""
        return f"“{self.name(files[0])}”" if len(files) == 1 else f"the {what}s"

    def at(self) -> str:
        """Where on the clip the first frame belongs."""
        file = self.files[0]
        code = f" (timecode {file.timecode})" if file.timecode is not None else ""
        return f"frame {file.span.start} of {self.clip}{code}"


def _alpha(export: Export, *, straight: str, premultiplied: str) -> list[str]:
    """The steps for whichever alpha is there."""
    found = []
    for name, step in (("straight", straight), ("premultiplied", premultiplied)):
        files = tuple(each for each in export.cutouts if each.alpha == name)
        if files:
            found.append(f"For {export.named(files, f'{name} cut-out')}: {step}")
    return found


def _trouble(*special: str) -> Section:
    return Section(
        "If it looks wrong",
        (
            *special,
            "Opaque, the background of the cut-out is there: alpha is ignored. Look at the alpha setting above.",
            "A dark or bright rim: straight and premultiplied are mixed up. Change the alpha setting to the other one.",
            "Shifted in time: the program has given the file another frame rate or start. Set the rate that stands "
            "above and compare one frame in the middle and the last one.",
            "Shifted or stretched in place: the program has scaled one of the two. Give both the same scale and "
            "position.",
        ),
        numbered=False,
    )


def _sections(with_timeline: list[str], by_hand: list[str], with_matte: list[str], trouble: Section) -> list[Section]:
    """The usual page; parts for which nothing was delivered are left out."""
    parts = (("With the timeline", with_timeline), ("By hand", by_hand), ("With the matte instead", with_matte))
    return [*(Section(title, tuple(steps)) for title, steps in parts if steps), trouble]


def _premiere(export: Export) -> list[Section]:
    timeline = export.timeline(".xml", ".otio")
    with_timeline = [
        f"File > Import, choose “{timeline}”. A sequence appears: the clip on V1, cut-outs above it, mattes on top, "
        "switched off.",
        "If media are offline: right-click > Link Media, and choose the files of this folder.",
        *_interpret_premiere(export),
    ]
    by_hand = [
        f"File > Import {export.clip} and {export.named(export.cutouts, 'cut-out')}.",
        f"Drag the clip to V1 and the cut-out to V2, so that its first frame lies on {export.at()}.",
        *_interpret_premiere(export),
    ]
    with_matte = [
        f"Put {export.named(export.mattes, 'matte')} on a track above the clip, frame on frame; its track stays on.",
        "Effects panel: Video Effects > Keying > Track Matte Key, drag it onto the clip.",
        "Effect Controls: Matte: the track of the matte; Composite Using: Matte Luma.",
    ]
    return _sections(
        with_timeline if timeline else [],
        by_hand if export.cutouts else [],
        with_matte if export.mattes else [],
        _trouble("With Track Matte Key nothing is cut: Composite Using stands on Matte Alpha; choose Matte Luma."),
    )


def _interpret_premiere(export: Export) -> list[str]:
    where = "right-click it in the Project panel > Modify > Interpret Footage; in Alpha Channel"
    return _alpha(
        export,
        straight=f"{where}, ignore must be off and premultiplied off (straight).",
        premultiplied=f"{where}, ignore must be off and premultiplied on.",
    )


def _after_effects(export: Export) -> list[Section]:
    timeline = export.timeline(".xml")
    interpret = _alpha(
        export,
        straight="select it in the Project panel, File > Interpret Footage > Main: Alpha: Straight - Unmatted.",
        premultiplied="select it in the Project panel, File > Interpret Footage > Main: Alpha: Premultiplied - Matted "
        "With Color: black.",
    )
    rate = float(export.files[0].rate)
    with_timeline = [
        f"File > Import > Pro Import After Effects, choose “{timeline}”. A composition appears with the clip below, "
        "cut-outs above it, mattes on top, switched off.",
        *interpret,
    ]
    by_hand = [
        f"File > Import > File: {export.clip} and {export.named(export.cutouts, 'cut-out')}"
        + ("; tick Sequence." if export.cutouts and export.cutouts[0].pictures else "."),
        *interpret,
        f"In the same window: Frame Rate: {rate:.6g}, as the clip has it.",
        f"Drag the clip into a new composition, the cut-out above it, its first frame on {export.at()}.",
    ]
    with_matte = [
        f"Put {export.named(export.mattes, 'matte')} directly above the clip's layer, frame on frame.",
        "In the clip's Track Matte column choose the matte's layer and Luma (older versions: TrkMat: Luma Matte).",
    ]
    return _sections(
        with_timeline if timeline else [],
        by_hand if export.cutouts else [],
        with_matte if export.mattes else [],
        _trouble("The matte does nothing: the column stands on Alpha; click its sign until it is Luma."),
    )


def _resolve(export: Export) -> list[Section]:
    timeline = export.timeline(".fcpxml", ".xml", ".otio")
    attributes = "right-click it in the Media Pool > Clip Attributes > Video > Alpha Mode"
    alpha = _alpha(export, straight=f"{attributes}: Straight.", premultiplied=f"{attributes}: Premultiplied.")
    with_timeline = [
        f"File > Import > Timeline, choose “{timeline}”; leave the import of source clips on. A timeline appears: the "
        "clip on the lowest track, cut-outs above it, mattes on top, switched off.",
        *alpha,
    ]
    others = [export.relative(path) for path in export.timelines if export.relative(path) != timeline]
    if others:
        with_timeline.append(f"If that one is refused, the same is in {' and '.join(f'“{name}”' for name in others)}.")
    by_hand = [
        f"Project Settings > Timeline frame rate: {float(export.files[0].rate):.6g}, before anything is imported.",
        f"Drag {export.clip} and {export.named(export.cutouts, 'cut-out')} into the Media Pool.",
        *alpha,
        f"Edit page: the clip on V1, the cut-out on V2, its first frame on {export.at()}.",
    ]
    with_matte = [
        f"Media page: select {export.clip} in the Media Pool, then right-click {export.named(export.mattes, 'matte')} "
        "in the media storage above > Add as Matte.",
        "Color page: right-click among the nodes > Add Matte; connect its key output to the key input of the node that "
        "shall work on the object alone.",
    ]
    return _sections(
        with_timeline if timeline else [],
        by_hand if export.cutouts else [],
        with_matte if export.mattes else [],
        _trouble(
            "Opaque although Alpha Mode is set: the clip was on the timeline before; set it, and drag it in anew."
        ),
    )


def _final_cut(export: Export) -> list[Section]:
    timeline = export.timeline(".fcpxml")
    where = "select it in the browser, Info inspector > Settings > Alpha Handling"
    alpha = _alpha(export, straight=f"{where}: Straight.", premultiplied=f"{where}: Premultiplied.")
    with_timeline = [
        f"File > Import > XML, choose “{timeline}”. An event and a project appear: cut-outs are connected above the "
        "clip, mattes above them, disabled.",
        *alpha,
        "A matte is switched on and off by selecting it and pressing V.",
    ]
    by_hand = [
        f"File > Import > Media: {export.clip} and {export.named(export.cutouts, 'cut-out')}.",
        *alpha,
        f"Put the clip into the project, the playhead on {export.at()}; select the cut-out in the browser and press Q "
        "to connect it there.",
    ]
    with_matte = [
        f"Import {export.named(export.mattes, 'matte')}.",
        "Effects > Masks > Image Mask on the clip; choose the matte as its source and luminance as its channel.",
    ]
    has_pictures = any(each.pictures is not None for each in export.files)
    special = (
        ["Pictures come as single stills: Final Cut Pro has no sequences; deliver movies."] if has_pictures else []
    )
    return _sections(
        with_timeline if timeline else [],
        by_hand if export.cutouts else [],
        with_matte if export.mattes else [],
        _trouble(*special),
    )


def _nuke(export: Export) -> list[Section]:
    timeline = export.timeline(".otio")
    reads = []
    for each in export.files[:8]:
        if each.pictures is None:
            reads.append(f"Read: “{export.name(each)}”.")
            continue
        name = each.pictures.name(0).replace(
            f"{each.pictures.first:0{each.pictures.digits}d}", "#" * each.pictures.digits
        )
        first = each.pictures.first
        place = export.relative(each.path / name)
        reads.append(f"Read: “{place}”, frames {first} to {first + each.frames - 1}.")
    file = export.files[0]
    start = file.pictures.first if file.pictures is not None else 1
    by_hand = [
        *reads,
        f"Read the plate, {export.clip}, and move it in time (TimeOffset, or the Read's frame “start at”), so that its "
        f"frame {file.span.start}, counted from 0, lies on {start}.",
        *_alpha(
            export,
            straight="a Premult node first, then Merge (over): A the cut-out, B what is behind it.",
            premultiplied="Merge (over): A the cut-out, B what is behind it. No Premult: it is multiplied already.",
        ),
    ]
    with_matte = [
        f"Read of {export.named(export.mattes, 'matte')}: tick Raw Data; it is a mask, not a colour.",
        "Copy: A the matte, B the plate, rgba.red to rgba.alpha; then Premult. Or plug it into a node's mask input and "
        "choose rgba.red.",
        "An EXR with channels matte.<object>: Shuffle that channel into alpha.",
    ]
    with_timeline = [f"Nuke Studio and Hiero: File > Import, choose “{timeline}”. Nuke itself has no timelines."]
    return _sections(
        with_timeline if timeline else [],
        by_hand,
        with_matte if export.mattes else [],
        _trouble("Too bright or too dark: EXR is linear light, so its Read stands on linear (scene_linear in OCIO)."),
    )


def _web(export: Export) -> list[Section]:
    sources = []
    for each in export.files:
        kind = {".webm": 'video/webm; codecs="vp9"', ".mp4": "video/mp4"}.get(each.path.suffix)
        if kind:
            address = escape(quote(export.name(each).replace("\\", "/")), quote=True)
            sources.append(f'      <source src="{address}" type="{escape(kind, quote=True)}">')
    page = "\n".join(["    <video autoplay loop muted playsinline>", *sources, "    </video>"])
    steps = (
        "Put the files beside your page, and this into it; the browser takes the first one that it can play:",
        page,
        "The .webm has alpha: what is behind the video shows through in Chrome, Edge and Firefox. Safari is said to "
        "play it without alpha.",
        "The .mp4 has none: it lies on a plain colour, for browsers and programs that play nothing else.",
        "OBS: Sources > Media Source takes the .webm with its alpha.",
    )
    return [
        Section("On a page", steps, numbered=False),
        Section(
            "If it looks wrong",
            (
                "Opaque: the .mp4 is played, or the .webm was encoded anew on the way; services that make video "
                "smaller drop its alpha.",
                "Edges are coarse: VP9 is lossy. For quality deliver ProRes 4444 and let the last program encode.",
            ),
            numbered=False,
        ),
    ]


# Recipe -> name of the program, and its steps.
STEPS: Mapping[str, tuple[str, Callable[[Export], list[Section]]]] = MappingProxyType(
    {
        "premiere": ("Adobe Premiere Pro", _premiere),
        "aftereffects": ("Adobe After Effects", _after_effects),
        "resolve": ("DaVinci Resolve", _resolve),
        "finalcut": ("Final Cut Pro", _final_cut),
        "nuke": ("Nuke", _nuke),
        "web": ("browsers", _web),
    }
)
