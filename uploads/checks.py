"""System checks: mistakes in the declaration of an upload type, found at the start instead of at the first upload.

`jobs.types.checks` adds E001 and E002, and `uploads.column_checks` those of single columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction
from django.db.models import signals
from psycopg import sql

from jobs.payloads.redaction import in_one_line
from jobs.types.secret_parameters import secret_names
from tabular.headings import ERRORS_HEADING, LINE_HEADING, normalize
from uploads.column_checks import Message, check_column, error, warning
from uploads.indexes import is_unique_together
from uploads.types import UPLOAD_TYPES, UploadType
from uploads.value_types import concrete_field

MODES: Final = ("insert", "update", "upsert")


@checks.register(checks.Tags.models)
def check_upload_types(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the declaration of each type fits its model."""
    return [message for known in UPLOAD_TYPES.all() for message in mistakes_in(known)]


@checks.register(checks.Tags.database)
def check_conditions(
    app_configs: Sequence[Any] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[Message]:
    """Whether PostgreSQL understands the `check` of each column. Runs with `migrate` and `check --database default`."""
    return [
        message
        for known in UPLOAD_TYPES.all()
        if (known.database or DEFAULT_DB_ALIAS) in (databases or ()) and _model_problem(known) is None
        for message in _wrong_conditions(known)
    ]


def mistakes_in(upload_type: UploadType) -> Iterator[Message]:
    """All mistakes that can be found without a database."""
    if problem := _model_problem(upload_type):
        yield error("E003", upload_type, problem, hint="Set `model` to a model with a table and a single primary key.")
        return
    for name in upload_type.columns:
        yield from check_column(upload_type, name)
    yield from _check_mode(upload_type)
    yield from _check_key(upload_type)
    yield from _check_primary_key(upload_type)
    yield from _check_headings(upload_type)
    yield from _check_unfilled_fields(upload_type)
    yield from _check_sensitive(upload_type)
    yield from _check_bypassed_code(upload_type.model, upload_type)


def _model_problem(upload_type: UploadType) -> str | None:
    model = getattr(upload_type, "model", None)
    if not (isinstance(model, type) and issubclass(model, models.Model)):
        return "It names no model."
    options = model._meta
    if options.abstract or options.swapped:
        return f"The model {options.label} has no table."
    if any(parent._meta.concrete_model is not options.concrete_model for parent in options.all_parents):
        return f"The rows of the model {options.label} are spread over several tables."
    if options.pk is None or options.pk.column is None:
        return f"The primary key of the model {options.label} consists of several fields."
    return None if getattr(upload_type, "columns", None) else "It has no columns."


def _check_mode(upload_type: UploadType) -> Iterator[Message]:
    if upload_type.mode not in MODES:
        yield error("E004", upload_type, f"There is no mode {upload_type.mode!r}.", hint=f"Modes: {', '.join(MODES)}.")
    if not upload_type.key and upload_type.mode != "insert":
        hint = "Name the fields that identify a row in `key`, or set `mode` to insert."
        yield error("E005", upload_type, "It has no key, so that known rows cannot be found.", hint=hint)


def _check_key(upload_type: UploadType) -> Iterator[Message]:
    model, key = upload_type.model, upload_type.key
    if not key:
        return
    fields = {name: concrete_field(model, name) for name in key}
    for name, field in fields.items():
        if field is None:
            yield error("E006", upload_type, f"The key field {name!r} is not a field of {model._meta.label}.")
        elif name in upload_type.columns:
            if not upload_type.columns[name].required:
                hint = "Set `required=True`: a row without its key cannot be found."
                yield error("E007", upload_type, f"The column of the key field {name!r} is not required.", hint=hint)
        elif not overrides(upload_type, "fixed"):
            hint = "Add a column for it, or return its value from `fixed`."
            yield error("E006", upload_type, f"Nothing supplies the key field {name!r}.", hint=hint)
    if overrides(upload_type, "fixed") and all(fields.values()) and not fields.keys() & upload_type.columns.keys():
        text = "No column belongs to the key, which is then the same for all rows."
        yield error("E014", upload_type, text, hint="Add a column for a field of the key.")
    names = [field.name for field in fields.values() if field is not None]
    if len(names) == len(key) and not is_unique_together(model, names):
        hint = "Add a UniqueConstraint over these fields, without a condition or expressions, and not deferrable."
        text = f"No unique constraint of {model._meta.label} covers the key: {', '.join(key)}."
        yield error("E008", upload_type, text, hint=hint)


def _check_primary_key(upload_type: UploadType) -> Iterator[Message]:
    pk = str(upload_type.model._meta.pk.name)
    if pk in upload_type.columns and pk not in upload_type.key and upload_type.mode != "insert":
        heading = upload_type.columns[pk].heading
        text = f"The column {heading!r} would change the primary key of known rows, because {pk!r} is not in the key."
        yield error("E013", upload_type, text, hint="Name it in `key`, remove the column, or set `mode` to insert.")


def _check_headings(upload_type: UploadType) -> Iterator[Message]:
    """The conditions of lookups may share a column of the file with each other and with a field."""
    owners: dict[str, list[str]] = defaultdict(list)
    for name, headings in upload_type.known_headings().items():
        for heading in dict.fromkeys(map(normalize, headings)):
            if not heading or heading in (LINE_HEADING, ERRORS_HEADING):
                yield error("E009", upload_type, f"The column {name!r} cannot have the heading {heading!r}.")
            elif name in upload_type.columns:
                owners[heading].append(name)
    for heading, names in owners.items():
        if len(names) > 1:
            text = f"The heading {heading!r} belongs to several columns: {', '.join(names)}."
            hint = "Headings are compared without regard to case, width and outer blanks."
            yield error("E009", upload_type, text, hint=hint)


def _check_unfilled_fields(upload_type: UploadType) -> Iterator[Message]:
    """With `fixed`, whose answer depends on the user, this is only known when an upload runs."""
    if upload_type.mode == "update" or overrides(upload_type, "fixed"):
        return
    for field in upload_type.model._meta.concrete_fields:
        if field.name not in upload_type.columns and not _can_be_omitted(field):
            text = f"Nothing supplies the field {field.name!r}, which has no default and cannot be NULL."
            hint = "Add a column for it, return its value from `fixed`, give it a default, or set `mode` to update."
            yield error("E010", upload_type, text, hint=hint)


def _can_be_omitted(field: Any) -> bool:
    return bool(
        field.null
        or (field.blank and field.empty_strings_allowed)  # it gets an empty text
        or field.has_default()
        or field.has_db_default()
        or field.generated
        or isinstance(field, models.AutoField)
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
    )


def _check_sensitive(upload_type: UploadType) -> Iterator[Message]:
    parameters = set(upload_type.Parameters().fields) | secret_names(type(upload_type)) - set(upload_type.sensitive)
    headings = chain.from_iterable(upload_type.known_headings().values())
    known = {*upload_type.columns, *headings, *parameters}
    for name in upload_type.sensitive:
        if name not in known:
            text = f"`sensitive` names {name!r}, which is not a field, a heading or a parameter."
            yield error("E011", upload_type, text)


def _check_bypassed_code(model: type[models.Model], upload_type: UploadType) -> Iterator[Message]:
    label = model._meta.label
    hint = "Do the same in `after_merge`, or in a trigger of the database; then silence this message."
    if model.save is not models.Model.save:
        yield warning("W001", upload_type, f"Uploads do not call {label}.save().", hint=hint)
    heard = [name for name in ("pre_save", "post_save") if getattr(signals, name).has_listeners(model)]
    if heard:
        yield warning("W002", upload_type, f"Uploads do not send {' and '.join(heard)} of {label}.", hint=hint)


def _wrong_conditions(upload_type: UploadType) -> Iterator[Message]:
    """Nothing runs: EXPLAIN only plans. Before the first `migrate` there is no table to check against."""
    connection = connections[upload_type.database or DEFAULT_DB_ALIAS]
    table = upload_type.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(quote_ident(%s)) IS NOT NULL", [table])
        [exists] = cursor.fetchone()
    for name, column in upload_type.columns.items() if exists else ():
        if not column.check:
            continue
        explain = sql.SQL("EXPLAIN SELECT FROM {} WHERE ({})").format(sql.Identifier(table), sql.SQL(column.check))
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(explain.as_string())
        except DatabaseError as refused:
            text = f"PostgreSQL refuses the check of the column {name!r}: {in_one_line(refused)}"
            yield error("E012", upload_type, text, hint=f"The check is an SQL condition over the columns of {table}.")


def overrides(upload_type: UploadType, method: str) -> bool:
    """Whether the type has a method of its own."""
    return getattr(type(upload_type), method) is not getattr(UploadType, method)
