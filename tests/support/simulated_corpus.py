"""Makes a prepared corpus of any size, with real indexes and with mels of zeros.

python tests/support/simulated_corpus.py make FOLDER 1000000
python tests/support/simulated_corpus.py train FOLDER [data options]

The second command prints the seconds and the memory that a training needs up to its first batch.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

BEGIN = time.perf_counter()
SYMBOLS = 80


def make(folder: Path, count: int) -> None:
    """Write the corpus; the mels and ids are holes in their files, and take no space on disk."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import numpy as np

    from tts.audio import MelConfig
    from tts.data.features.contract import Contract
    from tts.data.features.corpus_table import ROW
    from tts.data.features.prepared_folder import CORPUS, HEADER
    from tts.data.features.shards import KEY_BYTES, RECORD, SHARD_BYTES, _checks
    from tts.data.features.tokens import token_shards, tokenizer_key
    from tts.text import Tokenizer

    contract, tokenizer = Contract(MelConfig()), Tokenizer()
    frames = np.random.default_rng(0).integers(90, 870, count)
    folder.mkdir(parents=True)
    (folder / HEADER).write_text(json.dumps(contract.to_dict()))
    corpus = folder / f"{CORPUS}simulated"
    corpus.mkdir()
    about = {"name": "simulated", "fingerprint": "0" * 12, "speakers": [], "utterances": count}
    (corpus / "corpus.json").write_text(json.dumps(about))

    sizes = [len(f"{string}{0:07d}") for string in ("u", "text number  and more of it", "list:")]
    rows = np.zeros(count, ROW)
    rows["at"] = np.arange(count) * sum(sizes)
    rows["name"], rows["text"], rows["where"] = sizes
    rows["mel"], rows["wave"], rows["frames"] = np.arange(count), -1, frames
    rows["rate"], rows["samples"] = contract.mel.sample_rate, (frames - 1) * 256
    rows["part"][:100] = 1
    np.save(corpus / "rows.npy", rows)
    with (corpus / "strings.bin").open("w") as file:
        file.writelines(
            f"u{i:07d}text number {i:07d} and more of itlist:{i:07d}" for i in range(count)
        )

    def index(name: str, lengths: np.ndarray, dtype: np.dtype) -> None:
        sizes = lengths * dtype.itemsize
        records = np.zeros(count, RECORD)
        keys = np.arange(count * KEY_BYTES // 8, dtype=np.uint64)
        records["key"] = np.frombuffer(keys.tobytes(), f"V{KEY_BYTES}")
        records["length"], records["samples"] = lengths, 0
        # a number for each shard that fits even if all of them are the longest
        per_shard = SHARD_BYTES // int(sizes.max())
        records["shard"] = np.arange(count) // per_shard
        ends = np.cumsum(sizes)
        begins = np.repeat((ends - sizes)[::per_shard], per_shard)[:count]
        records["at"] = ends - sizes - begins
        crcs = {n: zlib.crc32(bytes(n * dtype.itemsize)) for n in np.unique(lengths).tolist()}
        records["crc"] = [crcs[n] for n in lengths.tolist()]
        records["check"] = _checks(records)
        records.tofile(folder / f"{name}.index")
        for shard in range(int(records["shard"][-1]) + 1):
            last = records[records["shard"] == shard][-1]
            with (folder / f"{name}-{shard:05d}.{dtype.name}").open("wb") as file:
                file.truncate(int(last["at"] + last["length"] * np.uint64(dtype.itemsize)))

    index("mels", frames * contract.mel.n_mels, np.dtype(np.float32))
    shards = token_shards(folder, tokenizer)
    index(shards.name, np.full(count, SYMBOLS), shards.dtype)
    table = corpus / f"tokens-{tokenizer_key(tokenizer)}"
    np.save(table.with_suffix(".npy"), np.arange(count))
    nothing = {"unknown": {}, "first": "", "unreadable": []}
    table.with_suffix(".json").write_text(json.dumps(nothing))


def train(folder: Path, options: dict[str, int | None], world_size: int) -> dict[str, object]:
    """Open the corpus as a training does, and return what that took up to the first batch."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import torch

    from tts.audio import MelConfig
    from tts.core.memory import peak_resident_bytes
    from tts.data import PreparedCorpus, TextMelDataModule
    from tts.text import Tokenizer

    imported, used = time.perf_counter(), time.process_time()
    corpus = PreparedCorpus(folder)
    module = TextMelDataModule(corpus, MelConfig(), Tokenizer(), folder / "cache", **options)
    module.trainer = SimpleNamespace(
        global_rank=0,
        is_global_zero=True,
        world_size=world_size,
        overfit_batches=0,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    module.prepare_data()
    module.setup("fit")
    loader = module.train_dataloader()
    batch = next(iter(loader))
    end = time.perf_counter()
    return {
        "utterances": len(loader.dataset),
        "batches": len(loader),
        "first batch": list(batch.mel.shape),
        "seconds": round(end - BEGIN, 2),
        "processor seconds after importing": round(time.process_time() - used, 2),
        "of them importing": round(imported - BEGIN, 2),
        "megabytes": peak_resident_bytes() // 2**20,
    }


if __name__ == "__main__":
    what, where, *more = sys.argv[1:]
    if what == "make":
        make(Path(where), int(more[0]))
    else:
        given = dict(option.split("=") for option in more)
        world_size = int(given.pop("world_size", "1"))
        options = {name: None if value == "null" else int(value) for name, value in given.items()}
        sys.stdout.write(json.dumps(train(Path(where), options, world_size)) + "\n")
