"""Wrong passwords: no more of them are tried by many requests at once than by one after the other."""

from load.web.patience import FIRST_WAIT_S, LONGEST_WAIT_S, Patience


def test_each_wrong_password_doubles_the_wait_of_everybody_and_a_right_one_ends_it() -> None:
    now_s = 0.0
    patience = Patience(lambda: now_s)
    assert patience.left_s == 0
    waits = []
    for _ in range(8):
        patience.note(right=False)
        waits.append(patience.left_s)
        now_s += patience.left_s
        assert patience.left_s == 0
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S] and waits[-1] == LONGEST_WAIT_S
    patience.note(right=True)
    assert patience.left_s == 0
    patience.note(right=False)
    assert patience.left_s == FIRST_WAIT_S
