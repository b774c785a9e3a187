"""Write the first user and the knowledge records into the data directory.

The password is read from standard input: an argument would be seen in the process list.
Existing files are left alone.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from itertools import product
from pathlib import Path
from typing import Any

from werkzeug.security import generate_password_hash

WORKS = (
    ("土工", "盛土材の含水比と転圧回数"),
    ("コンクリート工", "打込み温度と養生日数"),
    ("基礎工", "場所打ち杭のスライム処理"),
    ("仮設工", "足場の壁つなぎ間隔"),
    ("舗装工", "アスファルト混合物の敷均し温度"),
    ("橋梁工", "高力ボルトの締付け管理"),
    ("トンネル工", "切羽観察と支保パターンの選定"),
    ("河川工", "出水期の仮締切り高さ"),
    ("法面工", "吹付けモルタルの剥離点検"),
    ("測量", "基準点の相互確認と再測"),
)
VIEWS = ("施工要領", "品質管理", "安全管理", "工程短縮", "失敗事例", "検査記録")
SEASONS = ("通常期", "寒冷期")


def records() -> list[dict[str, Any]]:
    """120 records: each work, from each view, in each season."""
    found = []
    for number, ((category, subject), view, season) in enumerate(product(WORKS, VIEWS, SEASONS), start=1):
        day = f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        found.append(
            {
                "id": number,
                "title": f"{category}における{subject}({view}・{season})",
                "summary": f"{season}の{category}で{subject}を扱うときの{view}の要点。",
                "content": f"{subject}について、{season}の現場で確認した{view}の手順と基準値をまとめる。"
                f"着手前に図面と仕様書を照合し、記録は当日中に監督員へ提出する。",
                "category": category,
                "tags": [category, view, season],
                "status": "approved",
                "created_at": f"{day}T09:00:00+09:00",
            }
        )
    return found


def main(argv: list[str]) -> int:
    """`seed.py USERNAME`, the password on standard input, the directory in MKS_DATA_DIR."""
    if len(argv) != 2:
        print("usage: MKS_DATA_DIR=DIR seed.py USERNAME < password", file=sys.stderr)
        return 2
    password = sys.stdin.readline().rstrip("\n")
    if len(password) < 12:
        print("the password on standard input has fewer than 12 characters", file=sys.stderr)
        return 1
    user = {
        "id": 1,
        "username": argv[1],
        "full_name": "システム管理者",
        "role": "admin",
        "password_hash": generate_password_hash(password),
    }
    data_dir = Path(os.environ["MKS_DATA_DIR"])
    _write_new(data_dir / "users.json", [user])
    _write_new(data_dir / "knowledge.json", records())
    return 0


def _write_new(path: Path, content: list[dict[str, Any]]) -> None:
    if path.exists():
        print(f"{path} exists and stays as it is", file=sys.stderr)
        return
    # A name of its own first: a reader never sees half a file.
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
