"""Makes the fixtures of SDXL's text side: two small random text encoders with their tokenizers.

Written with Python 3.11, torch 2.11.0, transformers 5.23.0, diffusers 0.42.1:

    python tests/golden/make_clip.py

tests/golden/clip/ is the text half of a diffusers folder: tokenizer, tokenizer_2 (which pads with id 0, `!`),
text_encoder (quick-gelu) and text_encoder_2 (gelu, with projection). Sizes are no powers of two, the weights are large
enough for every activation to bend. expected.safetensors holds, for each encoder, ids and what transformers makes of
them; and what diffusers' StableDiffusionXLPipeline.encode_prompt makes of the captions.
"""

import json
import shutil
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

HERE = Path(__file__).resolve().parent / "clip"
START, END = "<|startoftext|>", "<|endoftext|>"
ALPHABET = list("!abcdefghijklmnopqrstuvwxyz,.")
MERGES = ["c a", "ca t</w>", "d o", "do g</w>", "r e", "t h", "th e</w>", "i n", "a n"]
CAPTIONS = ["a cat", "", "the red dog, in the rain!", "Cat! cat!! CAT", "dog " * 90, "zoë <|endoftext|> x"]
# Behind every published file; loaders ignore it.
BUFFER = "text_model.embeddings.position_ids"


def tokenizer(folder, pad):
    tokens = ALPHABET + [c + "</w>" for c in ALPHABET] + ["".join(m.split()) for m in MERGES] + [START, END]
    vocab = {token: at for at, token in enumerate(tokens)}
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(vocab) + "\n")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    special = {"bos_token": START, "eos_token": END, "pad_token": pad, "unk_token": END}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=1) + "\n")
    config = special | {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    return CLIPTokenizer.from_pretrained(folder)


def encoder(folder, cls, seed, **sizes):
    """A model whose weights are drawn wide enough for nothing to be nearly linear."""
    config = CLIPTextConfig(bos_token_id=0, eos_token_id=2, pad_token_id=1, architectures=[cls.__name__], **sizes)
    model = cls(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() == 1:
                p.copy_(0.2 * noise + ("norm" in name and "weight" in name))
            else:
                p.copy_(noise * (1.0 if "embedding" in name else 1.5 * p.shape[1] ** -0.5))
    folder.mkdir(parents=True)
    keys = ("vocab_size", "hidden_size", "intermediate_size", "projection_dim", "num_hidden_layers", "num_attention_heads",
            "max_position_embeddings", "hidden_act", "layer_norm_eps", "bos_token_id", "eos_token_id", "pad_token_id")
    written = {"architectures": [cls.__name__], "model_type": "clip_text_model"} | {k: getattr(config, k) for k in keys}
    (folder / "config.json").write_text(json.dumps(written, indent=1) + "\n")
    # The names of the published files; transformers 5 leaves the prefix out of a model without a projection.
    prefix = "" if cls is CLIPTextModelWithProjection else "text_model."
    weights = {prefix + name: p.detach().clone() for name, p in model.named_parameters()}
    weights[BUFFER] = torch.arange(config.max_position_embeddings)[None]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return model


def run(model, ids):
    out = model(ids, output_hidden_states=True)
    pooled = out.text_embeds if hasattr(out, "text_embeds") else out.pooler_output
    return {"penultimate": out.hidden_states[-2], "last_hidden_state": out.last_hidden_state, "pooled": pooled}


@torch.no_grad()
def main():
    shutil.rmtree(HERE, ignore_errors=True)
    one, two = tokenizer(HERE / "tokenizer", END), tokenizer(HERE / "tokenizer_2", "!")
    vocab_size = len(one.get_vocab())
    assert one.pad_token_id == one.eos_token_id == vocab_size - 1 and two.pad_token_id == 0
    first = encoder(HERE / "text_encoder", CLIPTextModel, 1, vocab_size=vocab_size, hidden_size=24, intermediate_size=44,
                    num_hidden_layers=3, num_attention_heads=3, hidden_act="quick_gelu", projection_dim=24)
    second = encoder(HERE / "text_encoder_2", CLIPTextModelWithProjection, 2, vocab_size=vocab_size, hidden_size=40,
                     intermediate_size=52, num_hidden_layers=2, num_attention_heads=5, hidden_act="gelu", projection_dim=28)
    expected = {}
    generator = torch.Generator().manual_seed(3)
    for name, model in (("text_encoder", first), ("text_encoder_2", second)):
        ids = torch.randint(0, vocab_size - 1, (3, 77), generator=generator)
        for row, end in enumerate((5, 40, 76)):
            ids[row, end:] = 0
            ids[row, end] = vocab_size - 1
        # 7 stands for another eos_token_id below: neither the largest id nor the only one of its kind.
        ids[0, 3] = ids[0, 9] = ids[1, 0] = ids[2, 70] = 7
        expected |= {f"{name}.{key}": value for key, value in run(model, ids).items()}
        expected |= {f"{name}.ids": ids}
        # With another eos_token_id than 2, the first place of that id is pooled.
        inner = getattr(model, "text_model", model)
        inner.eos_token_id = 7
        expected |= {f"{name}.pooled_at_7": run(model, ids)["pooled"]}
        inner.eos_token_id = 2
    pipeline = StableDiffusionXLPipeline(
        vae=None, text_encoder=first, text_encoder_2=second, tokenizer=one, tokenizer_2=two, unet=None, scheduler=None,
    )
    states, _, pooled, _ = pipeline.encode_prompt(
        CAPTIONS, device=torch.device("cpu"), num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    expected |= {"pipeline.encoder_hidden_states": states, "pipeline.text_embeds": pooled}
    versions = {m.__name__: m.__version__ for m in (torch, transformers, diffusers)}
    save_file({k: v.contiguous() for k, v in expected.items()}, HERE / "expected.safetensors", versions)
    (HERE / "captions.json").write_text(json.dumps(CAPTIONS, indent=1) + "\n")


main()
