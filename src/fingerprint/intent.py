"""Capability: what the prompts of a campaign seem to be after. Reported beside the statistics, never part of them.

A short lexicon of constructions in several languages, scored on representative prompts only (thousands, not millions). It names a
capability for the reader; it decides nothing: the same words stand in a pupil's question and in a harvesting template.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

OTHER = "general instructions"

_LEXICON: dict[str, tuple[str, ...]] = {
    "reasoning traces": (
        r"step[- ]by[- ]step", r"chain of thought", r"show (all |every |your |the )?(work|working|reasoning|intermediate)", r"reasoning steps?", r"think (aloud|carefully|through)",
        r"<(think|thinking|analysis|reasoning|scratchpad)>", r"full reasoning", r"before (you|the) (answer|reply)", r"explain (in detail )?how you (arrive|got|reach)",
        r"逐步|一步一步|推理过程|思维链", r"paso a paso", r"пошагов|шаг за шагом|ход рассуждени", r"schritt f[üu]r schritt", r"[ée]tape par [ée]tape", r"段階的|順を追って", r"단계별",
    ),
    "grading and rubrics": (
        r"\brubric", r"\b(grade|score|rate|judge|evaluate)\b.{0,40}\b(response|answer|essay|output|candidate|assistant)", r"which (response|answer) is better", r"scale of (1|one) to",
        r"preference|pairwise", r"评分|打分|哪个回答", r"puntúa|califica", r"оцени(те)? ответ", r"bewerte",
    ),
    "instruction synthesis": (
        r"\b(come up with|generate|write|create|rewrite)\b.{0,40}\b(tasks?|instructions?|questions?|prompts?|problems?)\b", r"more complex|harder version|evolv|given prompt|#given",
        r"new (instruction|prompt|question)", r"生成.{0,10}(指令|问题|任务)|改写.{0,6}(指令|问题)", r"crea .{0,20}(instrucciones|preguntas)",
    ),
    "tool use and agents": (
        r"\b(tool|function|api)s?\b.{0,20}\b(call|use|available|invoke)", r"call (one|the) tool", r"you have access to", r"\b(agent|browser|shell|terminal)\b.{0,30}\b(task|command|action)",
        r"json schema", r"工具|调用接口", r"\bplease (download|convert|upload|transcribe|book|schedule)\b", r"\bexample\.(jpg|png|mp4|wav|txt)",
    ),
    "code": (
        r"```", r"\b(python|javascript|typescript|java|c\+\+|rust|golang|sql|html|css|bash|regex|php|kotlin|swift)\b",
        r"\b(function|class|method|algorithm|program|script|query|compile|debug|refactor|unit tests?|stack trace|array)\b", r"\bdef \w+\(|\breturn\b.{0,20};", r"代码|函数|编程|程序", r"código|función", r"код|функци[юя]",
    ),
    "mathematics": (
        r"\b(solve|prove|integral|derivative|equation|theorem|probability|triangle|polynomial|matrix)\b", r"\bhow many\b.*\d", r"\d+\s*[+*/^×÷=]\s*\d+", r"求解|证明|方程|概率", r"ecuación|demuestra", r"уравнени|докажи",
    ),
    "role-play": (
        r"\b(role[- ]?play|act as|pretend (to be|you are)|in character|stay in character|you are (a|an|the) (?!helpful|ai|assistant))", r"as if you were", r"dialogue between|conversation between",
        r"扮演|假装你是", r"actúa como|finge", r"представь,? что ты|сыграй роль",
    ),
    "translation": (r"\btranslat(e|ion)", r"翻译|译成", r"traduc(e|ir|ción)", r"перевед|перевод", r"übersetz", r"tradui[st]"),
    "censor-safe rewriting": (r"(politically|culturally) sensitive", r"avoid (sensitive|controversial)", r"neutral(ly)? (rewrite|rephrase)", r"敏感词|敏感话题|合规", r"censor"),
    "jailbreak": (r"ignore (all |any |the )?(previous|prior|above)", r"\bDAN\b|do anything now|developer mode", r"without (any )?(restrictions?|filters?|censorship)", r"无视.{0,6}(规则|限制)|越狱"),
    "medical": (r"\b(symptoms?|diagnos\w+|patient|dosage|treatment|disease)\b", r"症状|诊断|治疗|患者", r"síntomas|diagnóstico", r"симптом|диагноз"),
    "summarising and rewriting": (r"\b(summari[sz]e|paraphrase|proofread|rephrase|shorten)\b", r"摘要|总结|概括|润色", r"resume|resumir", r"перефразир|кратко излож"),
    "creative writing": (r"\bwrite (a|an|me)\b.{0,30}\b(story|poem|song|essay|blog|email|letter|article|speech)\b", r"写一(篇|首|个).{0,10}(故事|诗|文章|作文)", r"escribe (un|una) .{0,20}(cuento|poema|ensayo)"),
}


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {name: re.compile("|".join(f"(?:{p})" for p in parts), re.IGNORECASE) for name, parts in _LEXICON.items()}


def named(prompts: Sequence[str], max_chars: int = 1500) -> npt.NDArray[np.bool_]:
    """Say of each prompt which capabilities of the lexicon it names, bool[n, c].

    Only the first `max_chars` characters of a prompt are read, so hostile text costs bounded work.
    """
    cut, patterns = [p[:max_chars] for p in prompts], _patterns().values()
    return np.array([[bool(pattern.search(p)) for pattern in patterns] for p in cut], bool).reshape(len(cut), len(patterns))


def shares(found: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of prompts in which each capability is named: largest first, those at 5 % or more; none of no prompt."""
    if not len(found):
        return {}
    share = dict(zip(_patterns(), found.mean(0).tolist(), strict=True))
    return {name: round(value, 4) for name, value in sorted(share.items(), key=lambda item: (-item[1], item[0])) if value >= 0.05}


def targeted(share: dict[str, float], least: float = 0.3) -> str:
    """Name what is targeted: the capabilities within half of the commonest one, at most three; ``OTHER`` when none reaches `least`."""
    if not share or max(share.values()) < least:
        return OTHER
    top = max(share.values())
    return ", ".join([name for name, value in share.items() if value >= max(least, top / 2)][:3])
