"""The pose editor as one tab of a Gradio app.

    with gr.Tab("Edit pose", id="edit"):
        editor = build_editor_tab()
    edit_button.click(editor.load, [pose_keypoint_json, photo], editor.outputs).then(
        lambda: gr.Tabs(selected="edit"), outputs=tabs
    )

``editor.load(pose_keypoint, photo)`` takes POSE_KEYPOINT JSON (one frame as a dict, or a list whose
first frame is edited) and an (H, W, 3) uint8 RGB photo or None, and returns one update for each of
``editor.outputs``; it raises ``gr.Error`` with a sentence for the user. The other way,
``editor.canvas`` may be an input of any event: ``pose_state.to_pose_keypoint(value)`` is the edited
frame. Dragging happens in the browser; after each edit the canvas fires ``input`` and the map is
drawn by ``dwpose_annotator.draw_poses``.
"""
