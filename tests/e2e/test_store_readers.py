# SPDX-License-Identifier: MIT
"""Other people's programs read a results file: h5py, xarray (both engines), h5dump and ncdump,
also while MPI has it open for writing. The file is that of tests/unit/sample_cube.c."""

import os
import subprocess
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

BUILD = Path(os.environ.get("PHASEGRID_BUILD", Path(__file__).parents[2] / "build"))
WRITER = BUILD / "tests" / "unit" / "write_sample_cube"
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}
# Readers get no help: this variable is the writer's own affair.
ENVIRONMENT.pop("HDF5_USE_FILE_LOCKING", None)

GRID = (2, 3, 2, 2)  # optimiser, learning_rate, pair, seed
ROWS = 24
WRITTEN = 20  # rows 0 .. 19; row 5 diverged


def rows(values):
    """Values by row as the cube has them, the grid's dimensions first."""
    values = np.asarray(values)
    return values.reshape(GRID + values.shape[1:])


ROW = np.arange(ROWS)
IS_WRITTEN = ROW < WRITTEN
STATUS = rows(np.where(ROW == 5, 2, IS_WRITTEN))
LOSS = rows(np.where(IS_WRITTEN[:, None], ROW[:, None] + np.arange(4) / 8, np.nan))
EMBEDDINGS = rows(
    np.where(
        IS_WRITTEN[:, None, None],
        100.0 * ROW[:, None, None] + 10 * np.arange(4)[:, None] + np.arange(2) + 0.5,
        np.nan,
    )
)
PHASE = rows(np.where(IS_WRITTEN, ROW % 4, 255))
STEPS_TO_TEST = rows(np.where(IS_WRITTEN, 7 * ROW - 1, -2))
COUNTS = rows(np.where(IS_WRITTEN[:, None], 1000 * ROW[:, None] + np.arange(4), -2))
CPU = "A CPU whose name is far longer than the file has room for: 64 bytes, é"


@pytest.fixture(scope="module", params=["closed", "open"])
def cube(request, tmp_path_factory):
    """The path of a sample; under "open" a process keeps it open for MPI writing meanwhile."""
    path = tmp_path_factory.mktemp("store") / "sample.h5"
    if request.param == "closed":
        subprocess.run([WRITER, path], env=ENVIRONMENT, check=True, timeout=60)
        yield path
        return
    with subprocess.Popen(
        [WRITER, path, "hold"], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"ready\n"
        yield path
        assert writer.poll() is None, "the writer ended while the file was being read"
        writer.stdin.close()
        assert writer.wait(60) == 0


@pytest.fixture(params=["h5netcdf", "netcdf4"])
def engine(request):
    return request.param


def run(*command):
    result = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def open_dataset(path, engine, **options):
    with warnings.catch_warnings():
        # xarray 2023.01 casts NaN while it decodes times.
        warnings.filterwarnings("ignore", "invalid value encountered in cast", RuntimeWarning)
        return xarray.open_dataset(path, engine=engine, **options).load()


def test_h5py_values(cube):
    with h5py.File(cube, "r") as file:
        expected = {
            "status": STATUS,
            "loss": LOSS,
            "embeddings": EMBEDDINGS,
            "phase": PHASE,
            "steps_to_test": STEPS_TO_TEST,
            "counts": COUNTS,
        }
        for name, values in expected.items():
            np.testing.assert_array_equal(file[name][...], values, err_msg=name)
        assert list(file["optimiser"].asstr()) == ["adamw", "sgd-µ"]
        assert list(file["shape"].asstr()) == ["50-50", "200-200-é"]


def test_h5py_structure(cube):
    types = {
        "status": "u1",
        "row_crc": "<i8",
        "loss": "<f4",
        "embeddings": "<f8",
        "phase": "u1",
        "steps_to_test": "<i4",
        "counts": "<i8",
    }
    with h5py.File(cube, "r") as file:
        for name, dtype in types.items():
            assert file[name].dtype == np.dtype(dtype)
            assert file[name].chunks is None
            assert file[name].id.get_offset() is not None, "no space on disk"
            for dimension in file[name].dims:
                assert len(dimension) == 1, f"{name}: a dimension without a scale"
        assert [d[0].name for d in file["embeddings"].dims] == [
            f"/{name}" for name in "optimiser learning_rate pair seed step place".split()
        ]


def test_h5py_attributes(cube):
    with h5py.File(cube, "r") as file:
        phase = file["phase"].attrs
        assert phase["flag_values"].dtype == np.uint8
        assert list(phase["flag_values"]) == [0, 1, 2, 3, 255]
        assert phase["flag_meanings"].split() == [
            "comprehension", "grokking", "memorization", "confusion", "not_run",
        ]  # fmt: skip
        assert file["steps_to_test"].attrs["flag_values"].dtype == np.int32
        for name in ("phase", "status", "steps_to_test", "counts", "row_crc"):
            assert "_FillValue" not in file[name].attrs
        assert file["loss"].attrs["_FillValue"].dtype == np.float32
        assert np.isnan(file["loss"].attrs["_FillValue"])
        assert file["loss"].attrs["threshold"] == 0.9
        assert file["loss"].attrs["c"] == "see é"
        assert file["finished_at"].attrs["volatile"] == 1
        assert "volatile" not in file["loss"].attrs
        assert file.attrs["Conventions"] == "CF-1.8"
        assert file.attrs["numerics"] == 3
        assert len(file.attrs["job"]) == 100000


def test_order_of_creation(cube):
    names = []
    with h5py.File(cube, "r") as file:
        root = file["/"].id
        root.links.iterate(names.append, idx_type=h5py.h5.INDEX_CRT_ORDER)
        attributes = [
            h5py.h5a.open(file["loss"].id, index=i, index_type=h5py.h5.INDEX_CRT_ORDER).name
            for i in range(3)
        ]
    assert b" ".join(names).decode().split() == (
        "optimiser learning_rate pair seed step place segment status row_crc loss embeddings phase "
        "steps_to_test counts finished_at segment_rows encoder_width decoder_lr shape provenance"
    ).split()
    assert attributes == [b"DIMENSION_LIST", b"long_name", b"units"]


def test_no_object_that_readers_stumble_on(cube):
    """No fixed-length string of more than one byte and no reference among values and our own
    attributes; HDF5 marks dimension scales with attributes of its own."""
    scales = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"}

    def check(dtype, where):
        assert h5py.check_ref_dtype(dtype) is None, where
        assert h5py.check_enum_dtype(dtype) is None, where
        assert dtype.kind != "S" or dtype.itemsize == 1, where

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            check(item.dtype, name)
        for key in item.attrs:
            if key not in scales:
                check(item.attrs.get_id(key).dtype, f"{name}@{key}")

    with h5py.File(cube, "r") as file:
        visit("/", file)
        file.visititems(visit)


def test_xarray_values(cube, engine):
    data = open_dataset(cube, engine)
    np.testing.assert_array_equal(data.loss, LOSS)
    np.testing.assert_array_equal(data.embeddings, EMBEDDINGS)
    for name, values, dtype in (
        ("status", STATUS, np.uint8),
        ("phase", PHASE, np.uint8),
        ("steps_to_test", STEPS_TO_TEST, np.int32),
        ("counts", COUNTS, np.int64),
    ):
        assert data[name].dtype == dtype, name
        np.testing.assert_array_equal(data[name], values, err_msg=name)
    assert list(data.variables)[:3] == ["optimiser", "learning_rate", "pair"]
    assert data.loss.dims == ("optimiser", "learning_rate", "pair", "seed", "step")
    assert data.loss.attrs["units"] == "1"
    assert data.phase.attrs["flag_meanings"].endswith("not_run")


def test_xarray_labels(cube, engine):
    data = open_dataset(cube, engine)
    assert list(data.optimiser.values) == ["adamw", "sgd-µ"]
    assert list(data.learning_rate.values) == [1e-3, 1e-2, 1e-1]
    assert list(data.segment.values) == ["embedding", "decoder.0.weight", "decoder.0.bias"]
    # Row 1 * 12 + 0 * 4 + 0 * 2 + 1 = 13, in its third step.
    one = data.loss.sel(optimiser="sgd-µ", learning_rate=1e-3, pair=0, seed=7, step=100)
    assert one.item() == 13.25
    for name, values in (
        ("encoder_width", [50, 200]),
        ("decoder_lr", [0.25, 0.5]),
        ("shape", ["50-50", "200-200-é"]),
    ):
        assert name in data.phase.coords, f"zipped setting {name} is no coordinate"
        assert data[name].dims == ("pair",)
        assert list(data[name].values) == values
    assert data.segment_rows.sel(
        optimiser="adamw", learning_rate=0.1, pair=1, segment="decoder.0.weight"
    ) == 3  # fmt: skip


def test_xarray_times(cube, engine):
    finished = open_dataset(cube, engine).finished_at.values.reshape(ROWS)
    assert finished[3] == np.datetime64("2023-11-14T22:13:23")  # 1,700,000,003 s
    assert np.isnat(finished[WRITTEN:]).all()


def test_xarray_provenance(cube, engine):
    table = open_dataset(cube, engine, group="provenance")
    assert table.launch_count.item() == 1
    assert table.sizes == {"launch": 1024}, "text is not decoded"
    first = table.isel(launch=0)
    cut = CPU.encode()[:64].decode(errors="ignore")
    for name, expected in (("version", "1.2.3"), ("host", "knöten-7"), ("cpu", cut)):
        assert first[name].item() == expected
    for name, expected in (("ranks", 4), ("finished_before", 0), ("steps_kept_before", 120)):
        assert first[name].item() == expected
        assert table[name][1].item() == (0 if name == "ranks" else -1), "of a row not used"
    assert first.started.values == np.datetime64("2023-11-14T22:13:20")
    assert (table.number[1:] == -1).all()
    assert np.isnat(table.started[1:].values).all()


def test_provenance_end_is_written_last(cube, engine, request):
    """A launch without an end is running, or was killed."""
    first = open_dataset(cube, engine, group="provenance").isel(launch=0)
    if "open" in request.node.callspec.id.split("-"):
        assert np.isnat(first.ended.values) and first.reason.item() == ""
        assert first.finished_after.item() == -1
    else:
        assert first.ended.values == np.datetime64("2023-11-14T22:14:20.500")
        assert first.reason.item() == "all done"
        assert first.finished_after.item() == WRITTEN


def test_h5dump(cube):
    text = run("h5dump", "-d", "/phase", cube)
    assert "H5T_STD_U8LE" in text
    assert "(1,2,0,0): 255, 255" in text.replace("\n", " ")
    run("h5dump", cube)


def test_ncdump(cube):
    header = run("ncdump", "-h", cube)
    for line in (
        "string optimiser(optimiser) ;",
        "ubyte phase(optimiser, learning_rate, pair, seed) ;",
        "phase:flag_values = 0UB, 1UB, 2UB, 3UB, 255UB ;",
        "float loss(optimiser, learning_rate, pair, seed, step) ;",
        "loss:_FillValue = NaNf ;",
        'string loss:coordinates = "encoder_width decoder_lr shape" ;',
        "text_width = 64 ;",
        "char host(launch, text_width) ;",
    ):
        assert line in header
    assert "text_width(text_width)" not in header
    assert "19, 19.125, 19.25, 19.375," in run("ncdump", "-v", "loss", cube)


def test_superblock_2(cube):
    """Version 3 has an "open for write" flag that a killed writer leaves behind."""
    assert cube.read_bytes()[8] == 2


def test_a_reader_does_not_keep_a_writer_out(tmp_path):
    """The second launch opens for writing while somebody has the file open."""
    path = tmp_path / "sample.h5"
    subprocess.run([WRITER, path], env=ENVIRONMENT, check=True, timeout=60)
    with h5py.File(path, "r"):
        again = subprocess.run(
            [WRITER, path, "again"], env=ENVIRONMENT, timeout=60, capture_output=True, text=True
        )
        assert again.returncode == 0, again.stderr
    with h5py.File(path, "r") as file:
        assert file["provenance/launch_count"][()] == 2
