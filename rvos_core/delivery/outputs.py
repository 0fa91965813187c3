"""The kinds of file a matte or cut-out can be delivered as, and what each of them can hold. Facts only; no writing.

Figures are measured; docs/formats/delivery.md says how and what each format loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

CUTOUT, MATTE = "cutout", "matte"
STRAIGHT, PREMULTIPLIED = "straight", "premultiplied"


@dataclass(frozen=True)
class Encoding:
    """How FFmpeg is asked for a video track.

    Attributes:
        codec: encoder.
        pixel_format: FFmpeg's name.
        muxer: FFmpeg's name of the container.
        options: of the encoder.
        muxer_options: of the container.
        tag: four letters that the container shall call the codec; "" as FFmpeg does.
        intra: every frame stands alone, so that what is encoded once need not be encoded again.
        even: width and height must be even.
        least_side_px: of width and height.
    """

    codec: str
    pixel_format: str
    muxer: str
    options: Mapping[str, str] = field(default_factory=dict)
    muxer_options: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""
    intra: bool = False
    even: bool = False
    least_side_px: int = 1


@dataclass(frozen=True)
class ColourLimit:
    """Errors of colours that are normal, in 0..1: the largest of a sample, and the largest mean of 16x16 pixels."""

    largest: float
    tint: float


@dataclass(frozen=True)
class OutputFormat:
    """One way of writing.

    Attributes:
        name: as in a `DeliverySpec`.
        title: for people.
        suffix: of the files, with its dot.
        contents: what it can hold: "cutout" (colour with alpha, or on a background where there is no alpha), "matte".
        depths: bits a sample, the usual one first; of EXR 16 is half and 32 is float.
        still: one file a frame.
        has_alpha: cut-outs keep their alpha.
        encodings: of video, by content and depth.
        module: Python package that writes it; "" where OpenCV or FFmpeg does.
        alpha_error: largest error of alpha that is normal, in 0..1, by depth; None: lossy, only told.
        colour_error: errors of a cut-out's colours that are normal, by depth.
        bytes_per_covered_pixel: usual size of a cut-out at its first depth, by the pixels that objects cover: what is
            transparent takes next to nothing. As a mean over four clips of DAVIS 2016.
        matte_share: the same of a matte, by that of a cut-out.
        megapixels_per_s: usual speed on one core.
        note: what a person should know before choosing it.
        content_notes: the same by content, where that matters.
    """

    name: str
    title: str
    suffix: str
    contents: tuple[str, ...]
    depths: tuple[int, ...]
    still: bool = False
    has_alpha: bool = True
    encodings: Mapping[tuple[str, int], Encoding] = field(default_factory=dict)
    module: str = ""
    alpha_error: Mapping[int, float] | None = None
    colour_error: Mapping[int, ColourLimit] = field(default_factory=dict)
    bytes_per_covered_pixel: float = 1.0
    matte_share: float = 0.13
    megapixels_per_s: float = 10.0
    note: str = ""
    content_notes: Mapping[str, str] = field(default_factory=dict)

    def encoding(self, content: str, depth: int) -> Encoding | None:
        """How FFmpeg writes this; None for stills. Raises: KeyError: it does not."""
        return None if self.still else self.encodings[content, depth]


def fitting_length(encoding: Encoding, frames: int) -> Encoding:
    """The same for a film of `frames`: x265 gives the first of two frames a decoding time out of nowhere."""
    if encoding.codec != "libx265" or frames >= _FEWEST_WITH_B_FRAMES:
        return encoding
    options = dict(encoding.options)
    options["x265-params"] = f"{options['x265-params']}:bframes=0"
    return replace(encoding, options=options)


_FEWEST_WITH_B_FRAMES = 8
_PRORES_4444 = {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}
_PRORES_HQ = {"profile": "hq", "vendor": "apl0"}
_FFV1 = {"level": "3", "g": "1", "slicecrc": "1"}
_VP9 = {"crf": "15", "b": "0", "auto-alt-ref": "0", "deadline": "good", "cpu-used": "4"}
_FASTSTART = {"movflags": "+faststart"}
_QUIET_X265 = "log-level=none"

H264_PREVIEW = Encoding(
    "libx264", "yuv420p", "mp4", {"preset": "veryfast", "crf": "18"}, muxer_options=_FASTSTART, even=True
)
H264_MATTE = Encoding(
    "libx264", "yuv420p", "mp4", {"preset": "veryfast", "crf": "10"}, muxer_options=_FASTSTART, even=True
)
_H265_PREVIEW = Encoding(
    "libx265",
    "yuv420p",
    "mp4",
    {"preset": "veryfast", "crf": "20", "x265-params": _QUIET_X265},
    muxer_options=_FASTSTART,
    tag="hvc1",
    even=True,
    least_side_px=16,
)
_H265_MATTE = Encoding(
    "libx265",
    "yuv420p",
    "mp4",
    {"preset": "veryfast", "crf": "10", "x265-params": _QUIET_X265},
    muxer_options=_FASTSTART,
    tag="hvc1",
    even=True,
    least_side_px=16,
)

# Half a step of each depth, and what arithmetic in float32 adds to it.
_EXACT = {8: 0.5001 / 255, 16: 0.5001 / 65535 + 1e-7}
# Premultiplied colours of 8 bits are rounded to 16 bits on the way.
_EXACT_COLOUR = {bits: ColourLimit(step, step) for bits, step in ((8, 0.502 / 255), (16, 0.5001 / 65535 + 1e-7))}
# Measured on film, grain, bars and cells of pure colours; about twice what was found there. Single samples of what has
# coarser chroma may be anything at an edge.
_PRORES_COLOUR = {10: ColourLimit(0.03, 0.01)}
_LOSSY_COLOUR = {8: ColourLimit(2, 0.08)}
DWAA_COLOUR = ColourLimit(0.06, 0.01)
_WITHOUT_ALPHA = {
    CUTOUT: "Lossy and without alpha: it lies on a background.",
    MATTE: "Lossy: the matte is a picture in video range.",
}

_ALL = (
    OutputFormat(
        "prores4444",
        "ProRes 4444",
        ".mov",
        (CUTOUT,),
        (10,),
        encodings={(CUTOUT, 10): Encoding("prores_ks", "yuva444p10le", "mov", _PRORES_4444, intra=True)},
        alpha_error={10: 1.5 / 1023},
        colour_error=_PRORES_COLOUR,
        bytes_per_covered_pixel=3.1,
        megapixels_per_s=5.0,
    ),
    OutputFormat(
        "prores422hq",
        "ProRes 422 HQ luma matte",
        ".mov",
        (MATTE,),
        (10,),
        has_alpha=False,
        encodings={(MATTE, 10): Encoding("prores_ks", "yuv422p10le", "mov", _PRORES_HQ, intra=True)},
        bytes_per_covered_pixel=0.73,
        megapixels_per_s=14.0,
        note="The matte is a picture in video range: black 64, white 940 of 1023.",
    ),
    OutputFormat(
        "ffv1",
        "FFV1 in Matroska",
        ".mkv",
        (CUTOUT, MATTE),
        (16, 8),
        encodings={
            (CUTOUT, 8): Encoding("ffv1", "bgra", "matroska", _FFV1, intra=True),
            (CUTOUT, 16): Encoding("ffv1", "gbrap16le", "matroska", _FFV1, intra=True),
            (MATTE, 8): Encoding("ffv1", "gray", "matroska", _FFV1, intra=True),
            (MATTE, 16): Encoding("ffv1", "gray16le", "matroska", _FFV1, intra=True),
        },
        alpha_error=_EXACT,
        colour_error=_EXACT_COLOUR,
        bytes_per_covered_pixel=4.0,
        megapixels_per_s=4.0,
        note="Lossless, for keeping. Editing programs do not read it. Times are kept in whole milliseconds.",
    ),
    OutputFormat(
        "pngmov",
        "PNG in QuickTime",
        ".mov",
        (CUTOUT,),
        (8, 16),
        encodings={
            (CUTOUT, 8): Encoding("png", "rgba", "mov", intra=True),
            (CUTOUT, 16): Encoding("png", "rgba64be", "mov", intra=True),
        },
        alpha_error=_EXACT,
        colour_error=_EXACT_COLOUR,
        bytes_per_covered_pixel=3.1,
        megapixels_per_s=4.0,
    ),
    OutputFormat(
        "webm",
        "VP9 with alpha in WebM",
        ".webm",
        (CUTOUT,),
        (8,),
        encodings={(CUTOUT, 8): Encoding("libvpx-vp9", "yuva420p", "webm", _VP9)},
        colour_error=_LOSSY_COLOUR,
        bytes_per_covered_pixel=0.29,
        megapixels_per_s=3.0,
        note="Lossy: thin and soft edges suffer. For the web and previews; editing programs read it without its alpha.",
    ),
    OutputFormat(
        "h264",
        "H.264 preview",
        ".mp4",
        (CUTOUT, MATTE),
        (8,),
        has_alpha=False,
        encodings={(CUTOUT, 8): H264_PREVIEW, (MATTE, 8): H264_MATTE},
        colour_error=_LOSSY_COLOUR,
        bytes_per_covered_pixel=0.1,
        matte_share=1.0,
        megapixels_per_s=20.0,
        content_notes=_WITHOUT_ALPHA,
    ),
    OutputFormat(
        "h265",
        "H.265 preview",
        ".mp4",
        (CUTOUT, MATTE),
        (8,),
        has_alpha=False,
        encodings={(CUTOUT, 8): _H265_PREVIEW, (MATTE, 8): _H265_MATTE},
        colour_error=_LOSSY_COLOUR,
        bytes_per_covered_pixel=0.1,
        matte_share=1.6,
        megapixels_per_s=10.0,
        content_notes=_WITHOUT_ALPHA,
    ),
    OutputFormat(
        "png",
        "PNG sequence",
        ".png",
        (MATTE, CUTOUT),
        (16, 8),
        still=True,
        alpha_error=_EXACT,
        colour_error=_EXACT_COLOUR,
        bytes_per_covered_pixel=5.4,
        megapixels_per_s=6.5,
    ),
    OutputFormat(
        "tiff",
        "TIFF sequence",
        ".tif",
        (MATTE, CUTOUT),
        (16, 8),
        still=True,
        module="tifffile",
        alpha_error=_EXACT,
        colour_error=_EXACT_COLOUR,
        bytes_per_covered_pixel=4.5,
        megapixels_per_s=6.5,
    ),
    OutputFormat(
        "exr",
        "OpenEXR sequence",
        ".exr",
        (MATTE, CUTOUT),
        (16, 32),
        still=True,
        module="OpenEXR",
        alpha_error={16: 2**-12 + 1e-7, 32: 1e-7},
        colour_error={16: ColourLimit(2**-12 + 1e-6, 2**-12 + 1e-6), 32: ColourLimit(1e-6, 1e-6)},
        bytes_per_covered_pixel=5.4,
        megapixels_per_s=7.0,
        note="One channel matte.<object> an object.",
    ),
)

OUTPUT_FORMATS: Mapping[str, OutputFormat] = MappingProxyType({each.name: each for each in _ALL})
