"""Predictions on whole data sets, each by its benchmark's own protocol: what `rvos predict` does.

`whole_video` serves Ref-YouTube-VOS and MeViS, `refdavis` Ref-DAVIS17, `sentences` A2D- and JHMDB-Sentences. Masks go
where `layouts.predictions` says, so that `rvos eval` and the benchmarks' servers can read them. What is finished stays
finished: a later call of the same kind goes on from there.
"""
