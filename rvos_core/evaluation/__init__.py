"""How good masks are. Import the modules themselves: `metrics` needs numpy and OpenCV only.

`metrics` has the definitions, `clips` and `folders` J and F of folders of masks, `expressions`, `refdavis`,
`single_frames` and `robustness` the figures of the benchmarks, `layouts` their data sets, `predict` models on them,
`synth` the street world's test split.
"""
