"""Small captioning models with what they say, into `caption/tests/golden/`.

Run from the repository's root, with the versions of requirements.txt:
    python tests/golden/make_captioners.py path/to/cogvlm_reference.py

CogVLM is computed by the reference script that is named; LLaVA by transformers; the tagger by timm. Weights are random, their
sizes no powers of two, and every number is one that bf16 can hold, so that files are small and kinds can be compared.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

OUT = Path("caption/tests/golden")
CORPUS = [path.read_text() for path in [Path("README.md"), Path("ARCHITECTURE.md"), Path("docs/schema.md")]] + [
    "Question: Describe the image in twenty words or less. Answer: A girl with silver hair stands in a flower field at dusk."
] * 20
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PROMPTS = ["Describe the image.", "Caption this image accurately, with as few words as possible."]
NEW_TOKENS = 64


def bf16(tensor):
    return tensor.to(torch.bfloat16).float()


def images(folder, count):
    """Pictures of waves, of odd sizes."""
    out = []
    for n in range(count):
        w, h = 37 + 8 * n, 29 + 6 * n
        y, x = np.mgrid[0:h, 0:w]
        channels = [127 + 120 * np.sin(x * (0.2 + 0.1 * n) + y * 0.07 * c + n) for c in range(3)]
        picture = Image.fromarray(np.stack(channels, -1).astype(np.uint8))
        picture.save(folder / f"image-{n}.png")
        out.append(picture)
    return out


def pixels(pictures, side, resample, mean, std):
    rows = []
    for picture in pictures:
        small = np.asarray(picture.resize((side, side), resample), dtype=np.float32) / 255
        rows.append(torch.from_numpy((small - np.float32(mean)) / np.float32(std)).permute(2, 0, 1))
    return torch.stack(rows).contiguous()


def sentencepiece_model(folder):
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(CORPUS))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "tokenizer"), vocab_size=470, model_type="bpe", byte_fallback=True,
        character_coverage=0.98, normalization_rule_name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=1, split_digits=True, allow_whitespace_only_pieces=True,
        minloglevel=2,
    )
    corpus.unlink()
    (folder / "tokenizer.vocab").unlink()
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def byte_level(folder, special):
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=430, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def distinct(ids):
    return min(len(set(row)) for row in ids.tolist())


# --------------------------------------------------------------------------------------------------------------- CogVLM


def cog_weights(v2, vocab, seed):
    g = torch.Generator().manual_seed(seed)
    vis = dict(hidden=30, heads=3, layers=3, inter=44, patch=5, image=30 if v2 else 20)
    lm = dict(hidden=72, heads=6, kv=2 if v2 else 6, inter=52, layers=3)
    w = {}

    def r(name, *shape, scale=None):
        fan = shape[-1] if len(shape) == 2 else int(np.prod(shape[1:]))
        w[name] = bf16(torch.randn(*shape, generator=g) * (scale or 1.6 / fan**0.5))

    def norm(name, size, bias):
        w[name + ".weight"] = bf16(1 + 0.2 * torch.randn(size, generator=g))
        if bias:
            w[name + ".bias"] = bf16(0.1 * torch.randn(size, generator=g))

    d, di = lm["hidden"], lm["inter"]
    qkv = d + 2 * lm["kv"] * (d // lm["heads"])
    r("model.embed_tokens.weight", vocab, d, scale=1.0)
    norm("model.norm", d, False)
    r("lm_head.weight", vocab, d, scale=0.6)
    for i in range(lm["layers"]):
        p = f"model.layers.{i}."
        norm(p + "input_layernorm", d, False)
        norm(p + "post_attention_layernorm", d, False)
        for e in ["vision", "language"]:
            r(p + f"self_attn.{e}_expert_query_key_value.weight", qkv, d)
            r(p + f"self_attn.{e}_expert_dense.weight", d, d)
            r(p + f"mlp.{e}_mlp.gate_proj.weight", di, d)
            r(p + f"mlp.{e}_mlp.up_proj.weight", di, d)
            r(p + f"mlp.{e}_mlp.down_proj.weight", d, di)
        if v2:
            r(p + "self_attn.vision_expert_query_key_value.bias", 1, qkv, scale=0.3)
            w[p + "self_attn.vision_expert_query_key_value.bias"] = w[p + "self_attn.vision_expert_query_key_value.bias"][0]
    h, hi = vis["hidden"], vis["inter"]
    side = vis["image"] // vis["patch"]
    P = "model.vision."
    r(P + "patch_embedding.proj.weight", h, 3, vis["patch"], vis["patch"])
    w[P + "patch_embedding.proj.bias"] = bf16(0.1 * torch.randn(h, generator=g))
    r(P + "patch_embedding.cls_embedding", 1, h, scale=0.5)
    r(P + "patch_embedding.position_embedding.weight", side * side + 1, h, scale=0.5)
    for i in range(vis["layers"]):
        p = f"{P}transformer.layers.{i}."
        for name, o, n in [("attention.query_key_value", 3 * h, h), ("attention.dense", h, h), ("mlp.fc1", hi, h), ("mlp.fc2", h, hi)]:
            r(p + name + ".weight", o, n)
            w[p + name + ".bias"] = bf16(0.1 * torch.randn(o, generator=g))
        norm(p + "input_layernorm", h, True)
        norm(p + "post_attention_layernorm", h, True)
    if v2:
        r(P + "conv.weight", h, h, 2, 2)
        w[P + "conv.bias"] = bf16(0.1 * torch.randn(h, generator=g))
    p = P + "linear_proj."
    r(p + "linear_proj.weight", d, h)
    norm(p + "norm1", d, True)
    r(p + "dense_h_to_4h.weight", di, d)
    r(p + "gate_proj.weight", di, d)
    r(p + "dense_4h_to_h.weight", d, di)
    r(P + "boi", 1, 1, d, scale=0.5)
    r(P + "eoi", 1, 1, d, scale=0.5)
    # The patches keep small RMS, so that an eps of 1e-6 and one of 1e-5 differ.
    w["model.embed_tokens.weight"] = bf16(w["model.embed_tokens.weight"] * 0.02)
    for name in [p + "dense_4h_to_h.weight", P + "boi", P + "eoi"]:
        w[name] = bf16(w[name] * 0.02)
    return w, vis, lm


def cog_stages(ref, w, c, imgs, texts, bos, pad):
    """Inputs of every norm in the order of computing, and the logits."""
    seen = {}
    ln, rms = ref.ln, ref.rms
    count = {"ln": 0, "rms": 0}

    def traced_ln(x, w_, p, eps):
        seen[f"vision.{count['ln']:02}"] = x.clone()
        count["ln"] += 1
        return ln(x, w_, p, eps)

    def traced_rms(x, g_, eps):
        seen[f"decoder.{count['rms']:02}"] = x.clone()
        count["rms"] += 1
        return rms(x, g_, eps)

    ref.ln, ref.rms = traced_ln, traced_rms
    lg = ref.prefill(w, c, imgs, texts, bos=bos, pad=pad)[0]
    ref.ln, ref.rms = ln, rms
    seen["image"] = ref.vision(w, c, imgs)
    seen["logits"] = lg[:, -1:]
    return seen


def mutations(ref, w, c, imgs, texts, bos, pad):
    """The last logits of models that get one thing wrong."""
    import types

    def mutant(*replacements):
        source = Path(ref.__file__).read_text()
        for old, new in replacements:
            assert old in source, old
            source = source.replace(old, new)
        module = types.ModuleType("mutant")
        exec(source, module.__dict__)
        return module

    logits = lambda module, c: module.prefill(w, c, imgs, texts, bos=bos, pad=pad)[0][:, -1:]
    before = mutant(
        ("q,k,vv=lin(x,w,p+'attention.query_key_value')",
         "q,k,vv=lin(ln(x,w,p+'input_layernorm',v['eps']),w,p+'attention.query_key_value')"),
        ("x=x+ln(lin(a,w,p+'attention.dense'),w,p+'input_layernorm',v['eps'])", "x=x+lin(a,w,p+'attention.dense')"),
        ("x=x+ln(lin(F.gelu(lin(x,w,p+'mlp.fc1')),w,p+'mlp.fc2'),w,p+'post_attention_layernorm',v['eps'])",
         "x=x+lin(F.gelu(lin(ln(x,w,p+'post_attention_layernorm',v['eps']),w,p+'mlp.fc1')),w,p+'mlp.fc2')"))
    yield "norm_before_the_sublayer", logits(before, c)
    yield "eoi_through_the_vision_expert", logits(mutant(("vm[b,np_+1:np_+n]=True", "vm[b,np_+1:np_+1+n]=True")), c)
    yield "increasing_patch_positions", logits(mutant(
        ("[off+2]*(n_img-2)+[off+3]+[off+4+i for i in range(n_text)]",
         "[off+2+i for i in range(n_img-2)]+[off+n_img]+[off+n_img+1+i for i in range(n_text)]")), c)
    yield "eps_1e-6", logits(ref, dict(c, eps=1e-6))
    yield "bridge_eps_1e-6", logits(mutant(("w,p+'norm1',1e-5", "w,p+'norm1',1e-6")), c)


def cogvlm(ref, v2):
    folder = OUT / ("cogvlm2" if v2 else "cogvlm")
    folder.mkdir(parents=True, exist_ok=True)
    pictures = images(folder, 2)
    if v2:
        special = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|eot_id|>"]
        tokenizer = byte_level(folder, special)
        vocab, bos, pad = tokenizer.get_vocab_size(), *[tokenizer.token_to_id(special[i]) for i in (0, 2)]
        eos = [tokenizer.token_to_id(special[1]), tokenizer.token_to_id(special[3])]
        encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
        decode = lambda ids: tokenizer.decode(ids)
    else:
        tokenizer = sentencepiece_model(folder)
        vocab, bos, eos, pad = tokenizer.get_piece_size(), 1, 2, 0
        encode, decode = tokenizer.encode, tokenizer.decode
    texts = [encode(f"Question: {prompt} Answer:") for prompt in PROMPTS]
    for seed in range(1000):
        w, vis, lm = cog_weights(v2, vocab, seed)
        c = dict(vision=dict(patch=vis["patch"], heads=vis["heads"], layers=vis["layers"], eps=1e-6), hidden=lm["hidden"],
                 heads=lm["heads"], kv_heads=lm["kv"], layers=lm["layers"], eps=1e-5, theta=5e5 if v2 else 1e4)
        mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
        imgs = pixels(pictures, vis["image"], Image.BICUBIC, mean, std)
        even = ref.greedy(w, c, imgs, [texts[0]] * 2, NEW_TOKENS, bos=bos, pad=pad)
        stops = set(eos if v2 else [eos])
        if distinct(even) >= 20 and not stops & set(even.flatten().tolist()):
            odd = ref.greedy(w, c, imgs, texts, NEW_TOKENS, bos=bos, pad=pad)
            if distinct(odd) >= 20 and not stops & set(odd.flatten().tolist()):
                break
    print(folder.name, "seed", seed, "distinct", distinct(even), distinct(odd))
    out = {"pixels": imgs, "greedy_unpadded": even, "greedy_padded": odd}
    for kind, t in [("unpadded", [texts[0]] * 2), ("padded", texts)]:
        for name, tensor in cog_stages(ref, w, c, imgs, t, bos, pad).items():
            if kind == "unpadded" or name == "logits":
                out[f"{kind}.{name}"] = tensor
    # f32 tables where bf16 ones belong: the tables of the reference are made from a bf16 `inv_freq`.
    hd = lm["hidden"] // lm["heads"]
    half = dict(w, inv_freq=(1.0 / (c["theta"] ** (torch.arange(0, hd, 2).float() / hd))).bfloat16())
    out["bf16_tables.logits"] = cog_stages(ref, half, c, imgs, [texts[0]] * 2, bos, pad)["logits"]
    for name, mutated in mutations(ref, w, c, imgs, [texts[0]] * 2, bos, pad):
        out[f"mutated.{name}"] = mutated
    config = {
        "architectures": ["CogVLMForCausalLM"], "vocab_size": vocab, "hidden_size": lm["hidden"], "intermediate_size": lm["inter"],
        "num_hidden_layers": lm["layers"], "num_attention_heads": lm["heads"], "hidden_act": "silu", "rms_norm_eps": 1e-5,
        "max_position_embeddings": 2048, "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad,
        "tie_word_embeddings": False, "torch_dtype": "float32", "template_version": "chat",
        "vision_config": {
            "image_size": vis["image"], "patch_size": vis["patch"], "in_channels": 3, "hidden_size": vis["hidden"],
            "num_heads": vis["heads"], "intermediate_size": vis["inter"], "num_hidden_layers": vis["layers"],
            "num_positions": (vis["image"] // vis["patch"]) ** 2 + 1, "hidden_act": "gelu", "layer_norm_eps": 1e-6,
            "dropout_prob": 0.0,
        },
    }
    if v2:
        config["num_multi_query_heads"] = lm["kv"]
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    # Two shards with an index, as published.
    names = sorted(w)
    shards = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for shard, members in shards.items():
        save_file({n: w[n].bfloat16().contiguous() for n in members}, folder / shard, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {n: shard for shard, members in shards.items() for n in members}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    save_file({n: t.contiguous() for n, t in out.items()}, folder / "expected.safetensors")
    captions = {"prompts": PROMPTS, "texts": texts, "unpadded": [decode(r) for r in even.tolist()],
                "padded": [decode(r) for r in odd.tolist()], "new_tokens": NEW_TOKENS}
    (folder / "captions.json").write_text(json.dumps(captions, indent=1))


# ---------------------------------------------------------------------------------------------------------------- LLaVA


def llava():
    from transformers import LlavaConfig, LlavaForConditionalGeneration
    from transformers.models.clip.configuration_clip import CLIPVisionConfig
    from transformers.models.llama.configuration_llama import LlamaConfig
    from transformers.models.siglip.configuration_siglip import SiglipVisionConfig

    for name, vision in [
        ("llava", SiglipVisionConfig(hidden_size=30, intermediate_size=44, num_hidden_layers=3, num_attention_heads=3, image_size=20,
                                     patch_size=5, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6)),
        ("llava-clip", CLIPVisionConfig(hidden_size=30, intermediate_size=44, num_hidden_layers=3, num_attention_heads=3, image_size=20,
                                        patch_size=5, hidden_act="quick_gelu", layer_norm_eps=1e-5, projection_dim=12)),
    ]:
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        pictures = images(folder, 2)
        special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>"]
        tokenizer = byte_level(folder, special)
        token = tokenizer.token_to_id
        rope = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16, "rope_theta": 500000.0}
        text = LlamaConfig(vocab_size=tokenizer.get_vocab_size() + 2, hidden_size=72, intermediate_size=52, num_hidden_layers=3,
                           num_attention_heads=6, num_key_value_heads=2, rms_norm_eps=1e-5, rope_parameters=rope,
                           max_position_embeddings=4096, bos_token_id=token(special[0]), eos_token_id=token(special[1]),
                           tie_word_embeddings=False)
        is_clip = name == "llava-clip"
        config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=token("<image>"), vision_feature_layer=-2,
                             vision_feature_select_strategy="default" if is_clip else "full", projector_hidden_act="gelu",
                             image_seq_length=16)
        before = ("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful image captioner.<|eot_id|>"
                  "<|start_header_id|>user<|end_header_id|>\n\n")
        after = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        encode = lambda t: tokenizer.encode(t, add_special_tokens=False).ids
        texts = [encode(prompt + after) for prompt in PROMPTS]
        opening = encode(before)
        mean, std = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)) if is_clip else ([0.5] * 3, [0.5] * 3)
        if is_clip:
            small = []
            for picture in pictures:
                w, h = picture.size
                scaled = picture.resize((20 * w // min(w, h), 20 * h // min(w, h)), Image.BICUBIC)
                left, top = (scaled.width - 20) // 2, (scaled.height - 20) // 2
                small.append(scaled.crop((left, top, left + 20, top + 20)))
            imgs = pixels(small, 20, Image.BICUBIC, mean, std)
        else:
            imgs = pixels(pictures, 20, Image.LANCZOS, mean, std)
        stops = {token(s) for s in special}
        for seed in range(1000):
            torch.manual_seed(seed)
            model = LlavaForConditionalGeneration(config).eval()
            for n, p in model.named_parameters():
                if p.dim() > 1:
                    p.copy_(bf16(torch.randn_like(p) * (1.6 / p.shape[-1] ** 0.5 if p.dim() == 2 else 0.1)))
                else:
                    p.copy_(bf16(p + 0.2 * torch.randn_like(p)))
            model.get_input_embeddings().weight.copy_(bf16(torch.randn_like(model.get_input_embeddings().weight)))

            def run(texts):
                longest = max(map(len, texts))
                pad = token(special[1])
                rows = [[pad] * (longest - len(t)) + opening + [token("<image>")] * 16 + t for t in texts]
                mask = [[0] * (longest - len(t)) + [1] * (len(r) - longest + len(t)) for r, t in zip(rows, texts)]
                rows, mask = torch.tensor(rows), torch.tensor(mask)
                logits = model(input_ids=rows, attention_mask=mask, pixel_values=imgs).logits
                ids = model.generate(input_ids=rows, attention_mask=mask, pixel_values=imgs, max_new_tokens=NEW_TOKENS,
                                     do_sample=False, eos_token_id=None, pad_token_id=pad)
                return logits[:, -1:], ids[:, rows.shape[1]:]

            (even_logits, even), (odd_logits, odd) = run([texts[0]] * 2), run(texts)
            fine = lambda t: distinct(t) >= 20 and not stops & set(t.flatten().tolist())
            if fine(even) and fine(odd):
                break
        print(name, "seed", seed, "distinct", distinct(even), distinct(odd))
        seen = model.model.get_image_features(pixel_values=imgs)
        seen = getattr(seen, "pooler_output", seen)
        seen = torch.stack(list(seen)) if isinstance(seen, (list, tuple)) else seen
        hidden = model.model.vision_tower(imgs, output_hidden_states=True).hidden_states
        out = {"pixels": imgs, "greedy_unpadded": even, "greedy_padded": odd, "unpadded.logits": even_logits,
               "padded.logits": odd_logits, "unpadded.image": seen.reshape(2, 16, -1), "vision.embeddings": hidden[0],
               "vision.layers.0": hidden[1], "vision.layers.1": hidden[2]}
        model.bfloat16().save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        preprocessor = {"resample": 3 if is_clip else 1, "image_mean": list(mean), "image_std": list(std), "do_center_crop": is_clip}
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
        save_file({n: t.contiguous().clone() for n, t in out.items()}, folder / "expected.safetensors")
        captions = {"prompts": PROMPTS, "texts": texts, "unpadded": [tokenizer.decode(r) for r in even.tolist()],
                    "padded": [tokenizer.decode(r) for r in odd.tolist()], "new_tokens": NEW_TOKENS}
        (folder / "captions.json").write_text(json.dumps(captions, indent=1))


# --------------------------------------------------------------------------------------------------------------- tagger


def tagger():
    """A small ViT of timm in the layout of the WD tagger, version 3."""
    import timm

    folder = OUT / "tagger"
    folder.mkdir(parents=True, exist_ok=True)
    names = ["general", "sensitive"] + [f"tag_{n}" for n in range(21)] + ["silver_hair", "^_^", "hakurei_reimu", "other_person"]
    categories = [9, 9] + [0] * 23 + [4, 4]
    args = dict(act_layer="gelu_tanh", class_token=False, fc_norm=False, global_pool="avg", img_size=30, patch_size=5,
                embed_dim=36, depth=3, num_heads=3, mlp_ratio=52 / 36, num_classes=len(names))
    torch.manual_seed(7)
    model = timm.models.VisionTransformer(
        **{**args, "act_layer": lambda: torch.nn.GELU(approximate="tanh")}).eval()
    for n, p in model.named_parameters():
        scale = 1.6 / p.shape[-1] ** 0.5 if p.dim() == 2 else 0.2
        p.copy_(bf16(p * (p.dim() == 1) + scale * torch.randn_like(p)))
    pictures = images(folder, 2)
    rows = []
    for picture in pictures:
        side = max(picture.size)
        square = Image.new("RGB", (side, side), (255, 255, 255))
        square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
        small = np.asarray(square.resize((30, 30), Image.BICUBIC), dtype=np.float32)[:, :, ::-1] / 255
        rows.append(torch.from_numpy((small - np.float32(0.5)) / np.float32(0.5)).permute(2, 0, 1))
    imgs = torch.stack(rows).contiguous()
    scores = model(imgs).sigmoid()
    print("tagger", scores.min().item(), scores.max().item())
    config = {"architecture": "vit_base_patch16_224", "num_classes": len(names), "model_args": {**args, "mlp_ratio": 52 / 36},
              "pretrained_cfg": {"input_size": [3, 30, 30], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    save_file({n: t.bfloat16().contiguous() for n, t in model.state_dict().items()}, folder / "model.safetensors")
    lines = [f"{n},{name},{category},1" for n, (name, category) in enumerate(zip(names, categories))]
    (folder / "selected_tags.csv").write_text("tag_id,name,category,count\n" + "\n".join(lines) + "\n")
    texts = []
    for row in scores:
        chosen = [(c == 0, -s.item(), n) for n, c, s in zip(names, categories, row)
                  if (c == 0 and s > 0.35) or (c == 4 and s > 0.75)]
        words = lambda n: n if n == "^_^" else n.replace("_", " ")
        texts.append(", ".join(words(n) for _, _, n in sorted(chosen, key=lambda t: t[:2])))
    save_file({"pixels": imgs, "scores": scores.contiguous()}, folder / "expected.safetensors")
    (folder / "captions.json").write_text(json.dumps(texts, indent=1))


# ------------------------------------------------------------------------------------------------------------ tokenizers


def tokenizers():
    """Ids and texts of odd strings, by SentencePiece and by tokenizers: over bytes, and over characters as Llama 2."""
    import random

    random.seed(3)
    texts = ["", " ", "  ", "a", " a", "A girl with silver hair, 1024 px.", "It's THEY'RE i'LL we'd", "\n\n x \t y \r\n z", "日本語のテキスト。",
             "naïve café Ångström", "👩‍👩‍👧 emoji", "x²½Ⅷ 12345 1,000.50", "<s> </s> <|eot_id|> <|begin_of_text|>x", "trailing   ",
             "▁ meta", "e\u0301 combining", "\u00a0nbsp\u3000wide", "!!!???...", "tab\tseparated", "a\u200bb"]
    alphabet = "abcdefgh ABC  123 .,!?'\n\tâéñ日本👍\u0301\u00a0-_()"
    texts += ["".join(random.choice(alphabet) for _ in range(random.randint(1, 40))) for _ in range(200)]
    spm = sentencepiece.SentencePieceProcessor(model_file=str(OUT / "cogvlm/tokenizer.model"))
    byte = Tokenizer.from_file(str(OUT / "cogvlm2/tokenizer.json"))
    folder = Path("crates/tokens/tests/data/llama2")
    folder.mkdir(parents=True, exist_ok=True)
    vocab = {spm.id_to_piece(i): i for i in range(spm.get_piece_size())}
    # As transformers converts a SentencePiece model.
    merges = []
    for piece, i in vocab.items():
        local = [(piece[:at], piece[at:], i) for at in range(1, len(piece)) if piece[:at] in vocab and piece[at:] in vocab]
        merges += sorted(local, key=lambda m: (vocab[m[0]], vocab[m[1]]))
    merges.sort(key=lambda m: -spm.get_score(m[2]))
    char = Tokenizer(models.BPE(vocab, [(a, b) for a, b, _ in merges], fuse_unk=True, byte_fallback=True, unk_token="<unk>"))
    from tokenizers import normalizers
    char.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    char.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    char.add_special_tokens(["<unk>", "<s>", "</s>"])
    char.save(str(folder / "tokenizer.json"))
    plain = [t for t in texts if "<" not in t]
    out = {
        "sentencepiece": [[t, spm.encode(t), spm.decode(spm.encode(t))] for t in texts],
        "bytes": [[t, byte.encode(t, add_special_tokens=False).ids, byte.decode(byte.encode(t, add_special_tokens=False).ids)]
                  for t in texts],
        "characters": [[t, char.encode(t, add_special_tokens=False).ids, char.decode(char.encode(t, add_special_tokens=False).ids)]
                       for t in plain],
    }
    import gzip
    packed = gzip.compress(json.dumps(out, ensure_ascii=False).encode(), 9, mtime=0)
    Path("crates/tokens/tests/data/text.json.gz").write_bytes(packed)


# ---------------------------------------------------------------------------------------------------------- preprocessing


def resizes():
    """Fifty resizes of odd sizes: hashes of what Pillow makes of pictures that a formula makes."""
    import hashlib

    lines = []
    for n in range(50):
        w, h = 3 + (n * 37) % 190, 2 + (n * 53) % 170
        to_w, to_h = 1 + (n * 29) % 130, 1 + (n * 71) % 120
        if n % 10 == 7:
            to_w = w
        if n % 10 == 8:
            to_h = h
        data = bytes(((i * i * 31 + i * 17 + n * 101) >> 3) & 255 for i in range(w * h * 3))
        picture = Image.frombytes("RGB", (w, h), data)
        name, method = [("bicubic", Image.BICUBIC), ("lanczos", Image.LANCZOS)][n % 2]
        digest = hashlib.sha256(picture.resize((to_w, to_h), method).tobytes()).hexdigest()
        lines.append(f"{n} {w} {h} {to_w} {to_h} {name} {digest}")
    Path("crates/pixels/tests/data/resizes.txt").write_text("\n".join(lines) + "\n")


def main():
    spec = importlib.util.spec_from_file_location("reference", sys.argv[1])
    ref = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ref)
    torch.set_num_threads(1)
    with torch.no_grad():
        cogvlm(ref, False)
        cogvlm(ref, True)
        llava()
        tagger()
    tokenizers()
    resizes()


main()
