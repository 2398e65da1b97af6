"""splink, as its documentation shows linking two lists: a model trained on the lists, then the best pair of each record.

A pair is `sure` from a probability of 0.999, `likely` from 0.5; both records' best, no tie. FOLDER.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import duckdb
import splink
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

SURE, LIKELY = 0.999, 0.5
logging.disable(logging.WARNING)
folder = Path(sys.argv[1])
begun = time.perf_counter()
connection = duckdb.connect()
api = DuckDBAPI(connection)
there = [row[0] for row in connection.execute(f"DESCRIBE FROM '{folder}/existing.parquet'").fetchall()]
columns = ", ".join(f'"{each}"' for each in there)
tables = []
for side in ("incoming", "existing"):
    connection.execute(f"CREATE TABLE {side}_list AS SELECT {columns} FROM '{folder}/{side}.parquet'")
    tables.append(api.register(f"{side}_list", dataset_display_name=side))
comparisons = {
    "givenName": cl.NameComparison("givenName"), "familyName": cl.NameComparison("familyName"),
    "birthDate": cl.DateOfBirthComparison("birthDate", input_is_string=True), "email": cl.EmailComparison("email"),
    "identifier": cl.ExactMatch("identifier"), "school": cl.ExactMatch("school"), "grade": cl.ExactMatch("grade"),
}  # fmt: skip
rules = [("identifier",), ("email",), ("birthDate", "familyName"), ("birthDate", "givenName"), ("givenName", "familyName"),
         ("school", "familyName"), ("school", "grade", "givenName")]  # fmt: skip
usable = [block_on(*rule) for rule in rules if set(rule) <= set(there)]
settings = SettingsCreator(
    link_type="link_only", unique_id_column_name="id", comparisons=[made for each, made in comparisons.items() if each in there],
    blocking_rules_to_generate_predictions=usable,
)  # fmt: skip
linker = Linker(tables, settings)
exact = block_on("givenName", "familyName", "school")
linker.training.estimate_probability_two_random_records_match([exact], recall=0.7)
linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
for rule in (("givenName", "familyName"), ("school", "grade")):
    linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
found = linker.inference.predict(threshold_match_probability=LIKELY)
left_first = f"""SELECT CASE WHEN source_dataset_l = 'incoming' THEN id_l ELSE id_r END AS i,
    CASE WHEN source_dataset_l = 'incoming' THEN id_r ELSE id_l END AS e, match_weight, match_probability FROM {found.physical_name}"""
connection.execute(f"""
    COPY (
        SELECT i AS incoming_id, e AS existing_id, CASE WHEN match_probability >= {SURE} THEN 'sure' ELSE 'likely' END AS verdict
        FROM ({left_first})
        QUALIFY rank() OVER (PARTITION BY i ORDER BY match_weight DESC) = 1 AND rank() OVER (PARTITION BY e ORDER BY match_weight DESC) = 1
            AND count(*) OVER (PARTITION BY i, match_weight) = 1 AND count(*) OVER (PARTITION BY e, match_weight) = 1
    ) TO '{folder}/answer.parquet' (FORMAT parquet)
""")
print(json.dumps({"match": time.perf_counter() - begun, "version": splink.__version__}))
