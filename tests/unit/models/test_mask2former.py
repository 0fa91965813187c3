"""The instance branch is Mask2Former: `transformers`' own network with its weights carried over by name agrees."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from rvos_core.errors import UserError
from rvos_core.models.blocks.mask2former_decoder import outside_mask
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.isvos import Isvos
from rvos_core.models.isvos_configs import InstanceConfig, IsvosConfig, ValueConfig
from rvos_core.models.mask2former_weights import load_mask2former

CLASSES = 5
WIDTHS = (16, 32, 48, 64)
INSTANCE = InstanceConfig(
    hidden=32, mask_dim=12, queries=7, classes=CLASSES, heads=4, decoder_layers=4, decoder_ffn=40,
    encoder_layers=2, encoder_ffn=24, norm_groups=32,
)  # fmt: skip
CONFIG = IsvosConfig(
    backbone=BackboneConfig(widths=WIDTHS, blocks=(1, 2, 1, 1), stem_width=8, frozen_stages=0),
    instance=INSTANCE,
    value=ValueConfig(widths=(8, 8, 8), blocks=(1, 1, 1), stem_width=8),
    key_dim=8,
    value_dim=16,
    fusion_widths=(16, 8, 8),
)


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=list(WIDTHS), depths=[1, 2, 1, 1], layer_type="bottleneck",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone, feature_size=INSTANCE.hidden, hidden_dim=INSTANCE.hidden,
        mask_feature_size=INSTANCE.mask_dim, encoder_feedforward_dim=INSTANCE.encoder_ffn,
        dim_feedforward=INSTANCE.decoder_ffn, encoder_layers=INSTANCE.encoder_layers,
        decoder_layers=INSTANCE.decoder_layers + 1, num_attention_heads=INSTANCE.heads,
        num_queries=INSTANCE.queries, num_labels=CLASSES,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        module = pytest.importorskip("transformers.models.mask2former.modeling_mask2former")
        patch.setattr(module, "requires_backends", lambda *_: None)  # its loss wants SciPy; it is not called here
        model = transformers.Mask2FormerForUniversalSegmentation(config).eval()
    for name, value in model.state_dict().items():  # nothing may hide behind zeros and ones
        if value.is_floating_point():
            value.copy_(
                value + 0.1 * torch.randn_like(value) if "running_var" not in name else torch.rand_like(value) + 0.5
            )
    return model


def test_pixel_decoder_masks_and_queries_of_every_layer_are_theirs(theirs: nn.Module) -> None:
    ours = Isvos(CONFIG).eval()
    assert load_mask2former(ours, theirs.state_dict()) == ()
    frames = torch.randn(2, 3, 70, 101)  # odd on purpose: every level is rounded
    with torch.no_grad():
        expected = theirs.model(frames, output_hidden_states=True)
        classes = [
            theirs.class_predictor(each.transpose(0, 1)) for each in expected.transformer_decoder_intermediate_states
        ]
        maps = ours.backbone[0](frames)
        pixels = ours.instance.pixel_decoder(maps)
        decoded = ours.instance.transformer_module(pixels)
        features = ours.instance(maps, auxiliary=True)
        last_only = ours.instance(maps, auxiliary=False)
    for own, public in zip(maps, expected.encoder_hidden_states, strict=True):
        torch.testing.assert_close(own, public, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(pixels.embeddings, expected.pixel_decoder_last_hidden_state, atol=1e-4, rtol=1e-4)
    for own, public in zip(pixels.pyramid, expected.pixel_decoder_hidden_states, strict=True):
        torch.testing.assert_close(own, public, atol=1e-4, rtol=1e-4)
    assert len(decoded) == len(expected.masks_queries_logits) == INSTANCE.decoder_layers + 1
    for layer, masks, queries in zip(
        decoded, expected.masks_queries_logits, expected.transformer_decoder_intermediate_states, strict=True
    ):
        torch.testing.assert_close(layer.mask_logits, masks, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(layer.queries, queries.transpose(0, 1), atol=1e-4, rtol=1e-4)
    for prediction, logits in zip(features.predictions, classes, strict=True):
        torch.testing.assert_close(prediction.class_logits, logits, atol=1e-4, rtol=1e-4)
    assert len(last_only.predictions) == 1
    torch.testing.assert_close(last_only.predictions[0].mask_logits, decoded[-1].mask_logits)
    torch.testing.assert_close(features.queries, decoded[-1].queries)


@pytest.mark.parametrize("first", [False, True], ids=["now", "as the first ones were"])
def test_the_published_checkpoints_names_load_too(theirs: nn.Module, first: bool) -> None:
    by_transformers, by_authors = Isvos(CONFIG).eval(), Isvos(CONFIG).eval()
    load_mask2former(by_transformers, theirs.state_dict())
    published = as_published(theirs.state_dict())
    if first:
        old = {"sem_seg_head.pixel_decoder.": "sem_seg_head.", "predictor.query_feat": "predictor.static_query"}
        for now, then in old.items():
            published = {name.replace(now, then): value for name, value in published.items()}
    assert load_mask2former(by_authors, {"model": published}) == ()
    for (name, own), other in zip(by_transformers.state_dict().items(), by_authors.state_dict().values(), strict=True):
        if name.startswith(("instance.", "backbone.")):
            torch.testing.assert_close(own, other, msg=name)


def test_another_set_of_categories_leaves_the_classifier_as_it_is(theirs: nn.Module) -> None:
    weights = dict(theirs.state_dict())
    weights["class_predictor.weight"] = torch.randn(134, INSTANCE.hidden)
    weights["class_predictor.bias"] = torch.randn(134)
    model = Isvos(CONFIG)
    before = model.instance.class_predictor.weight.clone()
    assert load_mask2former(model, weights) == ("instance.class_predictor.bias", "instance.class_predictor.weight")
    torch.testing.assert_close(model.instance.class_predictor.weight, before)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda w: w.pop("model.transformer_module.queries_embedder.weight"), "queries_embedder"),
        (lambda w: w.update({"model.pixel_level_module.decoder.mask_projection.weight": torch.zeros(3, 3)}), "3, 3"),
        (lambda w: w.clear(), "Mask2Former"),
        (lambda w: w.update({"model.transformer_module.level_embed.weight": torch.full((3, 32), torch.nan)}), "number"),
    ],
)
def test_weights_of_something_else_are_refused_and_nothing_changes(theirs: nn.Module, spoil, said: str) -> None:
    weights = dict(theirs.state_dict())
    spoil(weights)
    model = Isvos(CONFIG)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(UserError, match=said):
        load_mask2former(model, weights)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_swin_backbone_gives_its_branch_but_not_its_encoder(theirs: nn.Module) -> None:
    weights = {
        name.replace("encoder.encoder.stages", "encoder.swin.stages"): v for name, v in theirs.state_dict().items()
    }
    weights = {name: value for name, value in weights.items() if "encoder.embedder" not in name}
    model = Isvos(CONFIG)
    kept = load_mask2former(model, weights)
    assert kept
    assert all(name.startswith("backbone.") for name in kept)


def test_a_query_looks_inside_its_mask_and_everywhere_if_it_is_empty() -> None:
    logits = torch.full((1, 2, 4, 4), -5.0)
    logits[0, 0, :2, :2] = 5.0
    outside = outside_mask(logits, (2, 2))
    assert outside.tolist() == [[[False, True, True, True], [False] * 4]]


def as_published(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`transformers`' names and layout turned into those of the authors' checkpoint."""
    named: dict[str, Tensor] = {"criterion.empty_weight": torch.ones(CLASSES + 1)}
    ffn = {"fc1": "linear1", "fc2": "linear2", "self_attn_layer_norm": "norm1", "final_layer_norm": "norm2"}
    for name, value in weights.items():
        parts = name.split(".")
        if name.startswith("model.pixel_level_module.encoder."):
            if "num_batches_tracked" not in name:
                named[_published_backbone(parts[3:])] = value
        elif name.startswith("model.pixel_level_module.decoder."):
            rest = name.removeprefix("model.pixel_level_module.decoder.")
            if rest.startswith("encoder.layers."):
                _, _, index, part, *end = rest.split(".")
                rest = ".".join(["transformer", "encoder", "layers", index, ffn.get(part, part), *end])
            rest = rest.replace("input_projections", "input_proj").replace("mask_projection", "mask_features")
            rest = "transformer.level_embed" if rest == "level_embed" else rest
            for conv in ("adapter_1", "layer_1"):
                rest = rest.replace(f"{conv}.0.", f"{conv}.").replace(f"{conv}.1.", f"{conv}.norm.")
            named[f"sem_seg_head.pixel_decoder.{rest}"] = value
        elif name.startswith("class_predictor."):
            named[f"sem_seg_head.predictor.class_embed.{parts[-1]}"] = value
        elif "decoder.layers" in name:
            _published_layer(named, parts[4], ".".join(parts[5:]), weights, name)
        elif name.startswith("model.transformer_module."):
            renamed = {
                "queries_features": "query_feat", "queries_embedder": "query_embed", "level_embed": "level_embed",
            }.get(parts[2]) or ("decoder_norm" if "layernorm" in name else f"mask_embed.layers.{parts[5]}")  # fmt: skip
            named[f"sem_seg_head.predictor.{renamed}.{parts[-1]}"] = value
    return named


def _published_backbone(parts: list[str]) -> str:
    if parts[0] == "embedder":
        return f"backbone.stem.conv1.{'' if parts[2] == 'convolution' else 'norm.'}{parts[-1]}"
    stage, block, *rest = parts[2], parts[4], *parts[5:]
    owner = "shortcut" if rest[0] == "shortcut" else f"conv{int(rest[1]) + 1}"
    norm = "" if "convolution" in rest else "norm."
    return f"backbone.res{int(stage) + 2}.{block}.{owner}.{norm}{rest[-1]}"


def _published_layer(named: dict[str, Tensor], index: str, rest: str, weights: Mapping[str, Tensor], name: str) -> None:
    head = "sem_seg_head.predictor.transformer"
    kind, end = rest.split(".")[0], rest.split(".")[-1]
    if rest.startswith("self_attn.q_proj"):
        joined = torch.cat([weights[name.replace("q_proj", f"{p}_proj")] for p in "qkv"])
        named[f"{head}_self_attention_layers.{index}.self_attn.in_proj_{end}"] = joined
    elif rest.startswith("self_attn.out_proj"):
        named[f"{head}_self_attention_layers.{index}.{rest}"] = weights[name]
    elif kind == "cross_attn":
        named[f"{head}_cross_attention_layers.{index}.multihead_attn.{rest.removeprefix('cross_attn.')}"] = weights[
            name
        ]
    elif kind in ("self_attn_layer_norm", "cross_attn_layer_norm"):
        owner = "self" if kind.startswith("self") else "cross"
        named[f"{head}_{owner}_attention_layers.{index}.norm.{end}"] = weights[name]
    elif kind in ("fc1", "fc2"):
        named[f"{head}_ffn_layers.{index}.linear{kind[-1]}.{end}"] = weights[name]
    elif kind == "final_layer_norm":
        named[f"{head}_ffn_layers.{index}.norm.{end}"] = weights[name]
