"""The two views."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.minimal.models import Report
from bench.minimal.tasks import make_report


class OrderSerializer(serializers.Serializer[Any]):
    """Two fields."""

    reportType = serializers.CharField(max_length=100)
    parameters = serializers.DictField()


def body(report: Report) -> dict[str, Any]:
    """What a client is told."""
    return {"id": report.pk, "status": report.status, "createdAt": report.created_at, "updatedAt": report.updated_at}


class OrderView(APIView):
    """`/reports`"""

    def post(self, request: Request) -> Response:
        """A row, and a message once it is committed."""
        order = OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        with transaction.atomic():
            report = Report.objects.create(
                owner=request.user,
                report_type=order.validated_data["reportType"],
                parameters=order.validated_data["parameters"],
            )
            transaction.on_commit(lambda: make_report.delay(report.pk))
        return Response(body(report), status=202)


class StatusView(APIView):
    """`/reports/{id}`"""

    def get(self, request: Request, pk: int) -> Response:
        """The row, if it is mine."""
        return Response(body(get_object_or_404(Report, pk=pk, owner=request.user)))
