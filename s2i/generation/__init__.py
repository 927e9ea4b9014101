"""The trained model at work: held-out sketches, your sketches, OpenVINO."""
