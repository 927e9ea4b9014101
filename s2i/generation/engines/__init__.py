"""What computes UNet and ControlNets when sketches are drawn: torch, or OpenVINO on a CPU."""

from s2i.networks import openvino as _  # noqa: F401  it forbids telemetry, which the import of OpenVINO begins with
