"""Deny by default: a field without a permission class stops the start-up, with its name."""

import subprocess
import sys
from pathlib import Path

import pytest
import strawberry

from ascms import models
from ascms.models import Role
from ascms.permissions.audience import Audience
from ascms.permissions.audiences import AsPath, Everyone, PrivacyOnly
from ascms.planning.declare import entity, field
from ascms.planning.registry import Registry, UndeclaredField
from ascms.planning.sources import Computed, Myself
from ascms.schema import build_schema


def registry_of(query: type) -> Registry:
    return Registry(strawberry.Schema(query)._schema)


def test_a_field_without_a_permission_class_is_named() -> None:
    @entity(models.User, description="Somebody.")
    class Somebody:
        name: str = field(models.User.display_name, AsPath, "A name.")
        secret: str = strawberry.field(description="Nobody said who may see it.")

    @entity(description="The root.")
    class Query:
        me: Somebody = field(Myself(models.User), Everyone, "Oneself.")

    with pytest.raises(UndeclaredField, match=r"Somebody\.secret has no permission class"):
        registry_of(Query)


def test_a_computed_field_may_not_be_wider_than_what_it_reads() -> None:
    @entity(models.User, description="Somebody.")
    class Somebody:
        username: str | None = field(models.User.username, PrivacyOnly, "For few.")
        initials: str = field(
            Computed(lambda rows, facts: ["?" for _ in rows], reads=("Somebody.username",)), Everyone, "For all."
        )

    @entity(description="The root.")
    class Query:
        me: Somebody = field(Myself(models.User), Everyone, "Oneself.")

    with pytest.raises(UndeclaredField, match=r"Somebody\.initials reads Somebody\.username, which .* may not see"):
        registry_of(Query)


def test_an_audience_that_names_nobody_hides_from_everyone() -> None:
    class Nobody(Audience):
        """Nobody yet."""

    assert [Nobody.cell(role).value for role in Role] == ["H"] * len(Role)


def test_the_served_schema_declares_every_field() -> None:
    served = build_schema()
    assert ("Student", "ethnicities") in {
        (type_name, name) for type_name, rule in served.policy.rules.items() for name in rule.fields
    }


def test_the_published_contract_is_what_the_code_says(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    check = [sys.executable, "-m", "ascms.cli", "schema", "check"]
    assert subprocess.run(check, cwd=root, check=False, capture_output=True).returncode == 0
    (tmp_path / "schema.graphql").write_text((root / "schema.graphql").read_text().replace("fullName", "wholeName"))
    drifted = subprocess.run(check, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert drifted.returncode == 1
    assert "wholeName" in drifted.stdout + drifted.stderr
