"""Generates migrations to time: `generate.py sql|alembic|chain COUNT FOLDER`. The same on every run."""

import pathlib
import sys


def sql(count, folder):
    for index in range(1, count + 1):
        table = index // 4
        up, down = [
            (f"CREATE TABLE t{table} (\n    id bigserial PRIMARY KEY,\n    name text NOT NULL,\n    made timestamptz NOT NULL DEFAULT now()\n);\nCREATE INDEX t{table}_name ON t{table} (name);\n", f"DROP TABLE t{table};\n"),
            (f"ALTER TABLE t{table} ADD COLUMN c{index} integer NOT NULL DEFAULT 0;\nALTER TABLE t{table} ADD COLUMN d{index} text;\n", f"ALTER TABLE t{table} DROP COLUMN d{index};\nALTER TABLE t{table} DROP COLUMN c{index};\n"),
            (f"CREATE INDEX CONCURRENTLY i{index} ON t{table} (name, made);\n", f"DROP INDEX CONCURRENTLY i{index};\n"),
            (f"ALTER TABLE t{table} ADD CONSTRAINT k{index} CHECK (length(name) > 0) NOT VALID;\n", f"ALTER TABLE t{table} DROP CONSTRAINT k{index};\n"),
        ][index % 4]
        (folder / f"{index:06}_step.up.sql").write_text(up)
        (folder / f"{index:06}_step.down.sql").write_text(down)


def alembic(count, folder):
    versions = folder / "versions"
    versions.mkdir()
    (folder / "env.py").write_text("url = 'postgresql://localhost/db'\n")
    for index in range(count):
        table = index // 4
        down = "None" if index == 0 else f'"{index - 1:012x}"'
        up, back = [
            (f'op.create_table(\n        "t{table}",\n        sa.Column("id", sa.BigInteger(), nullable=False),\n        sa.Column("name", sa.String(length=80), nullable=False),\n        sa.Column("made", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),\n        sa.PrimaryKeyConstraint("id"),\n    )', f'op.drop_table("t{table}")'),
            (f'op.add_column("t{table}", sa.Column("c{index}", sa.Integer(), server_default="0", nullable=False))', f'op.drop_column("t{table}", "c{index}")'),
            (f'with op.get_context().autocommit_block():\n        op.create_index("i{index}", "t{table}", ["name"], postgresql_concurrently=True)', f'with op.get_context().autocommit_block():\n        op.drop_index("i{index}", table_name="t{table}", postgresql_concurrently=True)'),
            (f'op.execute("UPDATE t{table} SET name = trim(name) WHERE name <> trim(name)")', "pass"),
        ][index % 4]
        (versions / f"{index:012x}_step.py").write_text(
            f'"""step {index}\n\nRevision ID: {index:012x}\nRevises: {down}\nCreate Date: 2026-01-01 00:00:00\n"""\n\nfrom alembic import op\nimport sqlalchemy as sa\n\n\n'
            f'revision = "{index:012x}"\ndown_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {back}\n'
        )


if __name__ == "__main__":
    kind, count, target = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    target.mkdir(parents=True, exist_ok=True)
    {"sql": sql, "alembic": alembic}[kind](count, target)
