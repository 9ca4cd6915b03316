"""The drawing styles, each named after the model that reads the map."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class DrawStyle:
    """What one model expects of a map. All sizes are pixels of the canvas that is drawn on.

    Attributes:
        canvas_short_side: draw on a canvas with this short side and shrink it; None draws at the
            output size.
        person_by_person: finish one person before the next; otherwise all bodies are drawn before
            all hands and faces, and each limb of all people before the next limb.
        face_before_hands: which of the two ends up on top.
        max_people: draw so many bodies and faces; None draws all.
        max_hands: draw so many of: all left hands, then all right hands; None draws all.
        face: draw the face unless told otherwise.
        feet: always draw the feet.
        eyes_on_face: also draw the two eye points of the body as face points.
        body_includes_threshold: a body point that scores exactly the threshold is visible. Hand,
            face and foot points always are.
        hides_weak_hands_and_face: hand and face points below the threshold are not drawn.
        fade_by_score: colours are multiplied by the scores of the points.
        stick: half width of a limb.
        stick_by_length: half width of a limb and width of a finger line grow from 1 to 8 with their
            length instead.
        stick_by_map_size: ``stick`` grows with the longer side of the map.
        joint, fingertip: radius of a body or foot point, and of a hand point.
        swap_red_blue: the map's first and last channels trade places at the end.
        through_fractions: points become fractions of the image before they become canvas pixels;
            that can move a point with integer coordinates by one pixel.
    """

    canvas_short_side: int | None = None
    person_by_person: bool = False
    face_before_hands: bool = False
    max_people: int | None = None
    max_hands: int | None = None
    face: bool = True
    feet: bool = False
    eyes_on_face: bool = False
    body_includes_threshold: bool = False
    hides_weak_hands_and_face: bool = True
    fade_by_score: bool = False
    stick: int = 4
    stick_by_length: bool = False
    stick_by_map_size: bool = False
    joint: int = 4
    fingertip: int = 4
    swap_red_blue: bool = False
    through_fractions: bool = True


# Source: annotator/dwpose/util.py of IDEA-Research/DWPose, branch ``onnx``; what the Openpose
# ControlNet of Stable Diffusion 1.5 is used with.
_OPENPOSE = DrawStyle()
# Source: dwpose/__init__.py and util.py of Fannovel16/comfyui_controlnet_aux; sd-webui-controlnet
# draws the same.
_CONTROLNET_AUX = DrawStyle(
    person_by_person=True,
    eyes_on_face=True,
    body_includes_threshold=True,
    through_fractions=False,
)

STYLES: dict[str, DrawStyle] = {
    "openpose": _OPENPOSE,
    # Ours: foot limbs as in OpenPose's BODY_25, in the colours of the ankles.
    "openpose_feet": replace(_OPENPOSE, feet=True),
    "controlnet_aux": _CONTROLNET_AUX,
    # The SDXL Openpose ControlNet by xinsir. Source: scale_stick_for_xinsr_cn of the same project.
    "xinsir": replace(_CONTROLNET_AUX, stick_by_map_size=True),
    # Source: easy_dwpose/draw of reallyigor/easy_dwpose. It draws hands and faces that nobody saw.
    "easy_dwpose": replace(_OPENPOSE, face_before_hands=True, hides_weak_hands_and_face=False),
    # Source: mimicmotion/dwpose/util.py of Tencent/MimicMotion.
    "mimic_motion": replace(
        _OPENPOSE,
        canvas_short_side=2160,
        hides_weak_hands_and_face=False,
        fade_by_score=True,
        swap_red_blue=True,
    ),
    # Source: pose/script of TMElyralab/MusePose. Its model has seen one person and no face.
    "musepose": replace(
        _OPENPOSE, max_people=1, max_hands=2, face=False, stick_by_length=True, fingertip=3
    ),
}


def find_style(style: str | DrawStyle) -> DrawStyle:
    """The style itself, or the row of ``STYLES`` with that name.

    Raises:
        ValueError: no such row.
    """
    if isinstance(style, DrawStyle):
        return style
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}; got {style!r}")
    return STYLES[style]
