"""The messages of a topic in order, so that clients can catch up.

`port` is the interface that every log has, `memory` a log for tests and single
processes, and `rules` decides what is kept and what a reader is told, the same for
every log. `wspubsub.dynamodb` has the log that Lambda environments share. Begin with
`port`.
"""
