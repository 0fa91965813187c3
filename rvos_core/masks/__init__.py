"""Masks: run lengths, PNG files, outlines, colours. numpy and OpenCV; Pillow where indexed PNG is read or written."""

from rvos_core.masks.edges import guide_bytes, guide_of, mask_along_edges, probability_along_edges
from rvos_core.masks.ops import contours, fill_holes, logits_to_mask, moved, pixel_bbox
from rvos_core.masks.palette import OBJECT_COLOURS, davis_palette, object_colour
from rvos_core.masks.png import (
    MAX_OBJECT_ID,
    VOID,
    indexed_png_bytes,
    mask_png_bytes,
    read_indexed_png,
    read_mask_png,
    write_indexed_png,
    write_mask_png,
)
from rvos_core.masks.queries import QueryMasks
from rvos_core.masks.rle import (
    Rle,
    area,
    bbox,
    decode,
    difference,
    empty,
    encode,
    from_coco,
    intersection,
    intersection_area,
    iou,
    to_coco,
    union,
)
from rvos_core.masks.trimap_strokes import TrimapStrokes

__all__ = [
    "MAX_OBJECT_ID",
    "OBJECT_COLOURS",
    "VOID",
    "QueryMasks",
    "Rle",
    "TrimapStrokes",
    "area",
    "bbox",
    "contours",
    "davis_palette",
    "decode",
    "difference",
    "empty",
    "encode",
    "fill_holes",
    "from_coco",
    "guide_bytes",
    "guide_of",
    "indexed_png_bytes",
    "intersection",
    "intersection_area",
    "iou",
    "logits_to_mask",
    "mask_along_edges",
    "mask_png_bytes",
    "moved",
    "object_colour",
    "pixel_bbox",
    "probability_along_edges",
    "read_indexed_png",
    "read_mask_png",
    "to_coco",
    "union",
    "write_indexed_png",
    "write_mask_png",
]
