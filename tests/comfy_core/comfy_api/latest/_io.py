"""V3 schema: inputs and outputs with exactly the options that ComfyUI 0.3.64 has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"


@dataclass
class Input:
    id: str
    display_name: str | None = None
    optional: bool = False
    tooltip: str | None = None
    lazy: bool | None = None
    io_type = "?"
    is_widget = False


@dataclass
class SocketInput(Input):
    extra_dict: dict[str, Any] | None = None


@dataclass
class WidgetInput(Input):
    default: Any = None
    socketless: bool | None = None
    force_input: bool | None = None
    is_widget = True


@dataclass
class NumberInput(WidgetInput):
    min: float | None = None
    max: float | None = None
    step: float | None = None
    display_mode: Any = None


@dataclass
class IntInput(NumberInput):
    control_after_generate: bool | None = None
    io_type = "INT"


@dataclass
class FloatInput(NumberInput):
    round: float | None = None
    io_type = "FLOAT"


@dataclass
class StringInput(WidgetInput):
    multiline: bool = False
    placeholder: str | None = None
    dynamic_prompts: bool | None = None
    io_type = "STRING"


@dataclass
class BooleanInput(WidgetInput):
    label_on: str | None = None
    label_off: str | None = None
    io_type = "BOOLEAN"


@dataclass
class ComboInput(Input):
    options: list[str] | None = None
    default: str | None = None
    socketless: bool | None = None
    io_type = "COMBO"
    is_widget = True


@dataclass
class Output:
    id: str | None = None
    display_name: str | None = None
    tooltip: str | None = None
    is_output_list: bool = False
    io_type = "?"


def Custom(io_type: str, input_class: type[Input] = SocketInput) -> type:  # noqa: N802
    """A type with ``.Input`` and ``.Output``, connected by its name alone."""
    return type(
        io_type,
        (),
        {
            "io_type": io_type,
            "Input": type("Input", (input_class,), {"io_type": io_type}),
            "Output": type("Output", (Output,), {"io_type": io_type}),
        },
    )


Image, Mask = Custom("IMAGE"), Custom("MASK")
Int, Float = Custom("INT", IntInput), Custom("FLOAT", FloatInput)
String, Boolean = Custom("STRING", StringInput), Custom("BOOLEAN", BooleanInput)
Combo = Custom("COMBO", ComboInput)


@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    description: str = ""
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False

    def validate(self) -> None:
        """Ids are unique, also between inputs and outputs: old versions insist."""
        ids = [i.id for i in self.inputs] + [o.id for o in self.outputs if o.id]
        assert len(set(ids)) == len(ids), f"{self.node_id}: ids are not unique: {ids}"


@dataclass
class HiddenHolder:
    unique_id: str | None = None
    prompt: Any = None
    extra_pnginfo: Any = None


class _LockedType(type):
    """Nodes must keep nothing: ComfyUI runs a fresh clone of the class each time."""

    def __setattr__(cls, name, value):
        if cls.__dict__.get("_locked"):
            raise AttributeError(f"{cls.__name__} is locked: a node cannot keep {name!r}")
        super().__setattr__(name, value)


class ComfyNode(metaclass=_LockedType):
    hidden: HiddenHolder | None = None

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:  # noqa: N802
        schema = cls.define_schema()
        schema.validate()
        return schema

    @classmethod
    def PREPARE_CLASS_CLONE(cls, unique_id: str) -> type[ComfyNode]:  # noqa: N802
        asked = Hidden.unique_id in cls.define_schema().hidden
        return _LockedType(
            cls.__name__,
            (cls,),
            {"hidden": HiddenHolder(unique_id if asked else None), "_locked": True},
        )


class NodeOutput:
    def __init__(self, *args, ui=None, expand=None, block_execution=None):
        self.args, self.ui = args, ui
        self.expand, self.block_execution = expand, block_execution

    @property
    def result(self):
        return self.args or None

    def __getitem__(self, index):
        return self.args[index]
