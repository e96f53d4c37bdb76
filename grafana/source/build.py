#!/usr/bin/env python3
"""Writes the dashboards into a directory, by default grafana/dashboards: python3 grafana/source/build.py [DIRECTORY]"""

import json
import pathlib
import sys

import account
import credentials
import exporter
import object_storage
import overview

DASHBOARDS = {
    "account": account.build,
    "credentials": credentials.build,
    "exporter": exporter.build,
    "object-storage": object_storage.build,
    "overview": overview.build,
}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "dashboards"
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for name, build in DASHBOARDS.items():
        text = json.dumps(build(), indent=2, ensure_ascii=False)
        (directory / f"{name}.json").write_text(text + "\n", encoding="utf-8")


main()
