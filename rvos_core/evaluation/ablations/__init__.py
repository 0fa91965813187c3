"""The papers' ablations, run again in the street world with small networks: `rvos eval ablations`."""
