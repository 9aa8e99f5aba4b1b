"""Sentences about a file, in English and in another language."""

from tabular.sentences import Sentence, joined, listed, quoted, with_commas

ONE = Sentence("The column %(name)s is missing.", name="Größe")


def japanese(text: str) -> str:
    """A text in Japanese, as far as these tests need it."""
    texts = {
        "%(first)s %(second)s": "%(first)s%(second)s",
        "%(words)s and %(last)s": "%(words)s、%(last)s",
        "%(words)s, %(next)s": "%(words)s、%(next)s",
        '"%(word)s"': "「%(word)s」",
        "%(count)s more": "ほか%(count)s件",
        "The column %(name)s is missing.": "列%(name)sがありません。",
        "The file has %(found)s.": "ファイルには%(found)sがあります。",
    }
    return texts.get(text, text)


def test_a_sentence_is_its_english_text() -> None:
    assert ONE == "The column Größe is missing."


def test_a_sentence_is_said_in_another_language() -> None:
    assert ONE.said(japanese) == "列Größeがありません。"


def test_sentences_and_lists_within_a_sentence_are_translated_too() -> None:
    found = Sentence("The file has %(found)s.", found=quoted(["a", "b", "c"]))
    both = joined(ONE, found)
    assert both == 'The column Größe is missing. The file has "a", "b" and "c".'
    assert both.said(japanese) == "列Größeがありません。ファイルには「a」、「b」、「c」があります。"


def test_a_list_names_twenty_words_and_counts_the_others() -> None:
    words = quoted([str(number) for number in range(23)])
    assert words.startswith('"0", "1", ')
    assert words.endswith('"19" and 3 more')
    assert words.said(japanese).endswith("「19」、ほか3件")


def test_a_percent_sign_in_a_value_is_no_placeholder() -> None:
    heading = Sentence("The column %(name)s is missing.", name="100 %(name)s %d")
    assert joined(heading, heading).said(japanese) == "列100 %(name)s %dがありません。" * 2


def test_words_are_listed_with_and_or_with_commas() -> None:
    assert (listed(["a"]), listed(["a", "b", "c"]), with_commas(["a", "b", "c"])) == ("a", "a, b and c", "a, b, c")
