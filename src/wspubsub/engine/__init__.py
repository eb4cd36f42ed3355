"""Many HTTP requests in flight in one thread, over connections that are kept.

In come requests as bytes and a judge of the answers, out come their results in any
order. It knows HTTP/1.1, TLS, retries and deadlines, and nothing of AWS. Begin with
`multiplexer`, which drives everything else here.

The life of an exchange, which is one request on its way to its result::

    tags ──▶ taken ──── new connection ───▶ connecting ──▶ sent ──▶ answered ──▶ Result
              ▲ ▲ └──── kept one ──────────────│────────────▲│       │   FINAL
              │ │                              │             │       │
              │ └── again, at once ◀───────────┴─ unlucky ───┤       │
              │                                              ▼       ▼
              └──── later, after a delay ◀──────────────── failed ◀─ THROTTLED
                                                             │       or BROKEN
                                                             ▼
                                              Result: its last answer or error

`Schedule` decides what is taken, and when: the next tag, or what is due again. An
exchange is unlucky if it met an address that does not answer while there are others, or
a kept connection that the server had closed; that costs no attempt. One that failed
ends when its attempts are used up or the next would come too late. When the run's time
is over, each ends in whatever state it is, and tags that were not taken end untried.
"""
