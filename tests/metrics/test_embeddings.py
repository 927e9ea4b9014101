import numpy as np

from s2i.metrics.embeddings import similarity


def test_similarity_is_the_mean_cosine():
    drawn, subject = np.array([[2.0, 0], [0, 3], [1, 1]]), np.array([[1.0, 0], [5, 0]])
    np.testing.assert_allclose(similarity(drawn, subject), [1, 0, 0.5**0.5])
