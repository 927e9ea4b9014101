"""A short start for stages that find their work in the cache."""

import subprocess
import sys

SCRIPT = """
import sys
import pyarrow as pa
from s2i.core.fast_start import NoPandas, pandas_hidden
with pandas_hidden():
    pa.array([])
assert not any(isinstance(finder, NoPandas) for finder in sys.meta_path)
table = pa.Table.from_pylist([{"rank": 1}])
print("pandas" in sys.modules)
assert table.to_pandas()["rank"].tolist() == [1]
print("pandas" in sys.modules)
with pandas_hidden():
    import pandas
"""


def test_pandas_is_loaded_only_where_a_table_becomes_one_of_it():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True"]
