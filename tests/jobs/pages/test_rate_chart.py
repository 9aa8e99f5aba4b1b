"""The chart of the rows per second of a running attempt."""

from jobs.pages.rate_chart import HEIGHT, WIDTH, rate_chart


def test_before_the_second_sample_there_is_no_rate() -> None:
    assert rate_chart([]) is None
    assert rate_chart([0, 0]) is None


def test_few_samples_make_figures_but_no_line() -> None:
    chart = rate_chart([0, 0, 1000, 500, 3000, 700])
    assert chart is not None
    assert (chart.now, chart.highest, round(chart.mean), chart.line, chart.area) == (100, 500, 233, "", "")


def test_the_line_goes_from_edge_to_edge_and_the_highest_rate_to_the_top() -> None:
    chart = rate_chart([0, 0, 1000, 100, 2000, 300, 4000, 300])
    assert chart is not None
    assert chart.line == f"0.0,41.0 150.0,41.0 300.0,2.0 {WIDTH}.0,{HEIGHT}.0"
    assert chart.area == f"0,{HEIGHT} {chart.line} {WIDTH},{HEIGHT}"
    assert chart.view_box == "0 0 600 80"
    assert chart.in_words == "Rows per second in the last 4 s: now 0, on average 75, at most 200."


def test_rows_that_do_not_come_are_a_flat_line() -> None:
    chart = rate_chart([0, 0, 1000, 0, 2000, 0, 3000, 0])
    assert chart is not None
    assert {point.split(",")[1] for point in chart.line.split()} == {f"{HEIGHT}.0"}
