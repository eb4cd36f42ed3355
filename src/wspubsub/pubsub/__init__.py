"""The ready-made application: so far the codec of its protocol.

On the wire it will speak Centrifugo's client protocol in JSON, for which others
maintain clients. In come their frames (`commands`), out go replies and pushes
(`frames`). Begin with `commands`.
"""
