"""From straight colours and alpha to the samples of a file, and back. Every conversion runs with one thread: with more,
FFmpeg's converter damages rows at some widths. Alpha never passes through it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

_BT709 = 1
_CHROMA_ZERO, _CHROMA_SPAN = 128, 224
_BT709_WEIGHTS = (0.2126, 0.7152, 0.0722)  # of red, green and blue in brightness
_BLACK, _WHITE = 16, 235  # of 8 bits, video range


@dataclass(frozen=True)
class Picture:
    """What is written of one frame.

    Attributes:
        rgb: (H, W, 3) uint8 or uint16, straight; None where only the matte is there.
        alpha: (H, W) float32, 0..1.
    """

    rgb: np.ndarray | None
    alpha: np.ndarray

    def __post_init__(self) -> None:
        if self.alpha.ndim != 2 or self.alpha.dtype != np.float32:
            raise ValueError(f"alpha is (H, W) float32, not {self.alpha.shape} {self.alpha.dtype}")
        if self.rgb is not None and (
            self.rgb.shape != (*self.alpha.shape, 3) or self.rgb.dtype not in (np.uint8, np.uint16)
        ):
            raise ValueError(f"colours are {(*self.alpha.shape, 3)} uint8 or uint16, not {self.rgb.shape}")


def quantised(values: np.ndarray, top: int) -> np.ndarray:
    """`values` in 0..1 (beyond is clipped) as integers 0..top, rounded: uint8 up to 255, else uint16."""
    least, greatest, _, _ = cv2.minMaxLoc(values.reshape(values.shape[0], -1).astype(np.float32, copy=False))
    if not (least >= 0 and greatest <= 1):
        values = np.nan_to_num(np.clip(values, 0, 1))
    scaled = np.multiply(values, np.float32(top), dtype=np.float32)
    scaled += np.float32(0.5)
    return np.asarray(scaled.astype(np.uint8 if top <= 255 else np.uint16))


def colours(rgb: np.ndarray, bits: int) -> np.ndarray:
    """The same colours with 8 or 16 bits a sample."""
    if bits == 8:
        return rgb if rgb.dtype == np.uint8 else ((rgb.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return rgb if rgb.dtype == np.uint16 else rgb.astype(np.uint16) * np.uint16(257)


def premultiplied(picture: Picture) -> np.ndarray:
    """(H, W, 3) uint16: colours times alpha. Raises: ValueError: no colours."""
    if picture.rgb is None:
        raise ValueError("this frame has no colours")
    return quantised(unit(picture.rgb) * np.clip(picture.alpha, 0, 1)[..., None], 65535)


def on_background(picture: Picture, background: tuple[int, int, int]) -> np.ndarray:
    """(H, W, 3) uint8 or uint16: the cut-out over a colour. Raises: ValueError: no colours."""
    if picture.rgb is None:
        raise ValueError("this frame has no colours")
    if (picture.alpha >= 1).all():
        return picture.rgb
    alpha = np.clip(picture.alpha, 0, 1)[..., None]
    under = np.asarray(background, np.float32) / 255
    top = 255 if picture.rgb.dtype == np.uint8 else 65535
    return quantised(unit(picture.rgb) * alpha + under * (1 - alpha), top)


def unit(rgb: np.ndarray) -> np.ndarray:
    """Colours as float32 in 0..1."""
    return rgb.astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max)


def linear_light(rgb: np.ndarray) -> np.ndarray:
    """sRGB colours in 0..1, decoded to linear light (IEC 61966-2-1); float32."""
    low = rgb / np.float32(12.92)
    high = ((rgb + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(rgb <= 0.04045, low, high).astype(np.float32)


def together(pictures: Sequence[Picture]) -> Picture:
    """Several objects of one frame, later ones over earlier ones; straight colours again."""
    below = pictures[0]
    for over in pictures[1:]:
        a, b = np.clip(over.alpha, 0, 1), np.clip(below.alpha, 0, 1)
        alpha = a + b * (1 - a)
        rgb = None
        if over.rgb is not None and below.rgb is not None:
            share = np.divide(a, alpha, out=np.ones_like(a), where=alpha > 0)[..., None]
            mixed = unit(over.rgb) * share + unit(below.rgb) * (1 - share)
            rgb = quantised(mixed, int(np.iinfo(over.rgb.dtype).max))
        below = Picture(rgb, alpha)
    return below


def scaled(picture: Picture, *, width: int, height: int) -> Picture:
    """A smaller picture: means over areas, of colours weighted by alpha, so that no background bleeds in."""
    if picture.alpha.shape == (height, width):
        return picture
    size = (width, height)
    alpha = cv2.resize(picture.alpha, size, interpolation=cv2.INTER_AREA).reshape(height, width)
    rgb = None
    if picture.rgb is not None:
        own = unit(picture.rgb)
        plain = cv2.resize(own, size, interpolation=cv2.INTER_AREA)
        weighted = cv2.resize(own * picture.alpha[..., None], size, interpolation=cv2.INTER_AREA)
        seen = alpha[..., None] > 1e-3
        rgb = quantised(
            np.where(seen, weighted / np.maximum(alpha[..., None], 1e-3), plain), int(np.iinfo(picture.rgb.dtype).max)
        )
    return Picture(rgb, np.asarray(alpha, np.float32))


def fitted(picture: np.ndarray, *, width: int, height: int) -> np.ndarray:
    """Crop, or repeat the last column and row, so that `picture` is `height` x `width`."""
    picture = picture[:height, :width]
    below, beside = height - picture.shape[0], width - picture.shape[1]
    if below or beside:
        pad = [(0, below), (0, beside), (0, 0)][: picture.ndim]
        picture = np.pad(picture, pad, mode="edge")
    return np.ascontiguousarray(picture)


def fit(picture: Picture, *, width: int, height: int) -> Picture:
    """`fitted` of colours and alpha."""
    if picture.alpha.shape == (height, width):
        return picture
    rgb = None if picture.rgb is None else fitted(picture.rgb, width=width, height=height)
    return Picture(rgb, fitted(picture.alpha, width=width, height=height))


def cutout_frame(picture: Picture, pixel_format: str, *, multiply: bool) -> av.VideoFrame:
    """Colour and alpha as `pixel_format`: yuva444p10le, yuva420p, bgra, rgba, rgba64be or gbrap16le.

    YUV is BT.709 in video range. Alpha is rounded to the nearest step of the format.
    """
    rgb = premultiplied(picture) if multiply else picture.rgb
    if rgb is None:
        raise ValueError("this frame has no colours")
    height, width = picture.alpha.shape
    if pixel_format in ("bgra", "rgba"):
        pixels = np.empty((height, width, 4), np.uint8)
        eight = colours(rgb, 8)
        pixels[..., :3] = eight[..., ::-1] if pixel_format == "bgra" else eight
        pixels[..., 3] = quantised(picture.alpha, 255)
        return av.VideoFrame.from_ndarray(pixels, format=pixel_format)
    if pixel_format == "rgba64be":
        wide = np.empty((height, width, 4), ">u2")
        wide[..., :3] = colours(rgb, 16)
        wide[..., 3] = quantised(picture.alpha, 65535)
        frame = av.VideoFrame(width, height, pixel_format)
        _fill(frame, 0, wide.reshape(height, width * 4))
        return frame
    if pixel_format == "gbrap16le":
        frame = av.VideoFrame(width, height, pixel_format)
        wide = colours(rgb, 16)
        for plane, channel in enumerate((1, 2, 0)):
            _fill(frame, plane, wide[..., channel])
        _fill(frame, 3, quantised(picture.alpha, 65535))
        return frame
    frame = opaque_frame(rgb, pixel_format)
    _fill(frame, 3, quantised(picture.alpha, 1023 if "10" in pixel_format else 255))
    return frame


def opaque_frame(rgb: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """(H, W, 3) uint8 or uint16 as a YUV `pixel_format`, BT.709 in video range; an alpha plane is opaque."""
    source = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(rgb), format="rgb24" if rgb.dtype == np.uint8 else "rgb48le"
    )
    # Never leave the conversion to encode(): with several threads it corrupts rows at some widths.
    return tagged(
        source.reformat(
            format=pixel_format, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
        )
    )


def matte_frame(alpha: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """(H, W) in 0..1 as brightness: gray, gray16le in full range; yuv420p, yuv444p, yuv422p10le in video range."""
    height, width = alpha.shape
    frame = av.VideoFrame(width, height, pixel_format)
    if pixel_format.startswith("gray"):
        _fill(frame, 0, quantised(alpha, 65535 if "16" in pixel_format else 255))
        return frame
    steps = 4 if "10" in pixel_format else 1
    luma = quantised(alpha, (_WHITE - _BLACK) * steps) + np.uint8(_BLACK * steps)
    wide = np.uint16 if steps > 1 else np.uint8
    _fill(frame, 0, luma.astype(wide))
    for plane in (1, 2):
        rows, columns = frame.planes[plane].height, frame.planes[plane].width
        _fill(frame, plane, np.full((rows, columns), _CHROMA_ZERO * steps, wide))
    return tagged(frame)


def tagged(frame: av.VideoFrame) -> av.VideoFrame:
    """`frame`, said to be BT.709 in video range; ProRes takes its tags from the frame, not from the track."""
    frame.color_range, frame.colorspace = ColorRange.MPEG, Colorspace.ITU709
    frame.color_primaries = frame.color_trc = _BT709
    return frame


def shown_plane(frame: av.VideoFrame, *, alpha: bool) -> np.ndarray:
    """(H, W) float32 in 0..1 of a decoded frame: its alpha, or else its brightness as a matte.

    Raises:
        ValueError: it has no alpha.
    """
    components = frame.format.components
    if alpha:
        if len(components) != 4:
            raise ValueError(f"{frame.format.name} has no alpha")
        return _samples(frame, 3) / np.float32(_top(frame, 3))
    values = _samples(frame, 0)
    if frame.format.name.startswith("gray"):
        return values / np.float32(_top(frame, 0))
    step = np.float32(2 ** (components[0].bits - 8))
    return (values - _BLACK * step) / ((_WHITE - _BLACK) * step)


def shown_colours(frame: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) float32, about 0..1: R, G and B of a decoded frame as they lie in the file, alpha left out.

    YUV is taken as BT.709 in video range, worked out here and not by FFmpeg's converter; coarser chroma is repeated.
    """
    name = frame.format.name
    if not name.startswith("yuv"):
        order = (2, 1, 0) if name.startswith("bgr") else (2, 0, 1) if name.startswith("gbr") else (0, 1, 2)
        samples = [_samples(frame, place) / np.float32(_top(frame, place)) for place in order]
        return np.stack(samples, axis=-1)
    step = np.float32(2 ** (frame.format.components[0].bits - 8))
    luma, blue, red = (_samples(frame, place) / step for place in range(3))
    height, width = luma.shape
    luma = (luma - _BLACK) / (_WHITE - _BLACK)
    blue, red = (_repeated((each - _CHROMA_ZERO) / _CHROMA_SPAN, height, width) for each in (blue, red))
    of_red, of_green, of_blue = _BT709_WEIGHTS
    r = luma + 2 * (1 - of_red) * red
    b = luma + 2 * (1 - of_blue) * blue
    return np.stack([r, (luma - of_red * r - of_blue * b) / of_green, b], axis=-1).astype(np.float32)


def _repeated(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    down, across = -(-height // plane.shape[0]), -(-width // plane.shape[1])
    if (down, across) == (1, 1):
        return plane
    return np.repeat(np.repeat(plane, down, axis=0), across, axis=1)[:height, :width]


def _top(frame: av.VideoFrame, component: int) -> float:
    if "f16" in frame.format.name or "f32" in frame.format.name:
        return 1.0
    return float(2 ** frame.format.components[component].bits - 1)


def _samples(frame: av.VideoFrame, component: int) -> np.ndarray:
    """(H, W) float32: a component's samples as they lie in the file's own pixel format; of coarser chroma fewer."""
    name = frame.format.name
    packed = len(frame.planes) == 1 and len(frame.format.components) == 4
    plane = frame.planes[0 if packed else component]
    bits = frame.format.components[component].bits
    kind = "f4" if "f32" in name else "f2" if "f16" in name else "u1" if bits <= 8 else "u2"
    order = ">" if name.endswith("be") else "<"
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    across = frame.width * (4 if packed else 1)
    values = np.ascontiguousarray(rows[:, : across * int(kind[1])]).view(order + kind)
    if packed:  # alpha is the last of four in rgba, bgra and their wider kin
        values = values.reshape(plane.height, frame.width, 4)[..., component]
    return values[: min(frame.height, plane.height), : min(frame.width, plane.width)].astype(np.float32)


def _fill(frame: av.VideoFrame, index: int, samples: np.ndarray) -> None:
    """Write (rows, columns) samples into a plane, whose lines are longer than its pictures'."""
    plane = frame.planes[index]
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    raw = np.ascontiguousarray(samples).view(np.uint8).reshape(samples.shape[0], -1)
    lines[: raw.shape[0], : raw.shape[1]] = raw
