"""Lambda's side: environments that run a handler, one invocation at a time each.

In comes an event, out goes what the handler returned or why it did not. Begin with
`fleet`; `environment` is one process, `runtime_api` what it talks to, and `bootstrap`
what runs in it.
"""
