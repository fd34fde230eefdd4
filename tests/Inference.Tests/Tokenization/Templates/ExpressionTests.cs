namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Operators, literals and access; every expectation is what Jinja2 3.1 gives.</summary>
public sealed class ExpressionTests
{
    public static TheoryData<string, string> Literals => new()
    {
        { "{{ true }}", "True" },
        { "{{ True }}", "True" },
        { "{{ false }}", "False" },
        { "{{ none }}", "None" },
        { "{{ None }}", "None" },
        { "{{ 1_000 }}", "1000" },
        { "{{ 1e3 }}", "1000.0" },
        { "{{ 1.5e-3 }}", "0.0015" },
        { "{{ 1.0 }}", "1.0" },
        { "{{ 'a' 'b' }}", "ab" },
        { "{{ \"x\\u00e9\\x41\\101\\q\\'\\U0001F600\" }}", "xéAA\\q'😀" },
        { "{{ 'multi\nline' }}", "multi\nline" },
        { "{{ [1, 2,] }}", "[1, 2]" },
        { "{{ () }}", "()" },
        { "{{ (1,) }}", "(1,)" },
        { "{{ (1, 2) }}", "(1, 2)" },
        { "{{ {'a': 1,} }}", "{'a': 1}" },
        { "{{ {'x': [1, (2,)]} }}", "{'x': [1, (2,)]}" },
        { "{{ x, }}", "(5,)" },
        { "{{ 1, 2 }}", "(1, 2)" },
        { "{{ [] }}", "[]" },
        { "{{ {} }}", "{}" },
    };

    [Theory, MemberData(nameof(Literals))]
    public void Evaluate_Literal_GivesItsValue(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Arithmetic => new()
    {
        { "{{ 1 + 2 * 3 }}", "7" },
        { "{{ 7 // 2 }}", "3" },
        { "{{ -7 // 2 }}", "-4" },
        { "{{ -7 % 3 }}", "2" },
        { "{{ 7 % -3 }}", "-2" },
        { "{{ 7 / 2 }}", "3.5" },
        { "{{ 4 / 2 }}", "2.0" },
        { "{{ 2 ** -1 }}", "0.5" },
        { "{{ 7.5 // 2 }}", "3.0" },
        { "{{ -7.5 % 2 }}", "0.5" },
        { "{{ 2 ** 3 ** 2 }}", "64" },
        { "{{ -2 ** 2 }}", "4" },
        { "{{ 2 ** 100 }}", "1267650600228229401496703205376" },
        { "{{ big + 1 }}", "12345678901234567891" },
        { "{{ big * big }}", "152415787532388367501905199875019052100" },
        { "{{ big / 3 }}", "4.1152263004115226e+18" },
        { "{{ 0.1 + 0.2 }}", "0.30000000000000004" },
        { "{{ 1e308 * 10 }}", "inf" },
        { "{{ 3 * 1.0 }}", "3.0" },
        { "{{ true + 1 }}", "2" },
        { "{{ -x }}", "-5" },
        { "{{ +x }}", "5" },
        { "{{ --x }}", "5" },
        { "{{ -x|abs }}", "5" },
        { "{{ 'ab' * 3 }}", "ababab" },
        { "{{ 2 * 'ab' }}", "abab" },
        { "{{ 'ab' * -1 }}", "" },
        { "{{ [1] * 2 }}", "[1, 1]" },
        { "{{ [1] + [2] }}", "[1, 2]" },
        { "{{ (1,) + (2, 3) }}", "(1, 2, 3)" },
        { "{{ 'a' ~ none ~ nope ~ 1 }}", "aNone1" },
        { "{{ 5 * 'ab' | length }}", "10" },
        { "{{ 10 ** 400 > 10 ** 399 }}", "True" },
        { "{{ 0 ** 0 }}", "1" },
        { "{{ (-1) ** 5 }}", "-1" },
        { "{{ 1e16 // 3 }}", "3333333333333333.0" },
        { "{{ -1 // 1e300 }}", "-1.0" },
    };

    [Theory, MemberData(nameof(Arithmetic))]
    public void Evaluate_Arithmetic_FollowsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Comparisons => new()
    {
        { "{{ 1 < 2 }}", "True" },
        { "{{ 1 < 2 < 3 }}", "True" },
        { "{{ 1 < 3 < 2 }}", "False" },
        { "{{ 'a' < 'b' }}", "True" },
        { "{{ 'a' < 'ab' }}", "True" },
        { "{{ [1, 2] < [1, 3] }}", "True" },
        { "{{ 1 == 1.0 }}", "True" },
        { "{{ true == 1 }}", "True" },
        { "{{ '1' == 1 }}", "False" },
        { "{{ none == nope }}", "False" },
        { "{{ nope == nada }}", "True" },
        { "{{ 1 != 2 }}", "True" },
        { "{{ 2 >= 2 }}", "True" },
        { "{{ {'a': 1} == {'a': 1.0} }}", "True" },
        { "{{ [1] == (1,) }}", "False" },
        { "{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }}", "True" },
        { "{{ {1: 'x'}[1.0] }}", "x" },
        { "{{ {1: 'x'}[true] }}", "x" },
        { "{{ '\\uffff' < '\\U00010000' }}", "True" },
        { "{{ 1.5 > 1 }}", "True" },
    };

    [Theory, MemberData(nameof(Comparisons))]
    public void Evaluate_Comparison_FollowsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Membership => new()
    {
        { "{{ 'ell' in s }}", "True" },
        { "{{ 'z' not in s }}", "True" },
        { "{{ 3 in l }}", "True" },
        { "{{ 'a' in d }}", "True" },
        { "{{ 'a' in nope }}", "False" },
        { "{{ 1 in (1, 2) }}", "True" },
        { "{{ not 'a' in d }}", "False" },
        { "{{ '' in '' }}", "True" },
        { "{{ 2 in range(3) }}", "True" },
        { "{{ 'user' in ms | map(attribute='role') }}", "True" },
    };

    [Theory, MemberData(nameof(Membership))]
    public void Evaluate_In_LooksThroughTheContainer(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Logic => new()
    {
        { "{{ x and s }}", "Hello World" },
        { "{{ e or 'default' }}", "default" },
        { "{{ n and 1 }}", "None" },
        { "{{ not x }}", "False" },
        { "{{ nope or 'd' }}", "d" },
        { "{{ t and f }}", "1.5" },
        { "{{ not not x }}", "True" },
        { "{{ not nope is defined }}", "True" },
        { "{{ x is defined and s is string }}", "True" },
        { "{{ nope is defined or x }}", "5" },
        { "{{ 'yes' if x > 3 else 'no' }}", "yes" },
        { "{{ 'yes' if x > 9 }}", "" },
        { "{{ 'a' if false else 'b' if false else 'c' }}", "c" },
        { "{{ 'a' if nope else 'b' }}", "b" },
        { "{{ 1 if x else 2, 3 }}", "(1, 3)" },
        { "{{ e or n or 0 }}", "0" },
    };

    [Theory, MemberData(nameof(Logic))]
    public void Evaluate_Logic_GivesTheDecidingOperand(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Items => new()
    {
        { "{{ d.a }}", "1" },
        { "{{ d['a'] }}", "1" },
        { "{{ d.b[2].c }}", "None" },
        { "{{ d['items'] }}", "7" },
        { "{{ l[0] }}", "3" },
        { "{{ l[-1] }}", "2" },
        { "{{ l[9] }}", "" },
        { "{{ l.0 }}", "3" },
        { "{{ d.b.0 }}", "1" },
        { "{{ s[0] }}", "H" },
        { "{{ s[-1] }}", "d" },
        { "{{ uni[6] }}", "😀" },
        { "{{ nope }}", "" },
        { "{{ d.nope }}", "" },
        { "{{ d['nope'] }}", "" },
        { "{{ x.y }}", "" },
        { "{{ ms[0].content }}", "hi" },
        { "{{ ms[-1]['content'] }}", "Bye" },
        { "{{ {'a': {'b': 1}}['a']['b'] }}", "1" },
        { "{{ (1, 2)[1] }}", "2" },
        { "{{ range(3)[1] }}", "1" },
        { "{{ n.y }}", "" },
        { "{{ x.__class__ }}", "" },
    };

    [Theory, MemberData(nameof(Items))]
    public void Evaluate_Access_FindsEntriesAndMethods(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Slices => new()
    {
        { "{{ s[1:4] }}", "ell" },
        { "{{ s[::-1] }}", "dlroW olleH" },
        { "{{ s[-3:] }}", "rld" },
        { "{{ s[:-3] }}", "Hello Wo" },
        { "{{ s[::2] }}", "HloWrd" },
        { "{{ s[10:2:-3] }}", "doo" },
        { "{{ s[100:] }}", "" },
        { "{{ s[-100:3] }}", "Hel" },
        { "{{ s[3:-100:-1] }}", "lleH" },
        { "{{ s[5:1] }}", "" },
        { "{{ uni[5:8] }}", " 😀 " },
        { "{{ uni[::-1] }}", "'x' \"q\" 😀 olléh" },
        { "{{ uni[::2] }}", "hlo😀\"\"''" },
        { "{{ uni[::-2] }}", "''\"\"😀olh" },
        { "{{ uni[6:7] }}", "😀" },
        { "{{ uni[8:2:-3] }}", "\" " },
        { "{{ l[1:] }}", "[1, 2]" },
        { "{{ l[::-1] }}", "[2, 1, 3]" },
        { "{{ (1, 2, 3)[1:] }}", "(2, 3)" },
        { "{{ l[:] }}", "[3, 1, 2]" },
        { "{{ l[none:2] }}", "[3, 1]" },
        { "{{ range(5)[1:3] | list }}", "[1, 2]" },
    };

    [Theory, MemberData(nameof(Slices))]
    public void Evaluate_Slice_FollowsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Precedence => new()
    {
        { "{{ 'A' | lower ~ 'B' }}", "aB" },
        { "{{ 'x' | upper + 'y' | upper }}", "XY" },
        { "{{ 'a' ~ 'b' is string }}", "aTrue" },
        { "{{ x | string + 'a' }}", "5a" },
        { "{{ not 'a' == 'b' }}", "True" },
        { "{{ '1' + 2 ~ 3 }}", "123" },
        { "{{ 2 * 3 ~ 4 }}", "64" },
        { "{{ s.split(' ')[0].lower()[:3] ~ '!' }}", "hel!" },
        { "{{ x is not none }}", "True" },
        { "{{ ('a' | upper)[0] }}", "A" },
    };

    [Theory, MemberData(nameof(Precedence))]
    public void Evaluate_Mixed_BindsAsInJinja(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Faults => new()
    {
        { "{{ nope.x }}", "chat template: line 1: 'nope' is undefined, so it has no 'x'." },
        { "{{ d.nope.x }}", "chat template: line 1: a mapping has no 'nope', so it has no 'x'." },
        { "{{ nope[0] }}", "chat template: line 1: 'nope' is undefined, so it has no items." },
        { "{{ nope + 'a' }}", "chat template: line 1: 'nope' is undefined, so it cannot be used in an expression." },
        { "{{ 'a' + n }}", "chat template: line 1: a string cannot be combined by '+' with None." },
        { "{{ [1] + (2,) }}", "chat template: line 1: a list cannot be combined by '+' with a tuple." },
        { "{{ 1 / 0 }}", "chat template: line 1: division by zero." },
        { "{{ 1 % 0 }}", "chat template: line 1: division by zero." },
        { "{{ 1 // 0.0 }}", "chat template: line 1: division by zero." },
        { "{{ 0 ** -1 }}", "chat template: line 1: 0 cannot be raised to a negative power." },
        { "{{ (-8) ** 0.5 }}", "chat template: line 1: a negative number cannot be raised to a fractional power." },
        { "{{ 1 < 'a' }}", "chat template: line 1: an integer cannot be ordered against a string." },
        { "{{ nope > 1 }}", "chat template: line 1: 'nope' is undefined, so it cannot be used in an expression." },
        { "{{ 1 in s }}", "chat template: line 1: 'in' needs a string on its left where its right is one; an integer was found." },
        { "{{ 1 in x }}", "chat template: line 1: an integer cannot be iterated; a list, tuple, mapping or string can." },
        { "{{ -s }}", "chat template: line 1: '-' needs a number; a string was found." },
        { "{{ s[::0] }}", "chat template: line 1: the step of a slice must not be 0." },
        { "{{ x[1:2] }}", "chat template: line 1: an integer cannot be sliced; a string, list or tuple can." },
        { "{{ s['a':] }}", "chat template: line 1: the bounds of a slice must be integers; a string was found." },
        { "{{ nope() }}", "chat template: line 1: 'nope' is undefined, so it cannot be called." },
        { "{{ s() }}", "chat template: line 1: a string cannot be called." },
        { "{{ s.nomethod() }}", "chat template: line 1: a string has no 'nomethod', so it cannot be called." },
        { "{{ {l: 1} }}", "chat template: line 1: a mapping's key must be a string, number, boolean or None; a list was found." },
        { "{{ '%s' % x }}", "chat template: line 1: formatting with 'text % value' is not supported; join the pieces with '~'." },
        { "a\n\n{{ 1 /\n 0 }}", "chat template: line 3: division by zero." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Render_Fault_IsNamed(string template, string message) => Assert.Equal(message, TemplateRunner.Fault(template));
}
