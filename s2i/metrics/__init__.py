"""How good generated images are: each metric is named after exactly what computed it."""
