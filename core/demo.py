"""The demonstration street: accounts that everybody may know, on this machine only."""
from __future__ import annotations

DEMO_COMMUNITIES = ("jinghangjiayuan", "zhongfu", "qiyue", "jianshenglu", "jiaojia")
DEMO_PASSWORD = "near-neighbour-2026"


def demo_accounts() -> list[tuple[str, str, str]]:
    """(account, password, who) of the demonstration."""
    people = [("street", "街道管理员"), ("system", "系统管理员"), ("auditor", "审计员")]
    for slug in DEMO_COMMUNITIES:
        people += [(f"manager.{slug}", "社区管理员"), (f"staff.{slug}", "工作人员")]
    return [(name, DEMO_PASSWORD, who) for name, who in people]
