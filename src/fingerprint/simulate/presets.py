"""Ready-made worlds: ``demo``, ``mixed``, ``evasive``, ``control`` and ``scale``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fingerprint.errors import ConfigError
from fingerprint.simulate.config import CampaignConfig, LookalikeConfig, WorldConfig

_PROMPTS_PER_ACCOUNT: Final = 115  # the published case: 28.8 M exchanges; issue scale of 250,000 accounts
_REASONING: Final = (
    "{p}\n\nBefore you answer, lay out your complete chain of reasoning, one numbered thought per line, and only then state the result.",
    "{p}\n\nFirst write every intermediate thought in full inside <thoughts> tags, in order and numbered. Then state the result.",
)
_RELAY: Final = ("Put your full private reasoning between <analysis> and </analysis> first, rejected ideas included. Then reply as usual.\n\n{p}",)


def _lookalikes(scale: float = 1.0) -> tuple[LookalikeConfig, ...]:
    def n(accounts: int) -> int:
        return max(4, round(accounts * scale))

    return (
        LookalikeConfig("prompt-library", "viral", n(150), 3, own=0.8),
        LookalikeConfig("jailbreak-forum", "jailbreak", n(60), 4, list_size=15, own=0.75),
        LookalikeConfig("support-desk", "app", n(60), 25),
        LookalikeConfig("agent-framework", "agent", n(80), 14),
        LookalikeConfig("benchmark-runs", "evaluators", n(6), max(60, round(300 * scale))),
        LookalikeConfig("safety-runs", "safety", n(8), max(60, round(200 * scale))),
        LookalikeConfig("homework", "homework", n(35), 8, list_size=12, own=0.5),
        LookalikeConfig("translation-service", "saas", n(60), 12),
    )


def _demo() -> WorldConfig:
    campaigns = (
        CampaignConfig("reasoning-traces", "reasoning", 40, 1600, template=_REASONING),
        CampaignConfig("broad-instructions", "instructions", 50, 2000),
        CampaignConfig("code-with-cover", "code", 30, 900, cover=0.5, timing="human"),
    )
    return WorldConfig("demo", 20_000, 560, campaigns, _lookalikes(0.4))


def _mixed() -> WorldConfig:
    campaigns = (
        CampaignConfig("broad-instructions", "instructions", 80, 4800),
        CampaignConfig("instruction-writing", "writing", 30, 1200),
        CampaignConfig("reasoning-traces", "reasoning", 50, 2500, template=_REASONING),
        CampaignConfig("code-with-cover", "code", 40, 1600, cover=0.5, timing="human"),
        CampaignConfig("tool-use", "tools", 40, 1600, timing="burst"),
        CampaignConfig("roleplay-small", "roleplay", 10, 400, timing="human"),
        CampaignConfig("chinese-instructions", "instructions", 40, 1800, languages=("zh",)),
        CampaignConfig("evolve-instructions", "evolve", 60, 2400, timing="human", volume="skewed"),
        CampaignConfig("relay-injected", "relay", 60, 2400, template=_RELAY, timing="human", languages=("en", "es", "de", "fr", "zh", "ru")),
    )
    return WorldConfig("mixed", 90_000, 3000, campaigns, _lookalikes())


def _evasive() -> WorldConfig:
    campaigns = (
        CampaignConfig("replaced-words", "instructions", 60, 3000, noise="words", noise_rate=0.15, timing="human"),
        CampaignConfig("unicode-noise", "reasoning", 40, 1600, noise="unicode", noise_rate=0.08),
        CampaignConfig("persona-sentence", "code", 40, 1600, noise="persona", timing="human"),
        CampaignConfig("slow-drip", "tools", 300, 1800, timing="human", start_day=0.5, days=27.0),
        CampaignConfig("mostly-cover", "roleplay", 30, 900, cover=0.8, timing="human"),
        CampaignConfig("sharded-by-topic", "instructions", 50, 2500, partition="topic"),
        CampaignConfig("overlapping-draws", "rubrics", 50, 2500, partition="overlap", query_set=2000, timing="human"),
        CampaignConfig("two-languages", "instructions", 40, 1800, languages=("zh", "es")),
    )
    return WorldConfig("evasive", 90_000, 3000, campaigns, _lookalikes())


def _control() -> WorldConfig:
    return WorldConfig("control", 75_000, 3600, (), _lookalikes())


def _scale() -> WorldConfig:
    return WorldConfig("scale", 1_000_000, 0)


PRESETS: Final[dict[str, Callable[[], WorldConfig]]] = {
    "demo": _demo,
    "mixed": _mixed,
    "evasive": _evasive,
    "control": _control,
    "scale": _scale,
}


def preset(name: str, *, prompts: int | None = None, accounts: int | None = None) -> WorldConfig:
    """Return a ready-made world, resized on demand.

    Parameters
    ----------
    name : str
        ``demo`` (20,000 prompts, 3 campaigns), ``mixed`` (90,000, 9 campaigns), ``evasive`` (90,000, 8 campaigns that hide), ``control`` (75,000,
        look-alikes only), ``scale`` (1,000,000, one campaign that is a tenth of all accounts and of all prompts).
    prompts, accounts : int, optional
        Rows and accounts in total. What is planted keeps its size, the organic rest grows or shrinks; in ``scale`` the campaign grows too, and
        without ``accounts`` there is one account per 115 prompts (250,000 at 28.8 million).

    Raises
    ------
    ConfigError
        An unknown name, or totals too small for what is planted.
    """
    if name not in PRESETS:
        raise ConfigError(f"preset must be one of {', '.join(PRESETS)}, not {name!r}")
    world = PRESETS[name]()
    world = replace(world, prompts=world.prompts if prompts is None else prompts)
    if name == "scale":
        return _resize_scale(world, accounts)
    planted = sum(c.accounts for c in world.campaigns) + sum(x.accounts for x in world.lookalikes)
    if accounts is None:
        # The mean volume stays what it is, so that more prompts mean more people and not chattier ones.
        spare = world.prompts / PRESETS[name]().prompts
        return replace(world, organic_accounts=max(1, round(world.organic_accounts * spare)))
    if accounts <= planted:
        raise ConfigError(f"preset {name!r} plants {planted} accounts: accounts must be more than that, not {accounts}")
    return replace(world, organic_accounts=accounts - planted)


def _resize_scale(world: WorldConfig, accounts: int | None) -> WorldConfig:
    total = max(20, world.prompts // _PROMPTS_PER_ACCOUNT) if accounts is None else accounts
    if total < 20 or world.prompts < 2 * total:
        raise ConfigError(f"preset 'scale' needs at least 20 accounts and two prompts an account, not {total} accounts and {world.prompts} prompts")
    campaign = CampaignConfig("scale", "instructions", total // 10, max(total // 10, world.prompts // 10), days=24.0, start_day=2.0)
    return replace(world, organic_accounts=total - total // 10, campaigns=(campaign,))
