"""Validators of the model's fields that only Python can run."""

import pytest
from django.contrib.auth.models import User

from tests.support.apps.warehouse.models import Tenant
from tests.support.uploads import upload

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_record_whose_text_a_validator_refuses_is_named(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    lines = ["A-1,Bolt,1,red", "A-2,Nut,1,#ff0000", "A-3,Pin,1,red", 'A-4,Cap,1,"{b,""\\\'"', "A-5,Rod,1,"]
    job = upload(owner, "items", "\n".join(["Code,Name,Price,Color", *lines, ""]))
    found = [(error["line"], error["code"], error["value"]) for error in (job.result or {})["upload"]["errorsPreview"]]
    assert found == [(2, "invalid-value", "red"), (4, "invalid-value", "red"), (5, "invalid-value", "{b,\"\\'")]
