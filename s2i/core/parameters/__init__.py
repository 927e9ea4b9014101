"""The groups of params.yaml; s2i.core.params puts them together.  Their descriptions are sentences for the docs."""
