import enum

import sqlalchemy as sa
from alembic import op

revision = "a"
down_revision = None


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"
    VERT = "g"


class Size(str, enum.Enum):
    SMALL = "small"
    LARGE = "large"


def upgrade():
    op.create_table(
        "shirts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("colour", sa.Enum(Colour), server_default=Colour.RED.name),
        sa.Column("trim", sa.Enum(Colour, name="trim_colour")),
        sa.Column("size", sa.Enum(Size, values_callable=lambda sizes: [size.value for size in sizes])),
        sa.Column("cut", sa.Enum("slim", "wide", name="cut_known", native_enum=False, create_constraint=True)),
        sa.Column("sold", sa.Boolean(name="sold_known", create_constraint=True)),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False, unique=True),
        sa.Column("mood", sa.Enum("sad", "ok", name="mood"), server_default="ok"),
        sa.Column("created", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.Integer, sa.ForeignKey("teams.id", ondelete="CASCADE"), index=True),
        sa.Column("email", sa.Text(), nullable=False, unique=True, index=True),
        sa.Column("score", sa.Numeric(10, 2), server_default=sa.text("0")),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("ratio", sa.Float()),
        sa.Column("born", sa.Date()),
        sa.Column("at", sa.Time()),
        sa.Column("data", sa.LargeBinary()),
        sa.Column("small", sa.SmallInteger()),
        sa.Column("token", sa.Uuid()),
        sa.Column("settings", sa.JSON()),
        sa.Column("kind", sa.CHAR(3)),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("team_id", "kind", name="uq_users_team_kind"),
        sa.CheckConstraint("score >= 0", name="ck_users_score"),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("user_id", "team_id"),
    )
    op.add_column("users", sa.Column("nick", sa.String(length=20), nullable=True))
    op.add_column("users", sa.Column("level", sa.Integer(), nullable=False, server_default="1"))
    op.create_index("ix_users_level", "users", ["level", "born"])
    op.create_index(op.f("ix_users_nick"), "users", ["nick"], unique=True)
    with op.batch_alter_table("users") as batch_op:
        batch_op.alter_column("ratio", new_column_name="share", existing_type=sa.Float())
        batch_op.alter_column("born", nullable=False, existing_type=sa.Date())
        batch_op.alter_column("kind", type_=sa.String(5), existing_type=sa.CHAR(3))
        batch_op.alter_column("active", server_default=None, existing_type=sa.Boolean())
        batch_op.drop_constraint("uq_users_team_kind", type_="unique")
        batch_op.create_unique_constraint("uq_users_token", ["token"])
        batch_op.drop_column("at")
    op.create_table(
        "parts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("size", sa.Integer),
        sa.Column("weight", sa.Integer),
        sa.CheckConstraint("size > 0", name="ck_parts_size"),
    )
    sizes = (
        sa.UniqueConstraint("size", "weight", name="uq_parts_size_weight"),
        sa.CheckConstraint("weight > 0", name="ck_parts_weight"),
    )
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("parts", table_args=sizes) as batch_op:
            batch_op.alter_column("size", type_=sa.BigInteger())
        op.execute("CREATE TABLE shelves (id INTEGER PRIMARY KEY, row INT NOT NULL DEFAULT 1, note TEXT, part INT, UNIQUE (row), CHECK (part > 0))")
        op.execute("CREATE INDEX ix_shelves_note ON shelves (note)")
        op.execute("INSERT INTO shelves (id, row, note, part) VALUES (1, 1, 'a', 1)")
        shelves = sa.Table(
            "shelves",
            sa.MetaData(),
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("row", sa.Integer, sa.ForeignKey("parts.id")),
            sa.Column("note", sa.Text, unique=True),
            sa.CheckConstraint("row > 0", name="ck_shelves_row"),
            sa.Index("ix_shelves_row", "row"),
        )
        with op.batch_alter_table("shelves", copy_from=shelves) as batch_op:
            batch_op.alter_column("note", type_=sa.String(20), nullable=False)
            batch_op.add_column(sa.Column("wide", sa.Integer, server_default="2"))
    op.rename_table("memberships", "members")
    op.drop_index("ix_users_level", table_name="users")
    op.create_table("gone", sa.Column("id", sa.Integer, primary_key=True))
    op.drop_table("gone")
    op.execute("CREATE VIEW names AS SELECT name FROM teams")


def downgrade():
    raise NotImplementedError("only forward")
