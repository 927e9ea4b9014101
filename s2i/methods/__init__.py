"""What ``method`` in params.yaml selects."""
