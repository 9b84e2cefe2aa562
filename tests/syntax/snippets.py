"""A program a language with comments of both kinds, strings that look like some, and local names of several words."""

TEXT = '"a  // b # c"'  # blanks and marks that no change may touch

SNIPPETS = {
    "C": (
        "/* Sums\n   numbers. */\n#include <stdio.h>\n#define TWICE(x) ((x) * 2)\n\n"
        "int sum_up(const int *all_numbers, int how_many) {\n    int so_far = 0; // the sum\n"
        '    const char *text = "a  // b # c";\n'
        "    for (int at_place = 0; at_place < how_many; at_place++) {\n        /* each */ so_far += all_numbers[at_place];\n"
        "        if (so_far > 100) {\n            break;\n        }\n    }\n    puts(text);\n    return - -so_far;\n}\n"
    ),
    "C#": (
        "/* Sums\n   numbers. */\nusing System;\n\nclass Sums {\n    int SumUp(int[] allNumbers, int howMany) {\n"
        '        int soFar = 0; // the sum\n        string someText = "a  // b # c";\n'
        "        for (int atPlace = 0; atPlace < howMany; atPlace++) {\n            /* each */ soFar += allNumbers[atPlace];\n"
        "            if (soFar > 100) {\n                break;\n            }\n        }\n"
        "        Console.WriteLine(someText);\n        return - -soFar;\n    }\n}\n"
    ),
    "C++": (
        "/* Sums\n   numbers. */\n#include <vector>\n\nint sum_up(const std::vector<int>& all_numbers) {\n"
        '    int so_far = 0; // the sum\n    const char* some_text = "a  // b # c";\n'
        "    for (int one_number : all_numbers) {\n        /* each */ so_far += one_number;\n        if (so_far > 100) {\n"
        "            break;\n        }\n    }\n    std::puts(some_text);\n    return - -so_far;\n}\n"
    ),
    "Go": (
        "/* Sums\n   numbers. */\npackage sums\n\nfunc SumUp(allNumbers []int) int {\n\tsoFar := 0 // the sum\n"
        '\tsomeText := "a  // b # c"\n\tfor _, oneNumber := range allNumbers {\n\t\t/* each */ soFar += oneNumber\n'
        "\t\tif soFar > 100 {\n\t\t\tbreak\n\t\t}\n\t}\n\tprintln(someText)\n\treturn - -soFar\n}\n"
    ),
    "Java": (
        "/* Sums\n   numbers. */\nclass Sums {\n    int sumUp(int[] allNumbers) {\n        int soFar = 0; // the sum\n"
        '        String someText = "a  // b # c";\n        for (int oneNumber : allNumbers) {\n'
        "            /* each */ soFar += oneNumber;\n            if (soFar > 100) {\n                break;\n"
        "            }\n        }\n        System.out.println(someText);\n        return - -soFar;\n    }\n}\n"
    ),
    "JavaScript": (
        "/* Sums\n   numbers. */\nfunction sumUp(allNumbers) {\n    let soFar = 0; // the sum\n"
        '    const someText = "a  // b # c";\n    for (const oneNumber of allNumbers) {\n'
        "        /* each */ soFar += oneNumber;\n        if (soFar > 100) {\n            break;\n        }\n    }\n"
        "    console.log(someText);\n    return - -soFar;\n}\n"
    ),
    "Python": (
        '# Sums numbers.\ndef sum_up(all_numbers):\n    """Sum\n\n        them up.  """\n    so_far = 0  # the sum\n'
        '    some_text = "a  // b # c"\n    for one_number in all_numbers:\n        # each\n        so_far += one_number\n'
        "        if so_far > 100:\n            break\n    print(some_text,\n          so_far)\n    return - -so_far\n"
    ),
    "Ruby": (
        "# frozen_string_literal: true\n# Sums numbers.\ndef sum_up(all_numbers)\n  so_far = 0 # the sum\n"
        '  some_text = "a  // b # c"\n  all_numbers.each do |one_number|\n    # each\n    so_far += one_number\n'
        "    if so_far > 100\n      break\n    end\n  end\n  puts some_text\n  return so_far * 2\nend\n"
    ),
}
