"""The wiring of a projection: its rounds, its report, and the controls that it is compared with."""
