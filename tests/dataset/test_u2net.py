import subprocess
import sys

import numpy as np
from PIL import Image
from rembg import new_session

from s2i.dataset.matting import u2net
from s2i.metrics import pixels
from s2i.networks import weights

DISC = np.hypot(*(np.mgrid[:64, :64] - 32)) < 16


def test_u2net_finds_a_disc_on_a_plain_ground():
    image = np.full((64, 64, 3), 220, np.uint8)
    image[DISC] = (180, 30, 30)
    matte = u2net.predict_matte(image)
    assert matte.shape == (64, 64) and matte.dtype == np.uint8
    assert pixels.intersection_over_union(matte, np.where(DISC, 255, 0)) > 0.8


def test_the_mattes_of_u2netp_are_those_of_rembg_on_the_same_network(house, monkeypatch):
    monkeypatch.setenv("U2NET_HOME", str(weights.path("u2netp.onnx").parent))
    ours, theirs = u2net.load("u2netp", 128), new_session("u2netp")
    inputs = theirs.inner_session.get_inputs()
    theirs.inner_session = u2net.OpenVinoSession(theirs.download_models(), inputs, 128)
    for seed in range(3):
        (expected,) = theirs.predict(Image.fromarray(house(seed)))
        assert (ours.predict(house(seed)) == np.asarray(expected)).all()


def test_signals_are_handled_when_networks_have_gone_in_any_order():
    networks_gone = """
import os, signal
from s2i.dataset.matting.u2net import U2Net
first, second = U2Net(64), U2Net(64)
del first
del second
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", networks_gone], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
