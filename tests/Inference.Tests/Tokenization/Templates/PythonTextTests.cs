namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Values as text; every expectation is what CPython's <c>str</c> gives.</summary>
public sealed class PythonTextTests
{
    public static TheoryData<string, string> Values => new()
    {
        { "{{ x }}", "5" },
        { "{{ f }}", "1.5" },
        { "{{ s }}", "Hello World" },
        { "{{ e }}", "" },
        { "{{ n }}", "None" },
        { "{{ t }}", "True" },
        { "{{ l }}", "[3, 1, 2]" },
        { "{{ d }}", "{'a': 1, 'b': [1, 2, {'c': None}], 'items': 7}" },
        { "{{ big }}", "12345678901234567890" },
        { "{{ uni }}", "héllo 😀 \"q\" 'x'" },
        { "{{ fl }}", "[1e+16, 1e-05, 0.1, 1e+22, 123456789.125, 1.0, 1000000000000000.0, -0.0, 5e-324, 1.7976931348623157e+308]" },
        { "{{ [uni] }}", "['héllo 😀 \"q\" \\'x\\'']" },
        { "{{ nope }}", "" },
        { "{{ [1, [2, [3, 'x']], {'k': (1, 2)}, none, true, 1.5, \"it's\", 'q\"q', 'both\\'\"'] }}", "[1, [2, [3, 'x']], {'k': (1, 2)}, None, True, 1.5, \"it's\", 'q\"q', 'both\\'\"']" },
        { "{{ ['\\u200b\\xad\\u00a0é\\U0001F600\\x00\\x7f\\n\\t\\r\\\\\\u2028\\ue000\\U000E0001'] }}", "['\\u200b\\xad\\xa0é😀\\x00\\x7f\\n\\t\\r\\\\\\u2028\\ue000\\U000e0001']" },
        { "{{ [nope] }}", "[Undefined]" },
        { "{{ {1: 2} }}", "{1: 2}" },
        { "{{ 1e16 }}", "1e+16" },
        { "{{ 123456789012345.6 }}", "123456789012345.6" },
        { "{{ 1e-4 }}", "0.0001" },
        { "{{ 0.00001 }}", "1e-05" },
        { "{{ 100.0 }}", "100.0" },
        { "{{ 1e100 }}", "1e+100" },
        { "{{ -2.5 }}", "-2.5" },
        { "{{ 1e999 }}", "inf" },
        { "{{ -1e999 }}", "-inf" },
        { "{{ 1e999 - 1e999 }}", "nan" },
    };

    [Theory, MemberData(nameof(Values))]
    public void Str_OfAValue_FollowsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));
}
