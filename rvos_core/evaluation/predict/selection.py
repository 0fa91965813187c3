"""Which videos and expressions of a data set are wanted: all, or those that `--only` names."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from rvos_core.datasets.referring import ReferringDataset, Video
from rvos_core.datasets.sentences import Sample, SentencesDataset
from rvos_core.errors import UsageError


@dataclass(frozen=True)
class Selection:
    """Videos by name, each with the ids of its wanted expressions (none named: all). Nothing named: everything."""

    wanted: Mapping[str, tuple[str, ...]]

    @staticmethod
    def read(names: Sequence[str]) -> Selection:
        """From `VIDEO` and `VIDEO/EXPRESSION_ID`. Raises: UsageError: an empty name."""
        wanted: dict[str, tuple[str, ...]] = {}
        whole: set[str] = set()
        for name in names:
            video, slash, expression = name.partition("/")
            if not video or (slash and not expression):
                raise UsageError(
                    f"--only {name!r} names no video.",
                    hint="Give VIDEO or VIDEO/EXPRESSION_ID.",
                    code="predict.selection",
                )
            wanted.setdefault(video, ())
            if expression:
                wanted[video] += (expression,)
            else:
                whole.add(video)
        return Selection({video: () if video in whole else ids for video, ids in wanted.items()})

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.wanted

    def of(self, dataset: ReferringDataset) -> ReferringDataset:
        """What is wanted of `dataset`. Raises: UsageError: it has no such video or expression."""
        if not self.wanted:
            return dataset
        known = {video.name: video for video in dataset.videos}
        self._refuse_unknown(known, where=f"{dataset.name} ({dataset.split})")
        videos = tuple(self._part(video) for video in dataset.videos if video.name in self.wanted)
        return replace(dataset, videos=videos)

    def of_whole_videos(self, dataset: ReferringDataset) -> ReferringDataset:
        """As `of`, but single expressions cannot be wanted. Raises: UsageError: they are."""
        for video, ids in self.wanted.items():
            if ids:
                raise UsageError(
                    f"--only {video}/{ids[0]} names one expression; the masks of {dataset.name} are merged from all "
                    "expressions of an annotator.",
                    hint=f"Give the whole clip: --only {video}.",
                    code="predict.selection",
                )
        return self.of(dataset)

    def of_samples(self, dataset: SentencesDataset) -> tuple[Sample, ...]:
        """The samples of the wanted videos. Raises: UsageError: there is no such video, or a sentence is named."""
        if not self.wanted:
            return dataset.samples
        self._refuse_unknown({sample.video for sample in dataset.samples}, where=f"{dataset.name} ({dataset.split})")
        named = next((f"{video}/{ids[0]}" for video, ids in self.wanted.items() if ids), None)
        if named is not None:
            raise UsageError(
                f"--only {named} names one sentence; {dataset.name} is predicted video by video.",
                hint="Give the video alone.",
                code="predict.selection",
            )
        return tuple(sample for sample in dataset.samples if sample.video in self.wanted)

    def _part(self, video: Video) -> Video:
        ids = self.wanted[video.name]
        if not ids:
            return video
        known = [expression.expression_id for expression in video.expressions]
        unknown = next((each for each in ids if each not in known), None)
        if unknown is not None:
            raise UsageError(
                f"{video.name} has no expression with the id {unknown!r}.",
                hint=f"It has {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}.",
                code="predict.unknown_expression",
            )
        kept = tuple(expression for expression in video.expressions if expression.expression_id in ids)
        return replace(video, expressions=kept)

    def _refuse_unknown(self, known: Collection[str], *, where: str) -> None:
        unknown = next((video for video in self.wanted if video not in known), None)
        if unknown is None:
            return
        nearest = difflib.get_close_matches(unknown, known, n=1)
        raise UsageError(
            f"{where} has no video {unknown!r}.",
            hint=f"Did you mean {nearest[0]!r}?" if nearest else f"The first one is {next(iter(known), 'none')!r}.",
            code="predict.unknown_video",
        )
