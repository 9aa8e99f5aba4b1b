"""Template tags of the pages. They need no request, because error pages are rendered without one."""

from __future__ import annotations

from django import template
from django.urls import reverse

from jobs.pages import sections

register = template.Library()


@register.simple_tag
def home() -> str:
    """The address of the start page."""
    return reverse(next(iter(sections.sections())))


@register.simple_tag
def navigation_sections() -> list[tuple[str, str]]:
    """Name of the path, and label, of each section."""
    return list(sections.sections().items())
