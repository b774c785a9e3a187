"""The lab: a real reference host, deployed the way the checklist says, on which every check is proven.

``python -m lab up`` builds, boots and deploys it, ``python -m lab down`` takes it all away. Nothing of the
suite imports it.
"""
