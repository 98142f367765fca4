"""Pro-GNN's steps: closed forms, descent, and what truncation leaves out."""

from __future__ import annotations

import pytest
import torch

from engine.methods.gagn.defences import Unit, begin
from engine.methods.gagn.defences.prognn import project, roughness, shrink, soft
from tests.methods.gagn.defences.grounds import ground, stream, words


def symmetric(nodes: int = 30, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(nodes, nodes, generator=stream(seed), dtype=torch.float64)
    return (drawn + drawn.T) / 2


def test_the_step_of_the_l1_norm_minimises_entry_by_entry():
    values = torch.tensor([-2.0, -0.3, 0.0, 0.2, 1.0])
    found = soft(values, 0.5)
    assert found.tolist() == [-1.5, 0.0, 0.0, 0.0, 0.5]
    grid = torch.linspace(-3, 3, 6001)
    for value, best in zip(values, found, strict=True):
        cost = 0.5 * (grid - value) ** 2 + 0.5 * grid.abs()
        assert grid[cost.argmin()].item() == pytest.approx(best.item(), abs=2e-3)


def test_the_step_of_the_nuclear_norm_shrinks_the_singular_values():
    matrix = symmetric()
    u, s, vt = torch.linalg.svd(matrix)
    found, _ = shrink(matrix, 1.5, torch.eye(30, dtype=torch.float64))
    assert torch.allclose(found, (u * (s - 1.5).clamp(min=0)) @ vt, atol=1e-10)


def test_the_step_of_the_nuclear_norm_minimises():
    matrix = symmetric()
    found, _ = shrink(matrix, 1.0, torch.eye(30, dtype=torch.float64))

    def cost(z: torch.Tensor) -> float:
        return (0.5 * (z - matrix).square().sum() + torch.linalg.matrix_norm(z, "nuc")).item()

    for seed in range(20):
        other = found + 0.1 * symmetric(seed=seed + 1)
        assert cost(found) < cost(other)


def test_a_kept_subspace_turns_to_the_largest_eigenvalues():
    vectors, _ = torch.linalg.qr(symmetric())
    values = (-0.7) ** torch.arange(30, dtype=torch.float64)
    matrix = (vectors * values) @ vectors.T
    expected = (vectors[:, :5] * soft(values[:5], 0.2)) @ vectors[:, :5].T
    basis = torch.randn(30, 5, generator=stream(), dtype=torch.float64)
    errors = []
    for _ in range(60):
        found, basis = shrink(matrix, 0.2, basis)
        errors.append((found - expected).norm().item())
    assert errors[-1] < 1e-3 < errors[0]


def test_the_eigenvalues_beyond_the_subspace_shrink_by_as_much_on_average():
    vectors, _ = torch.linalg.qr(symmetric(400))
    values = torch.cat((torch.linspace(5, 9, 40), torch.linspace(-2, 2, 360))).double()
    matrix = (vectors * values) @ vectors.T
    basis = vectors[:, :40]  # turned already
    found = torch.linalg.eigvalsh(shrink(matrix, 0.1, basis)[0]).abs().sort().values
    before = values.abs().sort().values
    assert torch.allclose(before[360:] - found[360:], torch.tensor(0.1).double(), atol=1e-6)
    lost = (before[:360] - found[:360]).mean().item()
    assert lost == pytest.approx(0.1, rel=0.02)
    assert shrink(matrix, 1.5, basis)[0].norm() < (values[:40] - 1.4).norm()  # none are left


def test_roughness_equals_a_loop_over_the_edges():
    place = ground(nodes=20)
    graph = torch.from_numpy(place.adjacency.toarray()).double()
    graph *= torch.rand(20, 20, generator=stream(), dtype=torch.float64)
    graph = project(graph)
    x = words(place).double()
    scale = (graph.sum(1) + 1e-3).rsqrt()
    expected = 0.5 * sum(
        graph[u, v] * (scale[u] * x[u] - scale[v] * x[v]).square().sum()
        for u in range(20)
        for v in range(20)
    )
    assert roughness(graph, x @ x.T).item() == pytest.approx(expected.item())


def test_the_slope_of_the_objective_equals_central_differences():
    place = ground(nodes=12)
    fit = begin(Unit("prognn", {"dropout": 0.0}), place, generator=stream())
    fit.model.double()
    place.values = place.values.double()
    kernel = place.once("kernel", fit._kernel).double()
    place._made["kernel"] = kernel
    drawn = torch.rand(12, 12, generator=stream(3), dtype=torch.float64)
    fit.given, start = fit.given.double(), project(drawn)

    def value(graph: torch.Tensor) -> torch.Tensor:
        fit.graph = graph
        return fit.objective()

    graph = start.clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(graph), graph)
    for u, v in ((0, 1), (3, 3), (5, 2), (11, 7)):
        move = torch.zeros(12, 12, dtype=torch.float64)
        move[u, v] = 1e-6
        expected = (value(start + move) - value(start - move)).item() / 2e-6
        assert slope[u, v].item() == pytest.approx(expected, rel=1e-4, abs=1e-7)
