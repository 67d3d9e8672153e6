"""Models in files. What is written is read by the safetensors library itself; PyTorch reads it in tests/oracle."""

import errno
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors import safe_open
from safetensors.numpy import load as their_load
from safetensors.numpy import save as their_save

import autodiff as ad

ROOT = Path(__file__).parents[1]
DTYPES = ["bool", "float16", "float32", "float64"] + [f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def network(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return ad.Sequential(ad.Linear(2, 5, rng=rng, dtype=dtype), ad.ReLU(), ad.Linear(5, 3, rng=rng, dtype=dtype))


def assert_same(found, expected):
    """Assert that two states have the same names, shapes, dtypes and bits."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype.newbyteorder("=")), name
        assert found[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes(), name


# What comes back


def test_a_model_comes_back():
    ad.save(network(), "model.safetensors")
    again = network(seed=1)
    again.load_state_dict(ad.load("model.safetensors"))
    assert_same(again.state_dict(), network().state_dict())


def test_the_library_itself_reads_what_is_written_and_writes_what_is_read():
    ad.save(network(), Path("ours"), {"b": "2", "a": 'é\n"{\0'})
    assert_same(their_load(Path("ours").read_bytes()), network().state_dict())
    with safe_open("ours", framework="np") as file:
        assert file.metadata() == {"b": "2", "a": 'é\n"{\0'}
    Path("theirs").write_bytes(their_save(network().state_dict(), {"a": "1"}))
    assert_same(ad.load("theirs"), network().state_dict())
    assert ad.load_metadata("theirs") == {"a": "1"}


any_text = st.text()  # without lone surrogates
any_array = arrays(
    st.sampled_from(DTYPES).flatmap(lambda name: st.sampled_from([np.dtype(name), np.dtype(name).newbyteorder()])),
    array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
any_layout = any_array.flatmap(lambda a: st.sampled_from([a, a.T, np.asfortranarray(a), a[::-1] if a.ndim else a]))


@given(
    st.dictionaries(any_text.filter(lambda name: name != "__metadata__"), any_layout, max_size=4),
    st.dictionaries(any_text, any_text, max_size=4),
)
def test_arrays_and_text_of_every_kind_come_back(tmp_path_factory, state, metadata):
    path = tmp_path_factory.getbasetemp() / "any"
    ad.save(state, path, metadata)
    found = ad.load(path)
    assert_same(found, state)
    assert list(found) == sorted(state)
    assert list(ad.load_metadata(path).items()) == sorted(metadata.items())
    assert_same(their_load(path.read_bytes()), state)
    written = path.read_bytes()
    assert int.from_bytes(written[:8], "little") % 8 == 0  # so that whoever maps the file finds the data aligned
    ad.save(dict(reversed(state.items())), path, dict(reversed(metadata.items())))
    assert path.read_bytes() == written


def test_tensors_and_numpys_scalars_are_saved_as_their_arrays():
    tensor = ad.Tensor([[1.0, 2.0]], requires_grad=True)
    ad.save({"leaf": tensor, "result": tensor * 2, "transposed": tensor.T, "scalar": np.float64(3)}, "file")
    expected = {"leaf": [[1, 2]], "result": [[2, 4]], "transposed": [[1], [2]]}
    expected = {name: np.array(value, np.float32) for name, value in expected.items()} | {"scalar": np.array(3.0)}
    assert_same(ad.load("file"), expected)


def test_saving_is_no_write_that_a_backward_pass_would_notice():
    model = network()
    loss = np.sum(model(np.ones((4, 2), np.float32)) ** 2)
    ad.save(model, "file")
    ad.save({"loss": loss}, "file")
    loss.backward()


def test_what_is_loaded_is_the_callers_own():
    ad.save({"a": np.arange(3.0)}, "file")
    written = Path("file").read_bytes()
    found = ad.load("file")["a"]
    found += 1
    assert Path("file").read_bytes() == written
    Path("file").write_bytes(bytes(len(written)))
    assert found.tolist() == [1, 2, 3]


def test_a_module_without_parameters_and_no_text():
    ad.save(ad.ReLU(), "file")
    assert ad.load("file") == {}
    assert ad.load_metadata("file") == {}
    empty = Path("file").read_bytes()
    ad.save({}, "file", {})
    assert Path("file").read_bytes() == empty


# The same bytes

WRITE = """
import sys, numpy as np, autodiff as ad
names = set("abcdefghij")  # in an order that changes with the hash seed
ad.save({name: np.full(ord(name) % 4, 1, "f4f8i2"[ord(name) % 3 * 2:][:2]) for name in names}, sys.argv[1],
        {name: name.upper() for name in names})
"""


def test_the_same_content_gives_the_same_bytes_in_every_process():
    written = set()
    for seed in range(3):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, "-c", WRITE, "file"], env=environment, check=True)
        written.add(Path("file").read_bytes())
    assert len(written) == 1


# Whole or not at all


def test_a_file_is_replaced_by_a_rename_after_its_bytes_are_on_the_disk(monkeypatch):
    ad.save(network(), "file")
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (order.append(os.fstat(number).st_size), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append(os.stat(paths[0]).st_size), replace(*paths)))
    ad.save(network(), "file", {"a": "1"})
    size = Path("file").stat().st_size
    assert order == [size, size]
    assert os.listdir() == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_error_while_writing_names_the_file_and_leaves_the_old_one_alone(monkeypatch, call):
    ad.save({"a": np.zeros(1)}, "file")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match=r"No space left on device: 'file'") as caught:
        ad.save({"a": np.ones(1)}, "file")
    assert caught.value.errno == errno.ENOSPC
    assert ad.load("file")["a"] == 0
    assert os.listdir() == ["file"]


FILL = """
import resource, signal, numpy as np, autodiff as ad
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
ad.save({"a": np.ones(100_000)}, "file")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_file_that_cannot_be_written_to_its_end_leaves_the_old_one_alone():
    ad.save({"a": np.zeros(1)}, "file")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", FILL], env=environment, capture_output=True, text=True, check=False)
    assert "File too large: 'file'" in done.stderr
    assert ad.load("file")["a"] == 0
    assert os.listdir() == ["file"]


KEEP_WRITING = """
import itertools, numpy as np, autodiff as ad
for i in itertools.count():
    ad.save({"a": np.full(200_000, i)}, "file", {"i": str(i)})
"""


def test_a_process_killed_while_it_writes_leaves_a_whole_file():
    for round in range(5):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, "-c", KEEP_WRITING], env=environment)
        before = Path("file").stat().st_ino if round else None
        while not Path("file").exists() or Path("file").stat().st_ino == before:
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(0.013 * round)
        process.kill()
        process.wait()
        assert np.all(ad.load("file")["a"] == int(ad.load_metadata("file")["i"]))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions and seldom links")
def test_a_link_stays_one_and_permissions_stay_as_they_were():
    ad.save(ad.ReLU(), "file")
    Path("plain").touch()
    assert Path("file").stat().st_mode == Path("plain").stat().st_mode
    Path("file").chmod(0o640)
    Path("link").symlink_to("file")
    ad.save(network(), "link")
    assert Path("link").is_symlink()
    assert stat.S_IMODE(Path("file").stat().st_mode) == 0o640
    assert_same(ad.load("file"), network().state_dict())
    Path("dangling").symlink_to("later")
    ad.save(network(), "dangling")
    assert_same(ad.load("later"), network().state_dict())


def test_a_protected_file_is_not_replaced(monkeypatch):
    ad.save({"a": np.zeros(1)}, "file")
    Path("file").chmod(0o400)
    monkeypatch.setattr(os, "access", lambda path, mode: bool(os.stat(path).st_mode & 0o200))  # root may do anything
    with pytest.raises(PermissionError, match="protected from being written: 'file'"):
        ad.save({"a": np.ones(1)}, "file")
    assert ad.load("file")["a"] == 0


# Errors of what is saved

NOT_SAVED = {
    "no mapping": ([np.ones(2)], TypeError, r"save takes a Module, or a mapping .* found list first"),
    "swapped": ("file", TypeError, r"and then a path; found str first"),
    "optimizer": (ad.Adam(network().parameters()), TypeError, "found Adam first"),
    "number": ({"a": 1.5}, TypeError, "'a' must be an array or a Tensor, found float; make it an array, or text in"),
    "list": ({"a": [1.5]}, TypeError, "'a' must be an array or a Tensor, found list; make it an array"),
    "none": ({"a": None}, TypeError, "'a' must be an array or a Tensor, found NoneType"),
    "nested": (
        {"a": {"b": np.ones(2)}},
        TypeError,
        r"'a' must be .* found dict; name what is in it, as 'outer\.inner'",
    ),
    "masked": ({"a": np.ma.array([1, 2], mask=[0, 1])}, TypeError, "'a' is a masked array, and its mask would be lost"),
    "number as a name": ({1: np.ones(2)}, TypeError, "the name of an array must be text, found int: 1"),
    "reserved name": ({"__metadata__": np.ones(2)}, ValueError, "no array can be named '__metadata__'"),
    "name that is no text": ({"\ud800": np.ones(2)}, ValueError, r"the name of an array .* found '\\ud800': surrog"),
}
NO_DTYPE_HERE = ["O", "U3", "S3", "M8[s]", "m8[s]", "c8", "c16", "V4", np.dtype([("x", "f4")]), "g"]
NOT_SAVED |= {
    f"dtype {np.dtype(dtype)}": (
        {"a": np.zeros(2, dtype)},
        TypeError,
        r"^'a' must be an array of one of bool, .* found",
    )
    for dtype in NO_DTYPE_HERE
    if np.dtype(dtype) != np.float64  # what long double is on some machines
}


@pytest.mark.parametrize("case", NOT_SAVED)
def test_what_cannot_be_saved_is_named_and_no_file_is_written(case):
    state, error, message = NOT_SAVED[case]
    with pytest.raises(error, match=message):
        ad.save(state, "file")
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ("text", TypeError, "metadata must be a mapping of text to text, found str"),
        (0, TypeError, "metadata must be a mapping of text to text, found int"),
        ({"epochs": 3}, TypeError, "'epochs' in the metadata must be text, found int: 3; convert it, as with str"),
        ({3: "epochs"}, TypeError, "a name in the metadata must be text, found int: 3"),
        ({"a": "\udcff"}, ValueError, r"'a' in the metadata must be text that UTF-8 can encode, found '\\udcff'"),
        ({"a": "x" * 100_000_000}, ValueError, r"take 100,000,\d+ bytes, and the format allows 100,000,000; keep long"),
    ],
)
def test_metadata_that_cannot_be_saved_is_named_and_no_file_is_written(metadata, error, message):
    with pytest.raises(error, match=message):
        ad.save(network(), "file", metadata)
    assert os.listdir() == []


def test_as_much_text_as_readers_accept():
    ad.save({}, "file", {"a": "x" * 99_999_900})
    assert len(ad.load_metadata("file")["a"]) == 99_999_900


# Errors of files


@pytest.mark.parametrize("read", [ad.load, ad.load_metadata])
def test_where_there_is_no_file_to_read_the_error_names_it(read):
    with pytest.raises(FileNotFoundError, match="'missing'"):
        read("missing")
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file: '\.'"):
        read(".")
    with pytest.raises(TypeError):
        read(0)  # the standard input, to open()
    with pytest.raises(OSError, match=f"is no ordinary file; name one: '{os.devnull}'"):
        read(os.devnull)


def test_where_no_file_can_be_written_the_error_names_it():
    with pytest.raises(FileNotFoundError, match=r"its folder does not exist; make it first: 'missing.file'"):
        ad.save(network(), Path("missing", "file"))
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file: '\.'"):
        ad.save(network(), ".")
    with pytest.raises(OSError, match=f"is no ordinary file; name one: '{os.devnull}'"):
        ad.save(network(), os.devnull)
    assert os.listdir() == []


def file_of(header, data=b""):
    header = json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + data


def entry(dtype, size, shape=(2,)):
    return {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}


WHOLE = their_save(network().state_dict(), {"a": "1"})
DAMAGED = {f"cut at {end}": WHOLE[:end] for end in (*range(0, len(WHOLE), 7), len(WHOLE) - 1)}
DAMAGED |= {
    "a byte too many": WHOLE + b"\0",
    "a text file": b"epoch,loss,accuracy\n" * 100,
    "a file of NumPy's": b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }" + bytes(80),
    "a file of PyTorch's": b"PK\x03\x04" + bytes(1000),
    "a dtype that nobody has": file_of({"a": entry("F31", 8)}, bytes(8)),
    "fewer bytes than the shape needs": file_of({"a": entry("F32", 4)}, bytes(4)),
    "a negative length": file_of({"a": entry("F32", 8, (-2,))}, bytes(8)),
    "metadata that is no text": file_of({"__metadata__": {"a": 1}}),
}


@pytest.mark.parametrize("read", [ad.load, ad.load_metadata])
@pytest.mark.parametrize("case", DAMAGED)
def test_a_file_that_is_not_whole_or_of_another_format_is_refused(case, read):
    Path("damaged").write_bytes(DAMAGED[case])
    with pytest.raises(
        ValueError, match=r"^damaged is no whole safetensors file \(.*\); it was cut short, or is of an"
    ):
        read("damaged")


@pytest.mark.parametrize("code", ["BF16", "F8_E4M3", "F8_E5M2"])
def test_a_dtype_that_no_tensor_has_is_named(code):
    size = 4 if code == "BF16" else 2
    Path("file").write_bytes(file_of({"__metadata__": {"a": "1"}, "layer.weight": entry(code, size)}, bytes(size)))
    with pytest.raises(
        ValueError, match=rf"^file: 'layer\.weight' must .* F64, found {code}; .* with model\.float\(\)"
    ):
        ad.load("file")
    assert ad.load_metadata("file") == {"a": "1"}


# A checkpoint, as docs/models.md has it

OPTIMIZERS = {
    "SGD": lambda p: ad.SGD(p, 0.05),
    "SGD with everything": lambda p: ad.SGD(p, 0.02, 0.9, nesterov=True, weight_decay=0.05),
    "Adam": lambda p: ad.Adam(p, 0.02, weight_decay=0.1),
    "AdamW": lambda p: ad.AdamW(p, 0.1 + 0.2, (0.8, 1 / 3), 1e-4),
}


@pytest.fixture(scope="module")
def page():
    names = {"ad": ad, "np": np}
    text = (ROOT / "docs" / "models.md").read_text()
    (block,) = [block for block in text.split("```python\n") if "def save_checkpoint" in block]
    exec(block.partition("\noptimizer = ")[0], names)
    return names


def train(model, optimizer, steps, capture, without=None):
    x = np.random.default_rng(5).normal(size=(20, 2))

    def step():
        loss = ad.functional.cross_entropy(model(x), np.arange(20) % 3)
        optimizer.zero_grad()
        loss.backward()
        if without is not None:
            model.layers[without].bias.grad = None
        optimizer.step()
        return loss

    step = ad.capture(step) if capture else step
    for _ in range(steps):
        step()


@pytest.mark.parametrize("capture", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_goes_on_from_a_checkpoint_to_the_last_bit(page, name, dtype, capture):
    model = network(dtype=dtype)
    optimizer = OPTIMIZERS[name](model.parameters())
    train(model, optimizer, 3, capture)
    train(model, optimizer, 2, False, without=2)  # so that the parameters differ in their numbers of steps
    page["save_checkpoint"]("checkpoint", model, optimizer)
    resumed = network(seed=1, dtype=dtype)
    resumed_optimizer = OPTIMIZERS[name](resumed.parameters())
    page["load_checkpoint"]("checkpoint", resumed, resumed_optimizer)
    page["save_checkpoint"]("again", resumed, resumed_optimizer)
    assert Path("again").read_bytes() == Path("checkpoint").read_bytes()
    train(model, optimizer, 10, capture)
    train(resumed, resumed_optimizer, 10, capture)
    assert_same(resumed.state_dict(), model.state_dict())
    page["save_checkpoint"]("again", resumed, resumed_optimizer)
    page["save_checkpoint"]("checkpoint", model, optimizer)
    assert Path("again").read_bytes() == Path("checkpoint").read_bytes()
