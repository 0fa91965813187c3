"""The book of orders: what is kept over the end of a program, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import UserError
from rvos_core.orders import MASKS, MATTE, OVERLAY, Entry, Order, OrderBook, State
from rvos_core.types import FrameSpan

_NAMES = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20)


def order(**fields: object) -> Order:
    return Order(MASKS, "Masks", Path("/p.rvos"), 1, (1,), Path("/out"), **fields)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(
    specs=st.lists(st.sampled_from(sorted(NAMED_SPECS)), max_size=3),
    ids=st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True),
    span=st.none() | st.builds(lambda a, n: FrameSpan(a, a + n), st.integers(0, 10**6), st.integers(1, 10**6)),
    name=_NAMES,
    state=st.sampled_from(State),
)
def test_an_entry_comes_back_as_it_was(
    specs: list[str], ids: list[int], span: FrameSpan | None, name: str, state: State
) -> None:
    kind = MATTE if specs else OVERLAY
    made = Order(
        kind, name, Path(name), 3, tuple(ids), Path("/x") / name, tuple(NAMED_SPECS[each] for each in specs), span=span
    )
    entry = Entry(made, state, 3, 9, (Path("/x/a"),), ("fine",), "no", "yes")
    assert Entry.from_dict(entry.as_dict()) == entry


def test_what_was_at_work_comes_back_as_paused_and_what_is_done_stays_done(tmp_path: Path) -> None:
    book = OrderBook(tmp_path / "exports")
    at_work, done = order(created=1.0), order(created=2.0)
    book.put(Entry(at_work, State.RUNNING, 3, 9))
    book.put(Entry(done, State.DONE, 9, 9))
    book.close()
    found = OrderBook(tmp_path / "exports").open()
    assert [(each.order.order_id, each.state, each.done) for each in found] == [
        (at_work.order_id, State.PAUSED, 3),
        (done.order_id, State.DONE, 9),
    ]


def test_an_order_that_another_program_works_on_is_left_to_it(tmp_path: Path) -> None:
    one, other = OrderBook(tmp_path), OrderBook(tmp_path)
    one.put(Entry(order()))
    assert other.open() == []
    one.close()
    assert len(other.open()) == 1


def test_old_finished_orders_go_and_damaged_files_are_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = OrderBook(tmp_path)
    entry = Entry(order(), State.DONE)
    book.put(entry)
    (tmp_path / "1-00000000.json").write_text("{", encoding="utf-8")
    (tmp_path / "notes.json").write_text("mine", encoding="utf-8")
    assert len(book.open()) == 1
    assert book.open(now=entry.changed + 40 * 86400) == []
    assert {each.name for each in tmp_path.glob("*.json")} == {"1-00000000.json", "notes.json"}
    assert "cannot be read" in caplog.text


def test_a_removed_order_leaves_nothing(tmp_path: Path) -> None:
    book = OrderBook(tmp_path)
    entry = Entry(order())
    book.put(entry)
    book.remove(entry.order.order_id)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_loses_the_book_but_not_the_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    book = OrderBook(tmp_path / "file")
    book.put(Entry(order()))
    assert book.open() == []
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("change", [{"version": 9}, {"span": [5]}, {"object_ids": []}, {"specs": [{"format": "vhs"}]}])
def test_an_order_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UserError):
        Order.from_dict({**order().as_dict(), **change})


def test_orders_have_numbers_of_their_own() -> None:
    assert order().order_id != order().order_id
    with pytest.raises(UserError, match="no object"):
        replace(order(), object_ids=())
