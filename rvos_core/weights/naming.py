"""From the names that other programs give to parameters to the names of our networks. Plain strings, no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Entries that older programs saved beside the parameters; networks make them themselves.
_DERIVED = re.compile(
    r"(.*\.)?(num_batches_tracked|position_ids|token_type_ids|relative_position_index|attn_mask|relative_coords_table)"
)

# Hugging Face's Swin backbone -> the authors' names, below `backbone.0.body.`; query, key and value come apart there.
_HF_SWIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"(?:swin\.)?embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
        (r"(?:swin\.)?embeddings\.norm\.", "patch_embed.norm."),
        (r"(?:swin\.)?encoder\.layers\.(\d+)\.downsample\.", r"layers.\1.downsample."),
        (r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.layernorm_before\.", r"layers.\1.blocks.\2.norm1."),
        (r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.layernorm_after\.", r"layers.\1.blocks.\2.norm2."),
        (
            r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.attention\.self\.relative_position_bias_table",
            r"layers.\1.blocks.\2.attn.relative_position_bias_table",
        ),
        (
            r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.attention\.self\.(query|key|value)\.",
            r"layers.\1.blocks.\2.attn.qkv/\3.",
        ),
        (
            r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.attention\.output\.dense\.",
            r"layers.\1.blocks.\2.attn.proj.",
        ),
        (r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.intermediate\.dense\.", r"layers.\1.blocks.\2.mlp.fc1."),
        (r"(?:swin\.)?encoder\.layers\.(\d+)\.blocks\.(\d+)\.output\.dense\.", r"layers.\1.blocks.\2.mlp.fc2."),
    )
)
_HF_SWIN_NORM = re.compile(r"(?:swin\.)?hidden_states_norms\.stage(\d)\.")
_BODY = "backbone.0.body."
_PARTS = ("query", "key", "value")

# Hugging Face's Mask2Former -> ISVOS's instance branch.
_MASK2FORMER: tuple[tuple[str, str], ...] = (
    ("model.pixel_level_module.decoder.", "instance.pixel_decoder."),
    ("pixel_level_module.decoder.", "instance.pixel_decoder."),
    ("model.transformer_module.", "instance.transformer_module."),
    ("transformer_module.", "instance.transformer_module."),
    ("class_predictor.", "instance.class_predictor."),
)
# Its ResNet -> torchvision's names.
_HF_RESNET: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?:model\.)?pixel_level_module\.encoder\.{pattern}"), _BODY + name)
    for pattern, name in (
        (r"embedder\.embedder\.convolution\.", "conv1."),
        (r"embedder\.embedder\.normalization\.", "bn1."),
    )
)
_HF_RESNET_LAYER = re.compile(
    r"(?:model\.)?pixel_level_module\.encoder\.encoder\.stages\.(\d)\.layers\.(\d+)\."
    r"(?:layer\.(\d)|(shortcut))\.(convolution|normalization)\.(.+)"
)


def is_derived(name: str) -> bool:
    """Whether `name` is an entry that the network makes itself (counters, tables of positions)."""
    return _DERIVED.fullmatch(name) is not None


def our_name(name: str) -> str:
    """The name of our networks for a name of another program; most are the same.

    A third of a joined matrix keeps its part behind a slash, `attn.qkv/key.weight`: see `joined_name`.
    """
    body = name.removeprefix(_BODY)
    if body != name:
        for pattern, replacement in _HF_SWIN:
            if pattern.match(body):
                return _BODY + pattern.sub(replacement, body, count=1)
        if found := _HF_SWIN_NORM.match(body):
            return f"{_BODY}norm{int(found[1]) - 1}.{body[found.end() :]}"
        return name
    for prefix, replacement in _MASK2FORMER:
        if name.startswith(prefix):
            return replacement + name.removeprefix(prefix)
    for pattern, replacement in _HF_RESNET:
        if pattern.match(name):
            return pattern.sub(replacement, name, count=1)
    if found := _HF_RESNET_LAYER.fullmatch(name):
        return _resnet_name(found)
    return name


def joined_name(name: str) -> tuple[str, int] | None:
    """(name of the joined matrix, 0 to 2 for its query, key and value rows) of a name with a slash; else None."""
    head, slash, rest = name.partition("/")
    if not slash:
        return None
    part, _, kind = rest.partition(".")
    return f"{head}.{kind}", _PARTS.index(part)


def wanted_names(names: Iterable[str]) -> list[str]:
    """Those of `names` that are parameters or buffers of a network, in order."""
    return [name for name in names if not is_derived(name)]


def _resnet_name(found: re.Match[str]) -> str:
    stage, block, place, shortcut, kind, rest = found.groups()
    layer = f"{_BODY}layer{int(stage) + 1}.{block}."
    if shortcut:
        return f"{layer}downsample.{0 if kind == 'convolution' else 1}.{rest}"
    return f"{layer}{'conv' if kind == 'convolution' else 'bn'}{int(place) + 1}.{rest}"
