"""Log-mel spectrograms of audio, in plain torch; librosa's `melspectrogram` and `power_to_db`.

| what | choice |
|---|---|
| window | 32 ms, periodic Hann; 10 ms hop; the first is centred on the first sample |
| outside the clip | zeros |
| spectrogram | power, not amplitude |
| mel scale | `slaney`: linear to 1 kHz, logarithmic above; `htk`: 2595 log10(1 + f / 700) |
| bands | triangles from 0 Hz to half the rate, each of area 1 (Slaney's normalisation) |
| logarithm | 10 log10(max(power, 1e-10)): dB, no lower than -100; no top_db |
"""

import warnings

import numpy as np
import torch

from audiolabels.errors import OptionError, choose

WINDOW_S, HOP_S = 0.032, 0.010
FLOOR = 1e-10
MELS = ("slaney", "htk")


class LogMel(torch.nn.Module):
    """Samples (N, samples) to log-mel spectrograms (N, frames, bands) in dB, float32.

    There are 1 + samples // hop frames, see `frames`. Autocast has no effect: the Fourier transform
    is in float64, the rest in float32. Powers agree with librosa's to 1e-6 relative
    (`tests/golden`). `rate` is in samples per second, `mel` one of `MELS`; OptionError if there are
    more bands than the spectrum resolves.

    >>> LogMel()(torch.zeros(2, 16000)).shape
    torch.Size([2, 101, 64])
    """

    filters: torch.Tensor

    def __init__(self, rate: int = 16000, bands: int = 64, mel: str = "slaney") -> None:
        from transformers.audio_utils import mel_filter_bank

        super().__init__()
        self.size, self.hop = round(WINDOW_S * rate), round(HOP_S * rate)
        choose("mel", mel, MELS)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="At least one mel filter")  # refused below
            # Bins from 0 to the rate, the upper half unused: so they are right for odd sizes too.
            filters = mel_filter_bank(self.size + 1, bands, 0.0, rate / 2, 2 * rate, "slaney", mel)
        filters = filters[: self.size // 2 + 1].astype(np.float32)
        if not filters.any(axis=0).all():
            raise OptionError(f"{bands} bands at {rate:,} Hz: some would be empty; ask for fewer")
        self.register_buffer("filters", torch.from_numpy(filters), persistent=False)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """See the class."""
        device = samples.device.type
        # float32 would be off by up to 3e-5 in weak bands; Apple's GPUs have nothing better.
        exact = torch.float32 if device == "mps" else torch.float64
        window = torch.hann_window(self.size, dtype=exact, device=samples.device)
        with torch.autocast(device, enabled=False):
            spectrum = torch.stft(samples.to(exact), self.size, self.hop, window=window,
                                  pad_mode="constant", return_complex=True)  # fmt: skip
            power = (spectrum.real.square() + spectrum.imag.square()).float()
            return 10 * torch.log10((power.mT @ self.filters).clamp(min=FLOOR))

    def frames(self, samples: torch.Tensor) -> torch.Tensor:
        """Number of frames of so many samples, int64; none without a sample."""
        return (1 + samples // self.hop) * (samples > 0)
