"""Shards: parts of the input that are read and fingerprinted by themselves, on whatever machine, and put together to the traffic that one process would see.

``job`` says what a scan is made of, so that nothing is mixed with anything else. ``files`` writes what a task leaves, and reads it back only as it was
written. ``mapping`` makes a shard of a part of the input; ``reducing`` finds which texts of all shards are one and which have company; ``joining`` makes a
:class:`fingerprint.traffic.Traffic` of both. ``worker`` is what an executor runs; ``executors`` run it, here, in processes or on a Ray cluster; ``gathering``
runs everything in turn and goes on where an earlier run has stopped.
"""
