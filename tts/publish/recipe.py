"""Publishes a voice: this recipe makes every file of a publication, in the order of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from tts.config import resolved
from tts.config.literals import literal_values
from tts.core.download import sha256
from tts.core.errors import EXIT_INTERRUPTED, RunStopped
from tts.core.files import own_folder, working_folder
from tts.core.output import print_line
from tts.core.progress import announced
from tts.evaluation.sentences import Sentence, read_sentences
from tts.pretrained.hugging_face import HubSource, is_hub_source, parse_hub_source
from tts.pretrained.publication import NETWORK_FILES, PUBLICATION, Publication, is_published
from tts.publish.evaluation_report import read_report
from tts.publish.preflight import WHAT, check_publication

if TYPE_CHECKING:
    from tts.inference import Synthesizer
    from tts.publish.sources import PublishedNetwork

#: What the card calls the folder, whose place it cannot know.
_THIS_FOLDER = "PATH_OF_THIS_FOLDER"


def publish(cfg: DictConfig) -> str:
    """Publish the networks that ``conf/publish.yaml`` and the overrides name.

    Args:
        cfg: the composed configuration.

    Returns:
        The folder; or the commit on the hub, as ``hf://OWNER/NAME@COMMIT``.

    Raises:
        InputError: a value is not legal, a checkpoint cannot be used, or the target holds something
            else or cannot be written; nothing is changed then.
    """
    config = resolved(cfg)
    check_publication(config)
    try:
        return _publish(config, str(config["to"]))
    except KeyboardInterrupt:
        raise RunStopped("interrupted; nothing was published", EXIT_INTERRUPTED) from None


def _publish(config: Mapping[str, Any], target: str) -> str:
    if not is_hub_source(target):
        with own_folder(Path(target), is_published, WHAT) as folder:
            write_publication(config, folder, Path(target).absolute().name, _THIS_FOLDER)
        print_line(f"{target}/: complete; read README.md, and correct what is not known")
        return target
    return _publish_on_hub(config, parse_hub_source(target, "to"))


def _publish_on_hub(config: Mapping[str, Any], source: HubSource) -> str:
    from tts.publish.push import examine_repository, push_folder

    before = examine_repository(source)
    with working_folder("tacoglow-publish") as folder:
        write_publication(config, folder, source.repo.partition("/")[2], str(source))
        commit = push_folder(folder, source, before, bool(config["private"]))
    pinned = str(source._replace(revision=commit))
    print_line(f"pushed; {pinned} is this voice for ever, {source} its last version")
    return pinned


def write_publication(config: Mapping[str, Any], folder: Path, name: str, use: str) -> None:
    """Write all files of a publication into an empty folder.

    Args:
        config: the resolved configuration of the command.
        folder: the folder.
        name: title of the card, unless the configuration has one.
        use: what users will write as ``acoustic=`` and ``vocoder=``.

    Raises:
        InputError: a checkpoint cannot be used, or the two networks do not fit each other.
    """
    with announced("loading the networks"):
        from tts.pretrained.convert import convert
        from tts.pretrained.files import describe
        from tts.publish.card import CARD, VoiceCard
        from tts.publish.sources import find_networks

        networks = find_networks(config)
        for network, found in networks.items():
            convert(found.source, folder / NETWORK_FILES[network], half=config["half"])
    descriptions = {network: describe(folder / NETWORK_FILES[network]) for network in networks}
    for network, description in descriptions.items():
        _write_config(description["config"], folder / NETWORK_FILES[network])
    sounds, no_sounds = _speak(config, folder, descriptions)
    evaluation = config["evaluation"]
    card = VoiceCard(
        title=name if config["name"] is None else str(config["name"]),
        use=use,
        config=config,
        networks=networks,
        descriptions=descriptions,
        report=None if evaluation is None else read_report(Path(evaluation)),
        sounds=sounds,
        no_sounds=no_sounds,
        curves=dict(_draw_curves(networks, folder)),
    )
    (folder / CARD).write_text(card.to_markdown(), encoding="utf-8")
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    publication = Publication({path: sha256(file) for path, file in files.items()})
    (folder / PUBLICATION).write_text(publication.to_json() + "\n", encoding="utf-8")


def _write_config(config: Mapping[str, Any] | None, beside: Path) -> None:
    if config is not None:
        OmegaConf.save(OmegaConf.create(literal_values(dict(config))), beside.with_suffix(".yaml"))


def _draw_curves(
    networks: Mapping[str, PublishedNetwork], folder: Path
) -> Iterator[tuple[str, str]]:
    from tts.audio.plots.figures import save_figure
    from tts.publish.curve import curve_figure

    for name, network in networks.items():
        if (figure := curve_figure(network)) is not None:
            picture = Path(NETWORK_FILES[name]).with_suffix(".png").name
            save_figure(figure, folder / picture)
            yield name, picture


def _speak(
    config: Mapping[str, Any], folder: Path, descriptions: Mapping[str, Mapping[str, Any]]
) -> tuple[Sequence[Any], str]:
    """Speak the sentences of the card; return them, or why there are none."""
    from tts.publish.sounds import write_sounds

    if "Tacotron2" not in descriptions:
        return (), "a vocoder alone does not speak"
    synthesizer = _load(config, folder, descriptions)  # which checks that the networks fit
    if not config["n_sounds"]:
        return (), "the publisher wanted none (n_sounds=0)"
    sentences = _sentences(config, descriptions["Tacotron2"])
    if not sentences:
        return (), "the voice does not read English, and no sentences were given (sentences=FILE)"
    return write_sounds(synthesizer, sentences, folder, config["seed"]), ""


def _load(
    config: Mapping[str, Any], folder: Path, descriptions: Mapping[str, Mapping[str, Any]]
) -> Synthesizer:
    from tts.inference import Synthesizer
    from tts.inference.synthesizer import GRIFFIN_LIM

    files = {network: str(folder / NETWORK_FILES[network]) for network in descriptions}
    with announced("loading the published files"):
        return Synthesizer.from_pretrained(
            files["Tacotron2"], files.get("WaveGlow", GRIFFIN_LIM), str(config["device"])
        )


def _sentences(config: Mapping[str, Any], description: Mapping[str, Any]) -> list[Sentence]:
    if config["sentences"] is not None:
        return read_sentences(config["sentences"])[: config["n_sounds"]]
    tokenizer = description["tokenizer"] or {}
    language = config["language"] or tokenizer.get("language") or "en"
    return read_sentences()[: config["n_sounds"]] if language.startswith("en") else []
