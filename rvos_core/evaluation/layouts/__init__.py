"""Where results lie: `predictions`. The data sets themselves are read by `rvos_core.datasets`."""
