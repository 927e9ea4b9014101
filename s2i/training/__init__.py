"""The loop, its losses, the methods, distillation."""
