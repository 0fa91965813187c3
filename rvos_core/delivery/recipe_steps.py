"""What to click in each program, as plain data. Menus are named as their makers' manuals name them; none was tried.

A section is shown where the delivery has what it needs. Words in braces are filled in by `recipes`: `{cutout}`,
`{matte}`, `{cutouts}`, `{mattes}`, `{timeline}`, `{rate}`, `{clip}`, `{number}`, `{offset}`, `{alpha}` and
`{alpha_name}`, the name that the program has for this kind of alpha.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Section:
    """Steps for one way. `needs`: of "timeline", "cutout", "matte", "cutout pictures", "matte pictures", "exr",
    "source pictures"."""

    title: str
    needs: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Editor:
    """One program: its sections, its names of straight and premultiplied alpha, and what to do where it looks wrong."""

    title: str
    sections: tuple[Section, ...]
    alpha_names: Mapping[str, str] = field(default_factory=dict)
    opaque: str = ""
    halo: str = ""
    shifted: str = ""


_PREMIERE = Editor(
    "Adobe Premiere Pro",
    (
        Section(
            "With the timeline",
            "timeline",
            (
                "File > Import, choose {timeline}. A bin with a sequence appears.",
                "Open the sequence: {clip} is on V1, the cut-out on the tracks above it, the luma matte on top, "
                "disabled.",
                "If files are asked for, point to them once in the Link Media dialog.",
            ),
        ),
        Section(
            "By hand, with the cut-out",
            "cutout",
            (
                "File > Import, choose {cutouts}.",
                "Check its alpha: right-click it in the Project panel > Modify > Interpret Footage > Alpha Channel: "
                "{alpha_name}.",
                "Put {clip} on V1 and {cutout} on V2, so that {offset}.",
            ),
        ),
        Section(
            "With the luma matte (Track Matte Key)",
            "matte",
            (
                "Put the background on V1, {clip} on V2 and {matte} on V3, so that {offset}.",
                "In the Effects panel open Video Effects > Keying and drag Track Matte Key onto the clip on V2.",
                "In Effect Controls set Matte: Video 3 and Composite Using: Matte Luma. Reverse takes what is round "
                "the object.",
                "Hide V3 with its eye; the effect still uses it.",
            ),
        ),
        Section(
            "Numbered pictures",
            "pictures",
            (
                "File > Import, choose the first picture, tick Image Sequence.",
                "Right-click it > Modify > Interpret Footage > Assume this frame rate: {rate}.",
            ),
        ),
    ),
    {"straight": "Premultiplied Alpha not ticked", "premultiplied": "Premultiplied Alpha ticked"},
    opaque="Modify > Interpret Footage: Ignore Alpha Channel must not be ticked.",
    halo="Modify > Interpret Footage > Alpha Channel: {alpha_name}.",
    shifted="Modify > Interpret Footage > Frame Rate must be {rate} for the clip and for what was delivered.",
)

_AFTER_EFFECTS = Editor(
    "Adobe After Effects",
    (
        Section(
            "By hand, with the cut-out",
            "cutout",
            (
                "File > Import > File, choose {cutouts}.",
                "Right-click it in the Project panel > Interpret Footage > Main > Alpha: {alpha_name}.",
                "Make a composition from {clip} and put {cutout} above it, so that {offset}.",
            ),
        ),
        Section(
            "With the luma matte (track matte)",
            "matte",
            (
                "Put {matte} directly above {clip} in the composition, so that {offset}.",
                "In the Track Matte column of {clip} choose {matte}, then Luma (in older versions: the TrkMat menu, "
                "Luma Matte). Inverted takes what is round the object.",
            ),
        ),
        Section(
            "Numbered pictures",
            "pictures",
            (
                "File > Import > File, choose the first picture, tick the Sequence box.",
                "Interpret Footage > Main > Assume this frame rate: {rate}.",
            ),
        ),
        Section(
            "With the timeline",
            "timeline",
            (
                "File > Import > Pro Import After Effects, choose {timeline}; or import it in Premiere Pro and copy "
                "there.",
            ),
        ),
    ),
    {"straight": "Straight - Unmatted", "premultiplied": "Premultiplied - Matted With Color, black"},
    opaque="Interpret Footage > Main: Alpha must not be Ignore.",
    halo="Interpret Footage > Main > Alpha: {alpha_name}. Guess can be wrong.",
    shifted="Interpret Footage > Main: both must conform to {rate}; the composition must have the same rate.",
)

_RESOLVE = Editor(
    "DaVinci Resolve",
    (
        Section(
            "With the timeline",
            "timeline",
            (
                "In a new project set Project Settings > Master Settings > Timeline frame rate: {rate}, before any "
                "media is added; it cannot be changed later.",
                "File > Import > Timeline, choose {timeline}.",
                "{clip} is on V1, the cut-out above it, the luma matte on top, disabled.",
            ),
        ),
        Section(
            "By hand, with the cut-out",
            "cutout",
            (
                "Add {cutouts} and {clip} to the Media Pool.",
                "Right-click the cut-out > Clip Attributes > Video > Alpha mode: {alpha_name}.",
                "Edit page: {clip} on V1, {cutout} on V2, so that {offset}.",
            ),
        ),
        Section(
            "With the luma matte (external matte)",
            "matte",
            (
                "Media page: select {clip} in the Media Pool, then right-click {matte} in the Media Storage browser "
                "and choose the Add as Matte command (its name varies with the version). The matte must begin with "
                "the clip.",
                "Color page: right-click a node > Add Matte, choose {matte}; connect the matte's key output (the blue "
                "square) with the node's key input.",
                "To make the outside transparent, right-click the Node Editor > Add Alpha Output and connect the key "
                "there.",
            ),
        ),
        Section(
            "Numbered pictures",
            "pictures",
            (
                "The Media Storage browser shows a sequence as one clip (Frame Display Mode > Sequence); add it to "
                "the Media Pool.",
                "Right-click it > Clip Attributes > Video frame rate: {rate}.",
            ),
        ),
    ),
    {"straight": "Straight", "premultiplied": "Premultiplied"},
    opaque="Clip Attributes > Video > Alpha mode must not be None.",
    halo="Clip Attributes > Video > Alpha mode: {alpha_name}.",
    shifted="Clip Attributes > Video frame rate must be {rate} for both; the timeline, too.",
)

_FINAL_CUT = Editor(
    "Final Cut Pro",
    (
        Section(
            "The clip",
            "source pictures",
            (
                "{clip} is a folder of pictures, which Final Cut Pro imports as single stills: make a movie of them "
                "first, at the same rate and with the same first frame, and take it wherever {clip} stands below.",
            ),
        ),
        Section(
            "With the timeline",
            "timeline",
            (
                "File > Import > XML, choose {timeline}. An event with a project appears.",
                "Open the project: {clip} is the primary storyline, the cut-out is connected above it, the luma matte "
                "is connected on top, disabled (V enables and disables a clip).",
                "If files are missing: File > Relink Files.",
            ),
        ),
        Section(
            "By hand, with the cut-out",
            "cutout",
            (
                "File > Import > Media, choose {cutouts}.",
                "Select it in the browser; Info inspector > Settings view > Alpha Handling: {alpha_name}.",
                "Put {clip} into the storyline and connect {cutout} above it (Q), so that {offset}.",
            ),
        ),
        Section(
            "With the luma matte",
            "matte",
            (
                "Connect a copy of {clip} above the background and {matte} above that, so that {offset}.",
                "Select the matte; Video inspector > Compositing > Blend Mode: Stencil Luma.",
                "Select the copy and the matte together; File > New > Compound Clip, so that only they are cut out.",
            ),
        ),
        Section(
            "Numbered pictures",
            "pictures",
            ("A sequence of pictures is imported as single stills, not as a clip: deliver ProRes 4444 instead.",),
        ),
    ),
    {"straight": "Straight", "premultiplied": "Premultiplied"},
    opaque="Info inspector > Settings view > Alpha Handling must not be None/Ignore.",
    halo="Info inspector > Settings view > Alpha Handling: {alpha_name}.",
    shifted="The project must have {rate} (Inspector > Modify); clips of other rates are conformed.",
)

_NUKE = Editor(
    "Nuke",
    (
        Section(
            "The clip",
            "",
            (
                "Read (R) {clip}. Set frame to “start at” {plate_start}, so that {offset}. Project Settings: {rate} "
                "frames/s.",
            ),
        ),
        Section(
            "Numbered cut-outs",
            "cutout pictures",
            (
                "Read (R) {cutouts}; the frame range is found by itself.",
                "The colours are {alpha}. Merge (M), operation over: A is the cut-out{premult_step}, B the background.",
                "Before you grade an object that is premultiplied: Unpremult, grade, Premult.",
            ),
        ),
        Section(
            "Objects as channels of EXR",
            "exr",
            (
                "Every object is a channel matte.<object>. Copy (K) it into rgba.alpha of the clip, then Premult; or "
                "choose it as the mask of any node.",
                "What was typed, and ids, are in the header: ViewMetaData shows rvos/objects and rvos/expression.",
            ),
        ),
        Section(
            "Numbered mattes",
            "matte pictures",
            (
                "Read (R) {mattes}; tick raw data for PNG and TIFF, so that the matte is not changed by a colour "
                "space.",
                "Copy (K) its red channel into rgba.alpha of the clip, then Premult.",
            ),
        ),
        Section(
            "Movies",
            "cutout",
            ("Read (R) {cutouts}. Its colours are {alpha}{premult_step}; then Merge (M), over.",),
        ),
        Section(
            "With the timeline",
            "timeline",
            ("Nuke Studio and Hiero: File > Import > Import Edit, choose {timeline}. Nuke itself has no timeline.",),
        ),
    ),
    {"straight": "straight", "premultiplied": "premultiplied"},
    opaque="View the alpha channel (A over the Viewer). In Read, auto alpha must not be ticked.",
    halo="Premultiplied colours must not be multiplied again: no Premult behind the Read. Straight ones need it once.",
    shifted="Compare frame {number} of what was delivered with frame {span_start} of the clip, counted from 0.",
)

_WEB = Editor(
    "a page on the web",
    (
        Section(
            "In a page",
            "cutout",
            (
                "Put the files on the server and write into the page:\n\n{html}\n",
                "WebM with alpha is for Chrome, Edge and Firefox. Safari is said to show it without its alpha; where "
                "that matters, give it the .mp4 on a background of the page's colour.",
                "VP9 is lossy: thin and soft edges suffer. For editing, deliver ProRes 4444 instead.",
            ),
        ),
        Section(
            "In OBS Studio",
            "cutout",
            ("Sources > + > Media Source, Local File, choose the .webm; tick Loop.",),
        ),
    ),
    {"straight": "straight", "premultiplied": "premultiplied"},
    opaque=(
        "The browser, or a program on the way, reads VP9 without its alpha; never put it into .mp4, which drops alpha."
    ),
    halo="Deliver again with another edge (shrink by a pixel), as a browser has no setting for alpha.",
    shifted="Browsers do not show single frames exactly; judge it in an editing program.",
)

EDITORS: Mapping[str, Editor] = MappingProxyType(
    {
        "premiere": _PREMIERE,
        "aftereffects": _AFTER_EFFECTS,
        "resolve": _RESOLVE,
        "finalcut": _FINAL_CUT,
        "nuke": _NUKE,
        "web": _WEB,
    }
)
