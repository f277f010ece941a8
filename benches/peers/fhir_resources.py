"""The benchmark's mapping with fhir.resources: the Bundles of orjson_by_hand.py, each validated against FHIR R4B's
models and written by them. What this measures is the validation: the dicts come ready made.

usage: fhir_resources.py FILE.csv RECORDED_AT AGENT     (NDJSON to standard output)
"""

import csv
import sys

from fhir.resources.R4B.bundle import Bundle

from orjson_by_hand import bundles


def main():
    path, recorded, agent = sys.argv[1:]
    out = sys.stdout.buffer
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            for made in bundles(row, recorded, agent):
                out.write(Bundle.model_validate(made).model_dump_json().encode())
                out.write(b"\n")


if __name__ == "__main__":
    main()
