"""The checker of the campaign, on made-up books: it finds what it is there for, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from tests.faults.campaign.books import Books, Piece, Reply, Said, Shown
from tests.faults.campaign.verdict import judge

ASKED = Shown(1, "mail", "inbound", "mail-a-1", ready=1)
ANSWERED = Shown(2, "messenger", "outbound", "reply-a-1", ("sent", "read"))
POSTED = Shown(3, "mail", "outbound", "reply-a-2", ("sent",))


@pytest.fixture
def books() -> Books:
    """A run in which all went well: a mail with a file, a Messenger reply of two parts, a mailed reply."""
    shown = {each.id: each for each in (ASKED, ANSWERED, POSTED)}
    return Books(
        said=[Said("mail", "mail-a-1", ("mail-a-1.f0",))],
        replies={
            "reply-a-1": Reply("messenger", "reply-a-1", ("reply-a-1", "reply-a-1.1", "reply-a-1.2")),
            "reply-a-2": Reply("mail", "reply-a-2", ("reply-a-2",)),
        },
        inbox=dict(shown),
        live=dict(shown),
        announced=Counter(list(shown)),
        contents={1: ("mail-a-1.f0",)},
        received=[
            Piece("messenger", "reply-a-1", ("reply-a-1", "reply-a-1.1"), "part 1"),
            Piece("messenger", "reply-a-1", ("reply-a-1.2",), "part 2"),
            Piece("mail", "reply-a-2", ("reply-a-2",), "<part-3@shop.example>"),
        ],
    )


def show(books: Books, shown: Shown) -> None:
    books.inbox[shown.id] = books.live[shown.id] = shown


def only_problem(books: Books) -> str:
    problems = judge(books).problems
    assert len(problems) == 1, problems
    return problems[0]


def test_good_books_have_no_problem(books: Books) -> None:
    verdict = judge(books)
    assert verdict.problems == []
    assert verdict.doubles == {}
    assert verdict.messages == {("mail", "in"): 1, ("messenger", "out"): 1, ("mail", "out"): 1}
    assert verdict.ends == {("messenger", "sent"): 1, ("messenger", "read"): 1, ("mail", "sent"): 1}


def test_what_was_acknowledged_and_is_not_shown_is_lost(books: Books) -> None:
    del books.inbox[1], books.live[1]
    assert "is lost" in only_problem(books)


def test_what_was_not_acknowledged_may_be_missing(books: Books) -> None:
    del books.inbox[1], books.live[1]
    books.said[0] = replace(books.said[0], is_acknowledged=False)
    assert judge(books).problems == []


def test_a_message_without_its_file_is_not_whole(books: Books) -> None:
    books.contents[1] = ("mail-a-1.f0-damaged",)
    assert "has the files" in only_problem(books)


def test_a_message_shown_twice_is_found(books: Books) -> None:
    show(books, replace(ASKED, id=9))
    assert "is shown 2 times" in only_problem(books)


def test_a_message_that_nobody_wrote_is_found(books: Books) -> None:
    show(books, Shown(9, "chat", "inbound", "chat-a-9"))
    assert "nobody wrote it" in only_problem(books)


def test_a_live_view_that_missed_a_change_is_found(books: Books) -> None:
    books.live[3] = replace(POSTED, states=("sending",))
    assert "in the live view" in only_problem(books)


def test_a_message_announced_twice_is_found(books: Books) -> None:
    books.announced[1] = 2
    assert "announced message 1 2 times" in only_problem(books)


def test_a_reply_that_the_api_took_and_does_not_show_is_found(books: Books) -> None:
    del books.inbox[3], books.live[3]
    assert "was taken and is shown 0 times" in only_problem(books)


def test_a_reply_called_sent_that_never_arrived_is_found(books: Books) -> None:
    books.received.pop()
    assert "only 0 of its 1 words arrived" in only_problem(books)


def test_a_reply_of_which_a_part_never_arrived_is_found(books: Books) -> None:
    del books.received[1]
    assert "only 2 of its 3 words arrived" in only_problem(books)


def test_a_reply_that_came_to_no_end_is_found(books: Books) -> None:
    show(books, replace(POSTED, states=("sending",)))
    assert any("did not come to an end" in problem for problem in judge(books).problems)


def test_parts_in_another_order_are_found(books: Books) -> None:
    books.received[:2] = reversed(books.received[:2])
    assert "another order" in only_problem(books)


@pytest.mark.parametrize("has_arrived", [True, False])
def test_a_reply_in_doubt_may_have_arrived_or_not(books: Books, has_arrived: bool) -> None:
    show(books, replace(POSTED, states=("uncertain",)))
    if not has_arrived:
        books.received.pop()
    assert judge(books).problems == []


def test_a_failed_reply_that_arrived_is_found(books: Books) -> None:
    show(books, replace(POSTED, states=("failed",)))
    assert "1 of its parts arrived" in only_problem(books)


def test_a_reply_that_an_agent_gave_up_may_have_arrived(books: Books) -> None:
    show(books, replace(POSTED, states=("failed",)))
    books.replies["reply-a-2"].given_up = 1
    assert judge(books).problems == []


def test_a_reply_that_left_twice_by_itself_is_found(books: Books) -> None:
    books.received.append(books.received[-1])
    assert "arrived 2 times, and an agent sent it again 0 times" in only_problem(books)


def test_a_reply_that_an_agent_sent_again_may_arrive_twice_with_one_id(books: Books) -> None:
    books.received.append(books.received[-1])
    books.replies["reply-a-2"].resent = 1
    verdict = judge(books)
    assert verdict.problems == []
    assert list(verdict.doubles) == ["reply-a-2"]


def test_a_reply_that_arrives_twice_under_two_ids_is_found(books: Books) -> None:
    books.received.append(replace(books.received[-1], id="<part-4@shop.example>"))
    books.replies["reply-a-2"].resent = 1
    assert "under different ids" in only_problem(books)


def test_a_reply_that_arrives_twice_where_evidence_was_to_be_had_is_found(books: Books) -> None:
    books.received.insert(1, books.received[0])
    books.replies["reply-a-1"].resent = 1
    assert "it could be known that it had left" in only_problem(books)
