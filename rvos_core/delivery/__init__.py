"""Delivery: masks, mattes, cut-outs and overlay video on the disk, all or nothing.

Every writer is a context manager that streams: it fills a hidden part beside its target, reads the part back, and only
then gives it the final name. An error or a cancel in the block removes the part; an earlier result stays.
"""
