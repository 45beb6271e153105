"""The whole statement: ``statement.template`` with the tables put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from deploy.conformance import acceptance, network, services
from deploy.conformance.content_tree import content_tree
from deploy.conformance.markdown import table
from deploy.conformance.objects import COMMON_MODULES, Example, attribute_table, module_list
from deploy.node.verify.iods import iod_of
from operators.write.waveforms.iods import WAVEFORM_IODS

_TEMPLATE = Path(__file__).with_name("statement.template")


def conformance_statement(examples: Mapping[str, Sequence[Example]], *, version: str) -> str:
    """Return the statement in Markdown; ``examples`` are results by SOP Class UID."""
    written = sorted(examples, key=network.uid_name)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=version,
        overview=network.services(),
        analysed=network.analysed(),
        acceptance=acceptance.acceptance(),
        rejections=acceptance.rejections(),
        tls=acceptance.tls(),
        store_statuses=acceptance.store_statuses(),
        initiation=network.initiation(),
        proposed=network.proposed(),
        statuses=network.statuses(),
        implementation=network.implementation(),
        service_statuses=services.service_statuses(),
        commitment=services.commitment_policies(),
        queries=services.query_policies(),
        results=_results(written, examples),
        common=attribute_table(_richest(examples), COMMON_MODULES),
        objects="\n\n".join(_object(uid, examples[uid]) for uid in written),
        others=", ".join(sorted(network.uid_name(str(uid)) for uid in WAVEFORM_IODS if uid not in examples)),
    )


def _richest(examples: Mapping[str, Sequence[Example]]) -> Sequence[Example]:
    """Return the examples of the SOP class that uses most of the common modules."""

    def count(uid: str) -> int:
        iod = iod_of(uid)
        return sum(module.key in COMMON_MODULES for module in iod.modules) if iod is not None else 0

    return examples[max(sorted(examples), key=count)]


def _results(written: Sequence[str], examples: Mapping[str, Sequence[Example]]) -> str:
    return table(
        ("SOP class", "UID", "modality", "series number"),
        (
            (network.uid_name(uid), uid, examples[uid][0].object.Modality, "of the app's manifest (`series_number`)")
            for uid in written
        ),
    )


def _object(uid: str, examples: Sequence[Example]) -> str:
    parts = [
        f"### {network.uid_name(uid)}",
        f"SOP Class UID `{uid}`. Modules: {module_list(uid, examples)}.",
        attribute_table(examples),
    ]
    if any("ContentSequence" in example.object for example in examples):
        parts += ["Content tree:", content_tree(example.object for example in examples)]
    return "\n\n".join(parts)
