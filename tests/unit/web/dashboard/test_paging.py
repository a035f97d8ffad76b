"""Long lists, page by page."""

from gearhorn.web.dashboard.paging import cut, cut_sorted
from gearhorn.web.dashboard.query import TEXT_LIMIT, Query


def test_every_row_is_on_one_page() -> None:
    rows = range(250)
    pages = [cut(rows, number, 100) for number in (1, 2, 3)]
    assert [row for page in pages for row in page.rows] == [*rows]
    assert [(page.first, page.last) for page in pages] == [(1, 100), (101, 200), (201, 250)]
    assert {page.page_count for page in pages} == {3}


def test_a_page_that_is_not_there_is_the_nearest_that_is() -> None:
    assert cut(range(250), 99, 100).number == 3
    assert cut(range(250), -1, 100).number == 1


def test_an_empty_list_has_one_page() -> None:
    page = cut([], 5)
    assert (page.number, page.page_count, page.first, page.last) == (1, 1, 0, -1)


def test_a_query_that_makes_no_sense_counts_as_not_said() -> None:
    query = Query({"page": "x", "huge": "9" * 30, "arabic": "٣", "none": "0", "sort": "bogus", "q": "a" * 9999})
    assert [query.number(key) for key in ("page", "huge", "arabic", "none", "missing")] == [1] * 5
    assert query.choice("sort", ("name",), "name") == "name"
    assert len(query.text("q")) == TEXT_LIMIT
    assert query.text("missing") == ""


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert Query({"q": "a\ud800b"}).text("q") == "a?b"


def test_a_page_of_a_sorted_list_is_that_of_the_list_when_sorted() -> None:
    rows = [(number * 7919) % 5003 for number in range(5003)]
    for number in (1, 30, 51, 99):
        assert cut_sorted(rows, number, lambda row: row) == cut(sorted(rows), number)
