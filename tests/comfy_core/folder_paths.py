"""Where models, inputs and outputs lie; ``set_base`` chooses the folder that holds them all."""

from __future__ import annotations

import os

models_dir = input_directory = output_directory = temp_directory = ""
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}


def set_base(base: str) -> None:
    global models_dir, input_directory, output_directory, temp_directory
    models_dir, input_directory, output_directory, temp_directory = (
        os.path.join(base, name) for name in ("models", "input", "output", "temp")
    )
    for folder in (models_dir, input_directory, output_directory, temp_directory):
        os.makedirs(folder, exist_ok=True)
    folder_names_and_paths.clear()
    folder_names_and_paths["custom_nodes"] = ([os.path.join(base, "custom_nodes")], set())


def add_model_folder_path(folder_name, full_folder_path, is_default=False) -> None:
    paths, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path not in paths:
        paths.insert(0 if is_default else len(paths), full_folder_path)


def get_folder_paths(folder_name) -> list[str]:
    return folder_names_and_paths[folder_name][0][:]


def get_filename_list(folder_name) -> list[str]:
    """Files of all folders of a kind, with paths relative to their folder."""
    found = set()
    for folder in get_folder_paths(folder_name):
        for parent, _, files in os.walk(folder, followlinks=True):
            found |= {os.path.relpath(os.path.join(parent, file), folder) for file in files}
    return sorted(found)


def get_full_path(folder_name, filename) -> str | None:
    for folder in get_folder_paths(folder_name):
        path = os.path.join(folder, filename)
        if os.path.isfile(path):
            return path
    return None


def get_input_directory() -> str:
    return input_directory


def get_output_directory() -> str:
    return output_directory


def get_temp_directory() -> str:
    return temp_directory


def get_annotated_filepath(name) -> str:
    """``pose.json`` of the input folder, ``pose.json [output]`` of the output folder."""
    for folder in ("input", "output", "temp"):
        if name.endswith(f"[{folder}]"):
            return os.path.join(globals()[f"{folder}_directory"], name[: -len(folder) - 3])
    return os.path.join(input_directory, name)


def get_save_image_path(filename_prefix, output_dir, image_width=0, image_height=0):
    """Folder, file stem, next free number, subfolder, prefix; files look like stem_00001_.png."""
    del image_width, image_height
    subfolder, stem = os.path.split(os.path.normpath(filename_prefix))
    folder = os.path.join(output_dir, subfolder)
    if os.path.commonpath((output_dir, os.path.abspath(folder))) != output_dir:
        raise Exception("Saving image outside the output folder is not allowed.")
    os.makedirs(folder, exist_ok=True)
    numbers = [0]
    for name in os.listdir(folder):
        if name.startswith(f"{stem}_"):
            digits = name[len(stem) + 1 :].split("_")[0]
            numbers.append(int(digits) if digits.isdigit() else 0)
    return folder, stem, max(numbers) + 1, subfolder, filename_prefix
