"""Which way metrics point."""

from s2i.metrics.registry import HEADLINES, METRICS, improvement


def test_headlines_are_known_metrics_and_point_somewhere():
    assert "balcony_recall" in HEADLINES and set(HEADLINES) <= METRICS.keys()
    assert improvement("st_lpips") == -1 and improvement("edge_f1") == 1
