"""The inspector of `wspubsub dev`: what happened and why, as a page shows it.

Begin with `recorder`, to which the gateway reports; `site` serves the page and its API
to whoever `access` lets in.
"""
