"""Names the files of a run's latest checkpoints."""

#: The last checkpoint, from which a run resumes.
LAST = "last.ckpt"
#: The one before it, in case a disk damages the last.
PREVIOUS = "previous.ckpt"
#: The next last checkpoint between the end of its save and its rename.
UPCOMING = "next.ckpt"
