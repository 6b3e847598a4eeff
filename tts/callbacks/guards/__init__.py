"""Guards: callbacks that notice a training that goes wrong, and stop or mend it."""
