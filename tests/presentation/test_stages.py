"""What tests are called."""

from types import SimpleNamespace

import pytest

from lightning_snn.presentation.stages import as_list, stages_of


def named(name):
    return SimpleNamespace(test_name=name)


@pytest.mark.parametrize(
    ("loaders", "expected"),
    [
        (None, []),
        ("some", ["test"]),
        (["some", "other"], ["test", "test_1"]),
        ({"a": "some", "b": named("shifted")}, ["test", "test_shifted"]),
        ([named(""), named("shifted"), named("noise_0.2")], ["test", "test_shifted", "test_noise_0.2"]),
        ([named("shifted"), "other"], ["test_shifted", "test_1"]),
    ],
)
def test_a_stage_for_each_loader(loaders, expected):
    assert stages_of(loaders) == expected
    assert len(as_list(loaders)) == len(expected)


def test_names_that_are_the_same():
    with pytest.raises(ValueError, match="loaders of test samples must have names that differ, got , a, a"):
        stages_of([named(""), named("a"), named("a")])
