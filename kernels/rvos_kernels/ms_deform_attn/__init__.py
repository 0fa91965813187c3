"""Multi-scale deformable attention."""

from rvos_kernels.ms_deform_attn.dispatch import ms_deform_attn

__all__ = ["ms_deform_attn"]
