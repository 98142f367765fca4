from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.accounts import throttle
from webapp.accounts.models import Attempts

pytestmark = pytest.mark.django_db


def test_tries_count_until_the_limit():
    for _ in range(throttle.PER_EMAIL):
        throttle.count("a@example.org", "192.0.2.1")
    with pytest.raises(throttle.Throttled) as refused:
        throttle.count("a@example.org", "192.0.2.2")
    assert 1 <= refused.value.minutes <= 15


def test_a_refused_try_does_not_count_against_the_address():
    for _ in range(throttle.PER_EMAIL):
        throttle.count("a@example.org", "192.0.2.1")
    for _ in range(throttle.PER_ADDRESS):
        with pytest.raises(throttle.Throttled):
            throttle.count("a@example.org", "192.0.2.1")
    throttle.count("b@example.org", "192.0.2.1")


def test_after_the_window_it_starts_afresh():
    for _ in range(throttle.PER_EMAIL):
        throttle.count("a@example.org", "192.0.2.1")
    Attempts.objects.update(since=timezone.now() - throttle.WINDOW - timedelta(seconds=1))
    throttle.count("a@example.org", "192.0.2.1")


def test_a_whole_ipv6_network_counts_as_one():
    assert throttle.address_key("2001:db8::1") == throttle.address_key("2001:db8::ffff")
    assert throttle.address_key("2001:db8::1") != throttle.address_key("2001:db8:0:1::1")
    assert throttle.address_key("not an address")
