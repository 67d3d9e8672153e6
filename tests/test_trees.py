"""Walking nested lists, tuples and dicts: what holds of every tree, be it as it may."""

import copy
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.trees import flatten, folded, mapped, named_leaves, parts, paths, rebuild

Pair = namedtuple("Pair", "left right")
TREES = st.recursive(
    st.integers() | st.text(max_size=2) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.builds(Pair, inner, inner)
    ),
)


@given(TREES)
def test_a_tree_rebuilt_of_its_own_leaves_is_the_same(tree):
    assert rebuild(tree, iter(flatten(tree))) == tree


@given(TREES)
def test_a_tree_is_mapped_leaf_by_leaf_and_keeps_its_shape(tree):
    before = copy.deepcopy(tree)
    changed = mapped(tree, lambda leaf: repr([leaf]))
    assert flatten(changed) == [repr([leaf]) for leaf in flatten(tree)]
    assert tree == before
    assert [name for name, _ in named_leaves(changed, "x")] == [name for name, _ in named_leaves(tree, "x")]


@given(TREES)
def test_the_name_of_a_leaf_is_python_that_finds_it(tree):
    named = named_leaves(tree, "x")
    assert [leaf for _, leaf in named] == flatten(tree)
    for name, leaf in named:
        assert eval(name, {"x": tree}) is leaf


@given(TREES)
def test_a_tree_in_which_nothing_changes_is_returned_itself(tree):
    assert mapped(tree, lambda leaf: leaf) is tree


@given(TREES)
def test_the_path_of_a_leaf_leads_to_it(tree):
    assert [leaf for _, leaf in paths(tree)] == flatten(tree)
    for path, leaf in paths(tree):
        found = tree
        for key in path:
            found = found[key]
        assert found is leaf


def test_paths_go_through_whatever_is_said_to_hold_something():
    def letters(value):
        return dict(enumerate(value)) if isinstance(value, str) and len(value) > 1 else parts(value)

    assert [*paths({"a": ["bc"]}, letters)] == [(("a", 0, 0), "b"), (("a", 0, 1), "c")]
    assert [*paths([1, [2]], lambda value: None)] == [((), [1, [2]])]


@given(TREES)
def test_a_tree_is_folded_from_within(tree):
    assert folded(tree, lambda held: [leaf for one in held for leaf in (one if type(one) is list else [one])]) == (
        tree if parts(tree) is None else flatten(tree)
    )


def test_what_was_made_of_the_inner_lists_is_handed_on():
    assert folded([1, [2, {"a": 3}], ()], lambda held: f"<{'|'.join(map(str, held))}>") == "<1|<2|<3>>|<>>"
    assert folded(4, lambda held: None) == 4


LEAVES = [
    (3, [("x", 3)]),
    ([1, (2, 3)], [("x[0]", 1), ("x[1][0]", 2), ("x[1][1]", 3)]),
    ({"a": 1, 2: [4]}, [("x['a']", 1), ("x[2][0]", 4)]),
    (Pair(1, [2]), [("x.left", 1), ("x.right[0]", 2)]),
    ([], []),
    (None, [("x", None)]),
    ("text", [("x", "text")]),
]


@pytest.mark.parametrize(("tree", "leaves"), LEAVES, ids=str)
def test_leaves_have_names(tree, leaves):
    assert named_leaves(tree, "x") == leaves


def test_only_what_changes_is_made_anew():
    same, other = [1, 2], [3, 4]
    changed = mapped({"same": same, "other": other}, lambda leaf: 5 if leaf == 4 else leaf)
    assert changed == {"same": [1, 2], "other": [3, 5]}
    assert changed["same"] is same
    assert other == [3, 4]


def test_named_tuples_stay_so():
    changed = mapped(Pair([1], 2), lambda leaf: leaf + 1)
    assert type(changed) is Pair
    assert changed == Pair([2], 3)


@pytest.mark.parametrize(
    "leaf", [np.arange(3), "text", b"text", 1, None, {1, 2}, range(3), iter([1])], ids=lambda leaf: type(leaf).__name__
)
def test_what_is_no_list_tuple_or_dict_is_a_leaf(leaf):
    assert parts(leaf) is None
    assert flatten(leaf) == [leaf]
    assert flatten([leaf])[0] is leaf
    assert named_leaves(leaf, "x") == [("x", leaf)]


def test_an_empty_tree_has_no_leaves():
    assert [flatten(tree) for tree in ([], (), {}, [{}, ([],)])] == [[], [], [], []]
    assert parts([]) == {}


def test_a_dict_is_walked_in_its_order():
    assert flatten(OrderedDict(b=1, a=2)) == [1, 2]
    assert list(mapped({"b": 1, "a": 2}, str)) == ["b", "a"]
