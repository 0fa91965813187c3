"""Reading clips: video files and image sequences, frame exact, in display geometry. PyAV stays inside this package."""

from rvos_core.media.cache import FrameCache
from rvos_core.media.opening import open_media
from rvos_core.media.prefetch import Prefetcher
from rvos_core.media.probe import ProbeReport, probe_media
from rvos_core.media.reader import MediaReader, StoredFrame
from rvos_core.media.sniff import IMAGE_SUFFIXES, MEDIA_SUFFIXES, VIDEO_SUFFIXES
from rvos_core.media.thumbnails import thumbnail

__all__ = [
    "IMAGE_SUFFIXES",
    "MEDIA_SUFFIXES",
    "VIDEO_SUFFIXES",
    "FrameCache",
    "MediaReader",
    "Prefetcher",
    "ProbeReport",
    "StoredFrame",
    "open_media",
    "probe_media",
    "thumbnail",
]
