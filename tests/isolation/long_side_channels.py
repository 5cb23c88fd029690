"""What no single request shows: figures, order, pages and files stay the same, whatever the neighbours have."""
from __future__ import annotations

import io

import pytest

from core.exchange.writer import write_table
from tests.isolation.asking import Answer, Asker
from tests.isolation.crawl import crawl
from tests.isolation.matrix import difference
from tests.isolation.sides import FAR, HIDDEN, NOBODY, OTHER
from tests.isolation.world import SEATS, Seat

HOMES = {  # seat → the communities that have nothing to do with it
    SEATS[0]: (OTHER.number, FAR.number), SEATS[4]: (FAR.number,), SEATS[5]: (OTHER.number, FAR.number),
}


@pytest.mark.parametrize("seat", HOMES, ids=str)
def test_every_page_and_file_is_the_same_where_there_are_no_neighbours(asker: Asker, seat: Seat) -> None:
    """Counts, sums, page numbers, order, options, figures of the workbench, exports."""
    offers = {ask: None for (_endpoint, _method), asks in crawl(asker, seat).items() for ask in asks}
    with_them = {ask: asker.ask(seat, ask).numbered() for ask in offers}
    with asker.books.without(*HOMES[seat]):
        alone = {ask: asker.ask(seat, ask).numbered() for ask in offers}
    different = {f"{ask.method} {ask.url}": difference(with_them[ask], alone[ask]) for ask in offers
                 if with_them[ask].shape(alone[ask].sent) != alone[ask].shape(with_them[ask].sent)}
    assert different == {}
    assert len(offers) > 60


SHEETS = {
    "residents": (("姓名", "name"), ("身份证号", "identity"), ("电话", "phone")),
    "canteen.diners": (("姓名", "name"), ("电话", "phone"), ("卡号", "canteen_card.number")),
}


@pytest.mark.parametrize("sheet", SHEETS)
def test_an_imported_file_does_not_tell_whom_the_neighbours_know(asker: Asker, sheet: str) -> None:
    """A file with names, numbers, phones and cards of others is answered as one with made-up ones, page and result."""
    seat, texts = SEATS[0], asker.world.texts
    made_up = upload(asker, seat, sheet, texts[NOBODY])
    assert made_up[0].status == 302, made_up[0].body.decode()
    for name, side in HIDDEN.items():
        theirs = upload(asker, seat, sheet, texts[side])
        for mine, unknown in zip(theirs, made_up, strict=True):
            assert mine.shape(unknown.sent) == unknown.shape(mine.sent), (name, difference(mine, unknown))
            assert mine.leaks(seat) == []


def upload(asker: Asker, seat: Seat, sheet: str, known: dict[str, str]) -> list[Answer]:
    """The answers to the upload, to its preview and to its import."""
    row = [known[key] for _head, key in SHEETS[sheet]]
    sent = (*row, known["identity"][-4:], known["phone"][-4:], known["name"][0])  # as they are masked
    file = write_table([head for head, _key in SHEETS[sheet]], [row], "sheet")
    form = {"sheet": sheet, "once": "once-for-the-matrix-0", "file": (io.BytesIO(file), "list.xlsx")}
    with asker.keeping(seat, sent) as keep:
        first = keep("POST", f"/{seat.slug}/residents/import/", form)
        page = first.header("Location")
        return [first, keep("GET", page), keep("POST", page.replace("/batch/", "/decide/"), {"action": "good"}),
                keep("GET", page)]
