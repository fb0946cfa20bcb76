"""What drives self-organisation; one file a stimulus."""

from lightning_snn.stimuli.images import Images
from lightning_snn.stimuli.rewarded import RewardedImages
from lightning_snn.stimuli.smooth_noise import SmoothNoise
from lightning_snn.stimuli.stimulus import Scene, Stimulus
from lightning_snn.stimuli.waves import SpontaneousWaves

__all__ = ["Images", "RewardedImages", "Scene", "SmoothNoise", "SpontaneousWaves", "Stimulus"]
