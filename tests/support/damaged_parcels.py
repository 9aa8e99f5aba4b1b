"""Files of parcels with mistakes of each kind at known places, and the tables in which these are mistakes.

Everything that is expected comes from arithmetic over the numbers of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from tests.support.csv_records import written

HEADINGS: Final = ("Number", "Label", "Size", "Supplier", "Sender", "Note")
#: One row in so many has each mistake.
EVERY: Final = 100
Cells = dict[str, str]
#: What is changed in the cells of the row with this number.
Change = Callable[[int], Cells]

IN_ANY: Final[list[tuple[str, str, Change]]] = [
    ("too-long", "Note", lambda n: {"Note": "長" * 21}),
    ("too-long", "Number", lambda n: {"Number": f"{n:013}"}),
    ("not-a-choice", "Size", lambda n: {"Size": "huge"}),
    ("invalid-value", "Sender", lambda n: {"Sender": f"{n} at example.org"}),
    ("ambiguous-lookup", "Supplier", lambda n: {"Supplier": "Twin"}),
    ("unknown-lookup", "Supplier", lambda n: {"Supplier": "Of another"}),
    ("unique-violation", "Label", lambda n: {"Label": f"X-{n // EVERY}"}),
]
BY_TYPE: Final[dict[str, list[tuple[str, str, Change]]]] = {
    "parcels": [("key-not-available", "Number", lambda n: {"Number": f"X-{n // EVERY}"})],
    "new-parcels": [
        ("already-exists", "Number", lambda n: {"Number": f"O-{n // EVERY}"}),
        ("already-exists", "Number", lambda n: {"Number": f"X-{n // EVERY}"}),
    ],
    "changed-parcels": [
        ("not-found", "Number", lambda n: {"Number": f"N-{n}"}),
        ("not-found", "Number", lambda n: {"Number": f"X-{n // EVERY}"}),
    ],
}
#: Which row in each hundred has what else: a note that `validate` refuses, two mistakes at once, the label of the row
#: before, and the number of the row before.
NOTE, TWO, LABEL, NUMBER = 50, 60, 71, 81
PREFIXES: Final = {"parcels": "P", "new-parcels": "A", "changed-parcels": "C"}


def prepare(tenant: str, rows: int) -> None:
    """Fill the tables: parcels of another tenant, some of the tenant's own, and all those that a file changes."""
    fill = (
        "INSERT INTO warehouse_parcel (tenant_id, number, label, size, supplier_id, sender, note)"
        " SELECT t.id, %s || n, %s || n, 'small', s.id, 'old@example.org', 'old' FROM generate_series(0, %s) AS n,"
        " warehouse_tenant AS t JOIN warehouse_supplier AS s ON s.tenant_id = t.id"
        " WHERE t.code = %s AND s.code = '0' AND n %% %s = 0"
    )
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE warehouse_tenant CASCADE")
        cursor.execute("INSERT INTO warehouse_tenant (code) VALUES (%s), ('another')", [tenant])
        cursor.execute(
            "INSERT INTO warehouse_supplier (tenant_id, code, name, is_active)"
            " SELECT id, n, CASE WHEN code = 'another' THEN 'Of another' WHEN n > 9 THEN 'Twin' ELSE 'Supplier ' || n"
            " END, true FROM warehouse_tenant, generate_series(0, 11) AS n"
        )
        cursor.execute(fill, ["X-", "X-", rows // EVERY, "another", 1])
        cursor.execute(fill, ["O-", "O-", rows // EVERY, tenant, 1])
        cursor.execute(fill, ["P-", "LP-", rows, tenant, 10])
        cursor.execute(fill, ["C-", "LC-", rows, tenant, 1])
        cursor.execute("ANALYZE warehouse_parcel")


def table() -> str:
    """All parcels in order, as text, without the keys that the database has made."""
    statement = (
        "SELECT md5(string_agg(concat_ws('|', p.number, t.code, p.label, p.size, s.code, p.sender, p.note), E'\\n'"
        " ORDER BY p.number)) || count(*) FROM warehouse_parcel AS p JOIN warehouse_tenant AS t ON t.id = p.tenant_id"
        " JOIN warehouse_supplier AS s ON s.id = p.supplier_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [text] = cursor.fetchone()
    return str(text)


def row_of(upload_type: str, number: int) -> Cells:
    """A row without mistakes. Each seventh has three lines, and each text of three bytes a character."""
    name = f"{PREFIXES[upload_type]}-{number}"
    return {
        "Number": name,
        "Label": f"L{name}",
        "Size": ("small", "large")[number % 2],
        "Supplier": f"Supplier {number % 10}",
        "Sender": f"{number}@example.org",
        "Note": f"注文\r\n“{number}”\n," if number % 7 == 0 else f"{number}長い長い長い"[:20],
    }


@dataclass
class DamagedParcels:
    """A clean file, the same with mistakes, and what must be said about it: lines by code and column."""

    upload_type: str
    rows: int
    clean: bytes = b""
    data: bytes = b""
    expected: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    #: Line of a row with mistakes → its cells in the clean file, and in this one.
    originals: dict[int, list[str]] = field(default_factory=dict)
    damaged: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        heading = written(HEADINGS)
        clean, pieces, line = [heading], [heading], 2
        line_before = 0
        for number in range(self.rows):
            cells = row_of(self.upload_type, number)
            found, change = self._mistakes(number)
            bad = {**cells, **change}
            raw, worse = written(cells.values()), written(bad.values())
            clean.append(raw)
            pieces.append(worse)
            if number % EVERY in (LABEL, NUMBER):
                key = ("unique-violation", "Label") if number % EVERY == LABEL else ("duplicate-in-file", "Number")
                self.expected[key].append(line_before)
                self._note(line_before, row_of(self.upload_type, number - 1), row_of(self.upload_type, number - 1))
                found = [key]
            for key in found:
                self.expected[key].append(line)
                self._note(line, cells, bad)
            line_before = line
            line += worse.count(b"\n")
        self.clean, self.data = b"".join(clean), b"".join(pieces)

    def _note(self, line: int, cells: Cells, bad: Cells) -> None:
        self.originals[line], self.damaged[line] = [*cells.values()], [*bad.values()]

    def _mistakes(self, number: int) -> tuple[list[tuple[str, str]], Cells]:
        kind = number % EVERY
        kinds = [*IN_ANY, *BY_TYPE[self.upload_type]]
        before = row_of(self.upload_type, number - 1)
        if kind < len(kinds):
            code, column, change = kinds[kind]
            found = [(code, column)]
            if self.upload_type == "changed-parcels" and column == "Number" and code != "not-found":
                found.append(("not-found", "Number"))
            return found, change(number)
        of_kind: dict[int, tuple[list[tuple[str, str]], Cells]] = {
            NOTE: ([("invalid-value", "Note")], {"Note": row_of(self.upload_type, number)["Number"]}),
            TWO: ([("too-long", "Note"), ("not-a-choice", "Size")], {"Note": "x" * 21, "Size": "Small"}),
            LABEL: ([], {"Label": before["Label"]}),
            NUMBER: ([], {"Number": before["Number"]}),
        }
        return of_kind.get(kind, ([], {}))
