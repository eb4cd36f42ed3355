"""The user's handler: where it is, what it needs, and what it has set up.

`target` finds what `FILE:HANDLER` names, `environ` makes the environment of a process
that runs it, and `inspection` asks a process of its own (`probe`) which routes and
event sources the handler has: an `application`. Begin with `inspection`.
"""
