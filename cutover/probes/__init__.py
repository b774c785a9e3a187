"""Probes: all I/O. A probe returns facts or raises ProbeError; it never judges."""
