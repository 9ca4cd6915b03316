"""Stable Diffusion ControlNet pipelines of random weights, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

CROSS = 32  # width of the text features


def write_tokenizer(folder: Path) -> Path:
    """Vocabulary of single characters in CLIP's byte-pair format."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return folder


def tiny_tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    words = write_tokenizer(folder / "words")
    return CLIPTokenizer.from_pretrained(str(words), model_max_length=77)


def text_config(tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=CROSS,
        projection_dim=CROSS,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def tiny_vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
    )


def write_tiny_pipeline(folder: Path) -> tuple[Path, Path]:
    """Save pipeline and ControlNet; returns both folders."""
    from diffusers import (
        ControlNetModel,
        DDIMScheduler,
        StableDiffusionControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    blocks = ("CrossAttnDownBlock2D", "DownBlock2D")
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=blocks,
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=CROSS,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    controlnet = ControlNetModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=blocks,
        cross_attention_dim=CROSS,
        attention_head_dim=4,
        norm_num_groups=4,
        conditioning_embedding_out_channels=(8, 8, 8, 8),
    )
    tokenizer = tiny_tokenizer(folder)
    pipeline = StableDiffusionControlNetPipeline(
        vae=tiny_vae(),
        text_encoder=CLIPTextModel(text_config(tokenizer)),
        tokenizer=tokenizer,
        unet=unet,
        controlnet=controlnet,
        scheduler=DDIMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "model")
    controlnet.save_pretrained(folder / "controlnet")
    return folder / "model", folder / "controlnet"


def write_tiny_motion(folder: Path) -> Path:
    """Save a motion adapter that fits ``write_tiny_pipeline``'s model."""
    from diffusers import MotionAdapter

    torch.manual_seed(0)
    adapter = MotionAdapter(
        block_out_channels=(8, 16),
        motion_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=4,
        use_motion_mid_block=False,
    )
    adapter.save_pretrained(folder / "motion")
    return folder / "motion"


def write_tiny_sdxl(folder: Path) -> tuple[Path, Path]:
    """The same for SDXL, which has two text encoders and is told the size of the picture."""
    from diffusers import (
        ControlNetModel,
        EulerDiscreteScheduler,
        StableDiffusionXLControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    shared = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "cross_attention_dim": 2 * CROSS,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": CROSS + 6 * 8,  # text, and six numbers of 8
    }
    unet = UNet2DConditionModel(up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **shared)
    controlnet = ControlNetModel(conditioning_embedding_out_channels=(8, 8, 8, 8), **shared)
    tokenizer = tiny_tokenizer(folder)
    pipeline = StableDiffusionXLControlNetPipeline(
        vae=tiny_vae(),
        text_encoder=CLIPTextModel(text_config(tokenizer)),
        text_encoder_2=CLIPTextModelWithProjection(text_config(tokenizer)),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=unet,
        controlnet=controlnet,
        scheduler=EulerDiscreteScheduler(),
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder / "model")
    controlnet.save_pretrained(folder / "controlnet")
    return folder / "model", folder / "controlnet"
