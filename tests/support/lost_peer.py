"""A training whose second rank dies while the first waits where no signal reaches it."""

import os
import signal
import time


def train(config, output_dir, overrides):
    ready = output_dir / "ready"
    if os.environ["RANK"] == "0":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.touch()
        time.sleep(600)
    while not ready.exists():
        time.sleep(0.05)
    (output_dir / "died").write_text(str(time.time()))
    os._exit(9)
