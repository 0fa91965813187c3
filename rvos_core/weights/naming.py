"""From the names that other programs give to parameters to the names of our networks. Plain strings, no torch.

Mask2Former's spellings of ISVOS's instance branch are in `rvos_core/models/mask2former_weights.py`.
"""

from __future__ import annotations

import re

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
    return name


def joined_name(name: str) -> tuple[str, int] | None:
    """(name of the joined matrix, 0 to 2 for its query, key and value rows) of a name with a slash; else None."""
    head, slash, rest = name.partition("/")
    if not slash:
        return None
    part, _, kind = rest.partition(".")
    return f"{head}.{kind}", _PARTS.index(part)
