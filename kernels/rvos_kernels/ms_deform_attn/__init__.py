"""Multi-scale deformable attention: one specification, several forms, one function that chooses."""

from rvos_kernels.ms_deform_attn.dispatch import available_forms, ms_deform_attn, warm_up

__all__ = ["available_forms", "ms_deform_attn", "warm_up"]
