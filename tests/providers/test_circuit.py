"""The circuit breaker, by a clock of its own."""

from prometheus_client import REGISTRY

from providers.circuit import CircuitBreaker, show_circuit


def test_it_opens_after_several_failures_in_a_row_and_lets_one_try_through_later() -> None:
    now = 100.0
    circuit = CircuitBreaker(lambda: now, failure_limit=3, open_seconds=15)
    for _ in range(2):
        circuit.fail("too slow")
    circuit.succeed()
    for _ in range(2):
        circuit.fail("too slow")
    assert not circuit.is_open
    circuit.fail("gone")
    assert circuit.is_open
    assert circuit.reason == "gone"
    now += 14.9
    assert circuit.is_open
    now += 0.1
    assert not circuit.is_open
    circuit.fail("still gone")
    assert circuit.is_open
    now += 15
    circuit.succeed()
    circuit.fail("a hiccup")
    assert not circuit.is_open


def test_its_figure_says_whether_it_is_open() -> None:
    circuit = CircuitBreaker(lambda: 0.0, failure_limit=1)
    show_circuit("of-the-test", circuit)

    def figure() -> float | None:
        return REGISTRY.get_sample_value("bridge_circuit_open", {"neighbour": "of-the-test"})

    assert figure() == 0
    circuit.fail("gone")
    assert figure() == 1
    circuit.succeed()
    assert figure() == 0
