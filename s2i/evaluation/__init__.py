"""Scores, figures, students beside teachers, the report on a pull request."""
