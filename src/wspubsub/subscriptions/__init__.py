"""Who is connected and who is subscribed to what.

`port` is the interface that every store has, and `memory` a store for tests and single
processes. `wspubsub.dynamodb` has the store that Lambda environments share. Begin with
`port`.
"""
