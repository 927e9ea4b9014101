"""How good generated pictures are: each metric is named after exactly what computed it."""
