"""One small program a language, and for each operator a text that only a mutant of it holds."""

PROGRAMS = {
    "C": (
        "int f(int a, int b, int *c) {\n  if (!a && b < 10) { c[b] = a << 1; } else { b = a + 3; }\n"
        "  for (int i = 0; i < b; i++) { if (i == a) break; }\n  g(a, c);\n  return a > 1 ? 2 : max(a, b);\n}\n"
    ),
    "C#": (
        "class A { int F(int a, int b, int[] c) {\n  if (!(a > 1) && b < 10) { c[b] = a << 1; } else { b = a + 3; }\n"
        "  for (int i = 0; i < b; i++) { if (i == a) break; }\n  G(a, c);\n  return a > 1 ? 2 : Math.Max(a, b);\n} }\n"
    ),
    "C++": (
        "int f(int a, int b, int *c) {\n  if (!a && b < 10) { c[b] = a << 1; } else { b = a + 3; }\n"
        "  for (int i = 0; i < b; i++) { if (i == a) break; }\n  g(a, c);\n  return a > 1 ? 2 : std::max(a, b);\n}\n"
    ),
    "Go": (
        "package p\n\nfunc f(a int, b int, c []int) int {\n\tif !ok && b < 10 {\n\t\tc[b] = a << 1\n\t} else {\n"
        "\t\tb = a + 3\n\t}\n\tfor i := 0; i < b; i++ {\n\t\tif i == a {\n\t\t\tbreak\n\t\t}\n\t}\n\tg(a, c)\n"
        "\treturn max(a, b)\n}\n"
    ),
    "Java": (
        "class A { int f(int a, int b, int[] c) {\n  if (!(a > 1) && b < 10) { c[b] = a << 1; } else { b = a + 3; }\n"
        "  for (int i = 0; i < b; i++) { if (i == a) break; }\n  g(a, c);\n  return a > 1 ? 2 : Math.max(a, b);\n} }\n"
    ),
    "JavaScript": (
        "function f(a, b, c) {\n  if (!a && b < 10) { c[b] = a << 1; } else { b = a + 3; }\n"
        "  for (let i = 0; i < b; i++) { if (i == a) break; }\n  g(a, c);\n  return a > 1 ? 2 : Math.max(a, b);\n}\n"
    ),
    "Python": (
        "def f(a, b, c):\n    if not a and b < 10:\n        c[b] = a << 1\n    else:\n        b = a + 3\n"
        "    for i in range(b):\n        if i == a:\n            break\n    g(a, c)\n    return 2 if a > 1 else max(a, b)\n"
    ),
    "Ruby": (
        "def f(a, b, c)\n  if !a && b < 10\n    c[b] = a << 1\n  else\n    b = a + 3\n  end\n  while a\n"
        "    break if c == b\n  end\n  g(a, c)\n  return a.max(b)\nend\n"
    ),
}
# What a mutant of each operator holds that the program does not, in most of the languages; exceptions below.
COMMON = {
    "arithmetic swap": "a - 3",
    "bitwise swap": "a >> 1",
    "comparison swap": "b <= 10",
    "increment swap": "i--",
    "logical swap": "|| b < 10",
    "off by one": "b < 11",
    "swapped arguments": "g(c, a)",
    "wrong index": "c[b + 1]",
    "wrong jump": "continue",
    "wrong variable": "b << 1",
}
CALLS = {"C#": "Math.Min(a, b)", "Go": "min(a, b)", "Java": "Math.min(a, b)", "JavaScript": "Math.min(a, b)"}
CALLS |= {"C": "min(a, b)", "C++": "std::min(a, b)", "Python": "min(a, b)"}
EXPECTED = {language: {**COMMON, "opposite call": call} for language, call in CALLS.items()} | {"Ruby": dict(COMMON)}
for own in ("Python", "Ruby"):
    del EXPECTED[own]["increment swap"]
EXPECTED["Python"] |= {
    "logical swap": "not a or b < 10", "dropped sign": "if a and b", "dropped condition": "if b < 10:",
    "negated condition": "if not (not a and b < 10)", "deleted statement": "    pass\n    return",
    "dropped return value": "return None", "swapped branches": "max(a, b) if a > 1 else 2",
}  # fmt: skip
EXPECTED["Ruby"] |= {
    "dropped sign": "if a && b", "dropped condition": "if b < 10\n", "negated condition": "if !(!a && b < 10)",
    "wrong jump": "next if", "dropped return value": "return nil",
}  # fmt: skip
EXPECTED["Go"] |= {"dropped sign": "if ok && b", "dropped condition": "if b < 10 {", "removed else": "1\n\t} \n\tfor"}
for braces in ("C", "C++", "JavaScript"):
    EXPECTED[braces] |= {"dropped sign": "if (a && b", "negated condition": "if (!(!a && b < 10))"}
for braces in ("C", "C#", "C++", "Java", "JavaScript"):
    EXPECTED[braces] |= {
        "dropped condition": "if (b < 10)", "removed else": "<< 1; } \n", "swapped branches": "{ b = a + 3; } else {",
    }  # fmt: skip
EXPECTED["C#"]["swapped arguments"] = "G(c, a)"
for typed in ("C#", "Java"):
    EXPECTED[typed]["dropped sign"] = "if ((a > 1) && b"
