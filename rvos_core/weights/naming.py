"""From the names that other programs give to parameters to the names of our networks. Plain strings, no torch.

Mask2Former's spellings of ISVOS's instance branch are in `rvos_core/models/mask2former_weights.py`.
"""

from __future__ import annotations

import re

_BODY = "backbone.0.body."

# Entries that other programs saved beside the parameters: what networks make themselves, the counters of a profiler
# (total_ops, total_params), and, last, the norm of Hugging Face's Swin that a backbone does not use.
_DERIVED = re.compile(
    r"(.*\.)?(num_batches_tracked|position_ids|token_type_ids|relative_position_index|attn_mask|relative_coords_table"
    r"|total_ops|total_params)"
    r"|backbone\.0\.body\.(swin\.)?layernorm\.(weight|bias)"
)
# Parameters of trials in the authors' code of R2-VOS that nothing there reads any more.
_ABANDONED = re.compile(r"negative_anchor\.weight|cycle_projector\..+")

# Hugging Face's Swin -> the authors' names, below `backbone.0.body.`; within a block before and since transformers 5.
_SWIN = re.compile(r"(?:swin\.)?(?:encoder\.)?(.+)")
_SWIN_PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"embeddings\.patch_embeddings\.projection\."), "patch_embed.proj."),
    (re.compile(r"embeddings\.norm\."), "patch_embed.norm."),
)
_SWIN_NORM = re.compile(r"hidden_states_norms\.stage(\d)\.")
_SWIN_BLOCK = re.compile(r"(layers\.\d+\.blocks\.\d+\.)(.+)")
_BLOCK_PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"layernorm_before\."), "norm1."),
    (re.compile(r"layernorm_after\."), "norm2."),
    (re.compile(r"attention\.(self|relative_position_bias)\.relative_pos"), "attn.relative_pos"),
    (re.compile(r"attention\.(self\.query|q_proj)\."), "attn.qkv/q."),
    (re.compile(r"attention\.(self\.key|k_proj)\."), "attn.qkv/k."),
    (re.compile(r"attention\.(self\.value|v_proj)\."), "attn.qkv/v."),
    (re.compile(r"attention\.(output\.dense|o_proj)\."), "attn.proj."),
    (re.compile(r"intermediate\.dense\."), "mlp.fc1."),
    (re.compile(r"output\.dense\."), "mlp.fc2."),
)


def is_derived(name: str) -> bool:
    """Whether `name` is an entry that no network of ours has as a parameter (counters, tables of positions)."""
    return _DERIVED.fullmatch(name) is not None


def is_abandoned(name: str) -> bool:
    """Whether `name` is a parameter that its authors' own code no longer reads."""
    return _ABANDONED.fullmatch(name) is not None


def our_name(name: str) -> str:
    """The name of our networks for a name of another program; most are the same.

    A third of a joined matrix keeps its part behind a slash, `attn.qkv/k.weight`: see `joined_name`.
    """
    if not name.startswith(_BODY):
        return name
    found = _SWIN.fullmatch(name.removeprefix(_BODY))
    body = found[1] if found else ""
    if norm := _SWIN_NORM.match(body):
        return f"{_BODY}norm{int(norm[1]) - 1}.{body[norm.end() :]}"
    if block := _SWIN_BLOCK.fullmatch(body):
        return _BODY + block[1] + _replaced(block[2], _BLOCK_PARTS)
    return _BODY + _replaced(body, _SWIN_PARTS)


def joined_name(name: str) -> tuple[str, int] | None:
    """(name of the joined matrix, 0 to 2 for its query, key and value rows) of a name with a slash; else None."""
    head, slash, rest = name.partition("/")
    if not slash:
        return None
    part, _, kind = rest.partition(".")
    return f"{head}.{kind}", "qkv".index(part)


def _replaced(name: str, table: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    """`name` with its beginning replaced by the first rule of `table` that matches."""
    for pattern, replacement in table:
        if pattern.match(name):
            return pattern.sub(replacement, name, count=1)
    return name
