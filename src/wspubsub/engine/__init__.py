"""Many HTTP requests in flight in one thread, over connections that are kept.

In come requests as bytes and a judge of the answers, out come their results in any
order. It knows HTTP/1.1, TLS, retries and deadlines, and nothing of AWS. Begin with
`multiplexer`, which drives everything else here.
"""
