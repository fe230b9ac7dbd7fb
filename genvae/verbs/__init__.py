"""What `genvae` does, as functions: load a run, prepare a store, train, evaluate. The command line is their client.

`given` opens what they take; `stores` makes clips, `trainings` makes runs, `runs` uses them, `measuring` says how good
they are. None imports another, and all that is slow to import is imported when it is called.
"""

from genvae.verbs.given import open_run, open_store
from genvae.verbs.measuring import evaluate, make_critic, train_preference
from genvae.verbs.runs import export_onnx, load, make_map, pack, regenerate, verify
from genvae.verbs.stores import export_webdataset, merge_stores, prepare
from genvae.verbs.trainings import train, train_vocoder

__all__ = [
    "evaluate",
    "export_onnx",
    "export_webdataset",
    "load",
    "make_critic",
    "make_map",
    "merge_stores",
    "open_run",
    "open_store",
    "pack",
    "prepare",
    "regenerate",
    "train",
    "train_preference",
    "train_vocoder",
    "verify",
]
