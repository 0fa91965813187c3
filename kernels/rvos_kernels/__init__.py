"""Compute kernels with a plain-torch reference each; depends on torch (and numba, triton where present) only."""
