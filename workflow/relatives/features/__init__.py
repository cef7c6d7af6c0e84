"""What encoders and audio distances see of a signal: `spectrogram`, `mfcc`; their `cache` on disk."""
