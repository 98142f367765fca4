"""Series and their compressed chunks."""

from __future__ import annotations

from django.db import models


class Series(models.Model):
    """One metric of one job over steps; the header answers lists without reading points."""

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="series")
    key = models.CharField(max_length=200)
    count = models.BigIntegerField(default=0)
    first_step = models.BigIntegerField(null=True)
    last_step = models.BigIntegerField(null=True)
    last = models.FloatField(null=True)  # null: not a finite number
    least = models.FloatField(null=True)
    most = models.FloatField(null=True)
    last_n = models.BigIntegerField(default=0)  # event number of the newest point
    tails = models.PositiveIntegerField(default=0)  # chunks that are not full

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="one_series_per_key")]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.key


class Chunk(models.Model):
    """Up to 1000 points of a series, compressed. `n` bounds are event numbers (inclusive)."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="chunks")
    first_n = models.BigIntegerField()
    last_n = models.BigIntegerField()
    count = models.PositiveIntegerField()
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    least = models.FloatField(null=True)
    most = models.FloatField(null=True)
    last = models.FloatField(null=True)
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "first_n"], name="one_chunk_per_start")
        ]
        ordering = ["first_n"]

    def __str__(self) -> str:
        return f"chunk {self.first_n}-{self.last_n}"
