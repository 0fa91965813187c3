"""Configurations of ISVOS: every number is a value here.

Numbers of the full model: Wang et al., "Look Before You Match: Instance Understanding Matters in Video Object
Segmentation" (CVPR 2023), sections 3 and 4.1; where the paper refers to them, Mask2Former (Cheng et al., CVPR 2022)
for the instance branch and STCN (Cheng et al., NeurIPS 2021) for the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rvos_core.models.config_values import Serialisable, check_positive
from rvos_core.models.configs import BackboneConfig

PixelDecoderKind = Literal["deformable", "plain"]
ValueTrunkKind = Literal["resnet18", "residual"]
AgreementKind = Literal["plain", "centred"]

_STRIDES = (4, 8, 16, 32)


@dataclass(frozen=True)
class InstanceConfig(Serialisable):
    """The instance branch; the defaults are Mask2Former's COCO models.

    Attributes:
        pixel_decoder: `deformable`: Mask2Former's, on strides 8, 16 and 32; `plain`: the paper's "alternate
            convolutional and upsampling layers" on F_res4.
        hidden: width of the queries (C_d), of the pyramid and of Q_g (C_h).
        mask_dim: channels of the per-pixel embeddings.
        queries: N.
        classes: categories, without "no object".
        decoder_layers: masked-attention layers; there is one more prediction, that of the queries as learned.
        encoder_layers, encoder_ffn, points: of the deformable encoder (`deformable` only).
        laterals: strides at which a map of the backbone is added on the way up (`plain` only); (16,) is the paper.
        norm_groups: groups of GroupNorm in the pixel decoder.
    """

    pixel_decoder: PixelDecoderKind = "deformable"
    hidden: int = 256
    mask_dim: int = 256
    queries: int = 100
    classes: int = 80
    heads: int = 8
    decoder_layers: int = 9
    decoder_ffn: int = 2048
    encoder_layers: int = 6
    encoder_ffn: int = 1024
    points: int = 4
    laterals: tuple[int, ...] = (16,)
    norm_groups: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self, "hidden", "mask_dim", "queries", "classes", "heads", "decoder_layers", "decoder_ffn")
        check_positive(self, "encoder_layers", "encoder_ffn", "points", "norm_groups")
        if self.hidden % self.heads or self.hidden % 4 or self.hidden % self.norm_groups:
            raise ValueError(
                f"hidden {self.hidden} must be divisible by 4, by heads {self.heads} and by norm_groups"
                f" {self.norm_groups}"
            )
        if not set(self.laterals) <= {4, 8, 16}:
            raise ValueError(f"laterals {self.laterals} must be among 4, 8, 16")


@dataclass(frozen=True)
class ValueConfig(Serialisable):
    """The value encoder's trunk, from stride 4 down to the keys' stride.

    Attributes:
        kind: `resnet18` with frozen batch norm and torchvision's names; `residual`: basic blocks with GroupNorm.
        widths: channels of each stage, the first at stride 4.
        blocks: residual blocks of each stage.
        stem_width: channels after the first convolution.
        norm_groups: groups of GroupNorm (`residual` only).
        other_masks: the trunk also sees the sum of the other objects' masks (STCN); else the frame and the mask only.
    """

    kind: ValueTrunkKind = "resnet18"
    widths: tuple[int, ...] = (64, 128, 256)
    blocks: tuple[int, ...] = (2, 2, 2)
    stem_width: int = 64
    norm_groups: int = 8
    other_masks: bool = True

    def __post_init__(self) -> None:
        check_positive(self, "stem_width", "norm_groups")
        if len(self.widths) != len(self.blocks) or min((*self.widths, *self.blocks), default=0) < 1:
            raise ValueError(f"value widths {self.widths} and blocks {self.blocks} do not fit each other")


@dataclass(frozen=True)
class MemoryConfig(Serialisable):
    """What the memory bank keeps (paper 4.1, "Inference").

    Attributes:
        every: a predicted frame is remembered every so many frames.
        most: frames at most, the first one included; the oldest others go first. Frames that a person corrected are
            kept beside these.
        previous: also remember the frame before (STM, Oh et al. 2019; not in ISVOS).
        top_k: memory positions a cell reads from; 0 reads from all.
    """

    every: int = 5
    most: int = 16
    previous: bool = False
    top_k: int = 20

    def __post_init__(self) -> None:
        check_positive(self, "every", "most")
        if self.top_k < 0:
            raise ValueError(f"top_k {self.top_k} must be at least 0")


@dataclass(frozen=True)
class IsvosConfig(Serialisable):
    """Everything that defines an ISVOS network.

    Attributes:
        key_stride: stride of keys and values; the backbone's map there is the paper's F_res4.
        key_dim: C_k.
        value_dim: C_v.
        fusion_widths: channels of O_1, O_2, ...: one for each stride from `key_stride` to 4.
        attention_reduction: of the channel gate's hidden layer (Woo et al., CBAM, ECCV 2018, section 3).
        block_norm_groups: GroupNorm groups in the blocks of value fusion and decoder; 0: no norm there, as STCN.
        shortcut_kernel: side of the convolution on a residual block's shortcut (STCN: 3).
        enhance_query: Table 3 "QE": the key reads the instance queries (eq. 2).
        agreement: how queries and cells are compared. `plain`: the sigmoid of their dot product, as the paper, which
            begins from trained queries; from random weights it ends with every sigmoid at 0 or 1 within a hundred
            steps. `centred`: over sqrt(C_h), and less its mean over the frame's cells, which cannot.
        multi_path: Table 3 "MPF": the decoder reads the pixel decoder's pyramid too (eq. 4).
    """

    backbone: BackboneConfig = field(default_factory=lambda: BackboneConfig(frozen_stages=0))
    instance: InstanceConfig = field(default_factory=InstanceConfig)
    value: ValueConfig = field(default_factory=ValueConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    key_stride: int = 16
    key_dim: int = 64
    value_dim: int = 512
    fusion_widths: tuple[int, ...] = (512, 256, 256)
    attention_reduction: int = 16
    block_norm_groups: int = 0
    shortcut_kernel: int = 3
    enhance_query: bool = True
    agreement: AgreementKind = "plain"
    multi_path: bool = True

    def __post_init__(self) -> None:
        check_positive(self, "key_dim", "value_dim", "attention_reduction")
        if self.key_stride not in (8, 16):
            raise ValueError(f"key_stride {self.key_stride} must be 8 or 16")
        stages = _STRIDES.index(self.key_stride) + 1
        if len(self.value.widths) != stages or len(self.fusion_widths) != stages or min(self.fusion_widths) < 1:
            raise ValueError(
                f"value widths and fusion_widths must have {stages} entries for key_stride {self.key_stride}"
            )
        if not self.backbone.frames_on_their_own:
            raise ValueError(f"the backbone {self.backbone.kind} needs whole clips; ISVOS reads frame by frame")
        if self.block_norm_groups < 0 or self.shortcut_kernel not in (1, 3):
            raise ValueError("block_norm_groups must be at least 0 and shortcut_kernel 1 or 3")

    @property
    def key_level(self) -> int:
        """Index of the backbone's map at `key_stride` among the strides 4, 8, 16, 32."""
        return _STRIDES.index(self.key_stride)


def isvos_r50_config() -> IsvosConfig:
    """`isvos-r50`: the paper's model; the instance branch has the names and shapes of Mask2Former's COCO models."""
    return IsvosConfig()


def isvos_mini_config() -> IsvosConfig:
    """`isvos-mini`: the same network with keys at stride 8, small encoders and GroupNorm; all of it trains.

    One class: what it is taught with are things cut from pictures, not categories.
    """
    return IsvosConfig(
        backbone=BackboneConfig(
            kind="residual", widths=(48, 80, 128, 160), blocks=(1, 2, 2, 1), stem_width=24, frozen_stages=0
        ),
        instance=InstanceConfig(
            pixel_decoder="plain",
            hidden=96,
            mask_dim=48,
            queries=24,
            classes=1,
            heads=4,
            decoder_layers=3,
            decoder_ffn=256,
            laterals=(16, 8, 4),
            norm_groups=8,
        ),
        value=ValueConfig(kind="residual", widths=(32, 64), blocks=(1, 1), stem_width=16),
        memory=MemoryConfig(most=8, previous=True),
        key_stride=8,
        key_dim=48,
        value_dim=96,
        fusion_widths=(64, 32),
        attention_reduction=8,
        block_norm_groups=8,
        shortcut_kernel=1,
        agreement="centred",
    )
