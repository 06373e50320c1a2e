"""Reads a vault with the package and with sqlite-vec, checks it, and changes it a little."""

import struct
import sys

import kohakuvault
import numpy
import pysqlite3
import sqlite_vec

path = sys.argv[1]

kv = kohakuvault.KVault(path)
document = {"a": "é", "b": [1, 2.5, None]}
want = {
    "int": 42,
    "float": 1.5,
    "str": "hé",
    "json": document,
    "msgpack": document,
    "cbor": document,
    "raw": b"raw",
}
for key, value in want.items():
    assert kv[key] == value, (key, kv[key], value)
kv.close()

columns = kohakuvault.ColumnVault(path)
n = range(100)
for name, values in {
    "f64": [i / 4 for i in n],
    "i32": list(n),
    "bool": [i % 2 == 0 for i in n],
    "str": ["é" * i for i in n],
    "msgpack": [{"n": i} for i in n],
    "bytes": [b"\x01" * (i * 10) for i in n],
}.items():
    assert list(columns[name]) == values, name
vectors = numpy.array([list(v) for v in columns["vec:f32:2"]])
assert (vectors[:, 0] == numpy.arange(100)).all() and (vectors[:, 1] == 0.5).all()
columns["f64"].append(7.0)
columns["str"].append("more")
columns.close()

texts = kohakuvault.TextVault(path)
assert texts.count() == 4
assert sorted(row[0] for row in texts.search("whale")) == [1, 4, 5]
assert texts.get_by_id(3) in (("shark", b"fish"), (["shark"], b"fish"), ({"content": "shark"}, b"fish")), texts.get_by_id(3)

table = kohakuvault.VectorKVault(path, dimensions=4, metric="cosine")
assert table.count() == 1400, table.count()
vector, value = table.get_by_id(50)
assert value == 49
norm = numpy.linalg.norm([50.0, 1, 0, -1])
assert abs(vector[0] - 50 / norm) < 1e-6
found = table.search(numpy.array([1.0, 1, 0, -1], dtype=numpy.float32), k=3)
assert [row[0] for row in found] == [1, 2, 3], found
assert table.insert(numpy.array([0.0, 1, 0, 0], dtype=numpy.float32), "new") == 1501
table.delete(7)
table.close()

db = pysqlite3.connect(path)
db.enable_load_extension(True)
sqlite_vec.load(db)
assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
assert db.execute("SELECT count(*) FROM vec_kvault").fetchone() == (1400,)
db.execute("INSERT INTO vec_kvault(value_ref, vector) VALUES (1, ?)", [struct.pack("4f", 1, 0, 0, 0)])
assert db.execute("SELECT max(rowid) FROM vec_kvault").fetchone() == (1502,)
near = db.execute(
    "SELECT rowid FROM vec_kvault WHERE vector MATCH ? AND k = 1", [struct.pack("4f", 0, 1, 0, 0)]
).fetchall()
assert near == [(1501,)], near
db.execute("INSERT INTO text_vault(text_vault) VALUES ('integrity-check')")
db.commit()
