"""The data sets as their authors lay them out on disk: one module per data set, each a reader of descriptions.

A description names videos, frames, expressions and objects; pixels are read when they are asked for. `referring` has
the values for data sets of whole videos (Ref-YouTube-VOS, Ref-DAVIS17, MeViS), `sentences` those for data sets of
single annotated frames (A2D-Sentences, JHMDB-Sentences). Evaluation and training read through these.
"""
