"""States the mean and the standard deviation of log-mel spectrograms of speech.

They are those of LJ Speech under NVIDIA's contract, rounded: natural logarithms of the magnitudes
in 80 mel bands. A new network that scales its input with them sees numbers around 0. Weights that
were trained with these two numbers are useless with others, so the numbers never change.
"""

#: Mean over all bands and frames, in natural log units.
LOG_MEL_MEAN = -5.5
#: Standard deviation over all bands and frames, in natural log units.
LOG_MEL_STD = 2.1
