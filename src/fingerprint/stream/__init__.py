"""The stream detector: a library that a service holds for months; see :class:`fingerprint.Detector`.

State in a folder, in three kinds of files, of which no byte is believed before a keyed MAC was found right:

- ``journal-N``: what was observed, batch by batch, written before anything else happens; positions of the sources stand in the same frame as the rows.
- ``span-S-N``: the events of one stretch of event time. Journals are folded into these; whole ones are deleted when their time is over.
- ``ledger.sqlite3``: which of these files count, row accounting, positions, findings over time, alerts that are still to be delivered.
"""
