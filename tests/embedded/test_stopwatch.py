from s2i.embedded.pretraining import stopwatch
from s2i.embedded.pretraining.stopwatch import Stopwatch


def test_the_seconds_of_several_sittings_add_up_by_processor(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now[0])
    for processor, seconds in (("slow", 7), ("fast", 2), ("slow", 5)):
        monkeypatch.setattr(stopwatch.run_card, "hardware", lambda processor=processor: {"processor": processor})
        watch = Stopwatch(tmp_path / "checkpoints")
        now[0] += seconds
        watch.save()
    assert stopwatch.read(tmp_path / "checkpoints/seconds.json") == {"slow": 12, "fast": 2}


def test_a_killed_run_keeps_what_was_noted_every_few_steps(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now[0])
    watch = Stopwatch(tmp_path)
    for step in range(1, 35):
        now[0] += 1
        watch(step, {})
    (noted,) = stopwatch.read(tmp_path / "seconds.json").values()
    assert noted == 20
