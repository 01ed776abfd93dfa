"""${message}"""
<%
    portable = {
        "KEY": 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")',
        "TEXT": 'sa.String().with_variant(sa.String(collation="C"), "postgresql")',
        "INSTANT": "sa.DateTime(timezone=True)",
    }
    lines = (upgrades or "pass").splitlines()
    body = "\n".join(line for line in lines if not line.strip().startswith("# ###")).strip()
%>
import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

% for name, definition in portable.items():
% if f" {name}," in body:
${name} = ${definition}
% endif
% endfor


def upgrade() -> None:
    ${body}
