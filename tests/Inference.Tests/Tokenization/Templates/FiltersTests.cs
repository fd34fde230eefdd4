namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Filters; every expectation is what Jinja2 3.1 with Transformers' <c>tojson</c> gives.</summary>
public sealed class FiltersTests
{
    public static TheoryData<string, string> Texts => new()
    {
        { "{{ s | upper }}", "HELLO WORLD" },
        { "{{ s | lower }}", "hello world" },
        { "{{ 'hello-world foo(bar) it\\'s' | title }}", "Hello-World Foo(Bar) It's" },
        { "{{ 'hELLO wORLD' | capitalize }}", "Hello world" },
        { "{{ '' | capitalize }}", "" },
        { "{{ '  x ' | trim }}", "x" },
        { "{{ 'xxaxx' | trim('x') }}", "a" },
        { "{{ '😀a😀' | trim('😁') }}", "😀a😀" },
        { "{{ 'x' | safe }}", "x" },
        { "{{ x | string }}", "5" },
        { "{{ n | upper }}", "NONE" },
        { "{{ nope | upper }}", "" },
        { "{{ nope | trim }}", "" },
        { "{{ n | trim }}", "None" },
        { "{{ l | join }}", "312" },
        { "{{ l | join(', ') }}", "3, 1, 2" },
        { "{{ ms | join(',', attribute='role') }}", "user,assistant,user" },
        { "{{ d | join('-') }}", "a-b-items" },
        { "{{ 'abc' | join('.') }}", "a.b.c" },
        { "{{ [none, true, 1.5] | join(' ') }}", "None True 1.5" },
        { "{{ nope | join }}", "" },
        { "{{ s | replace('o', '0') }}", "Hell0 W0rld" },
        { "{{ s | replace('o', '0', 1) }}", "Hell0 World" },
        { "{{ 'ab' | replace('', '-') }}", "-a-b-" },
        { "{{ 'aaa' | replace('a', 'b', count=2) }}", "bba" },
        { "{{ n | replace('o', '0') }}", "N0ne" },
        { "{{ 'a\\nb\\n\\nc' | indent }}", "a\n    b\n\n    c" },
        { "{{ 'a\\nb' | indent(2, true) }}", "  a\n  b" },
        { "{{ 'a\\n\\nb' | indent(2, blank=true) }}", "a\n  \n  b" },
        { "{{ 'a\\nb\\n' | indent('--') }}", "a\n--b\n" },
        { "{{ '' | indent }}", "" },
    };

    [Theory, MemberData(nameof(Texts))]
    public void Apply_TextFilter_Converts(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> NumberCases => new()
    {
        { "{{ '42' | int }}", "42" },
        { "{{ ' 42 ' | int + 1 }}", "43" },
        { "{{ 'x' | int }}", "0" },
        { "{{ 'x' | int(7) }}", "7" },
        { "{{ '3.9' | int }}", "3" },
        { "{{ 3.9 | int }}", "3" },
        { "{{ -3.9 | int }}", "-3" },
        { "{{ none | int }}", "0" },
        { "{{ true | int }}", "1" },
        { "{{ '1_000' | int }}", "1000" },
        { "{{ '_1' | int }}", "0" },
        { "{{ '-5' | int }}", "-5" },
        { "{{ '1e3' | int }}", "1000" },
        { "{{ '1.5' | float }}", "1.5" },
        { "{{ 'z' | float }}", "0.0" },
        { "{{ 'z' | float(2.5) }}", "2.5" },
        { "{{ x | float }}", "5.0" },
        { "{{ -3 | abs }}", "3" },
        { "{{ -1.5 | abs }}", "1.5" },
        { "{{ 1.5 | round }}", "2.0" },
        { "{{ 2.5 | round }}", "2.0" },
        { "{{ 1.256 | round(2) }}", "1.26" },
        { "{{ 1.2 | round(0, 'ceil') }}", "2.0" },
        { "{{ 1.256 | round(2, 'floor') }}", "1.25" },
        { "{{ 7 | round }}", "7" },
        { "{{ l | length }}", "3" },
        { "{{ d | length }}", "3" },
        { "{{ s | count }}", "11" },
        { "{{ nope | length }}", "0" },
        { "{{ uni | length }}", "15" },
        { "{{ range(4) | length }}", "4" },
    };

    [Theory, MemberData(nameof(NumberCases))]
    public void Apply_NumberFilter_Converts(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> SequenceCases => new()
    {
        { "{{ nope | default('a') }}", "a" },
        { "{{ e | default('b') }}", "" },
        { "{{ e | default('c', true) }}", "c" },
        { "{{ e | d('c', boolean=true) }}", "c" },
        { "{{ none | default('x') }}", "None" },
        { "{{ nope | default }}", "" },
        { "{{ l | first }}", "3" },
        { "{{ l | last }}", "2" },
        { "{{ [] | first }}", "" },
        { "{{ s | first }}", "H" },
        { "{{ s | last }}", "d" },
        { "{{ d | first }}", "a" },
        { "{{ l | list }}", "[3, 1, 2]" },
        { "{{ 'ab' | list }}", "['a', 'b']" },
        { "{{ d | list }}", "['a', 'b', 'items']" },
        { "{{ nope | list }}", "[]" },
        { "{{ d | items | list }}", "[('a', 1), ('b', [1, 2, {'c': None}]), ('items', 7)]" },
        { "{{ nope | items | list }}", "[]" },
        { "{{ l | reverse | list }}", "[2, 1, 3]" },
        { "{{ s | reverse }}", "dlroW olleH" },
        { "{{ uni | reverse }}", "'x' \"q\" 😀 olléh" },
        { "{{ uni | last }}", "'" },
        { "{{ 'a😀' | last }}", "😀" },
        { "{{ '😀a😀' | reverse }}", "😀a😀" },
        { "{{ l | sort }}", "[1, 2, 3]" },
        { "{{ l | sort(reverse=true) }}", "[3, 2, 1]" },
        { "{{ ['b', 'A', 'c'] | sort }}", "['A', 'b', 'c']" },
        { "{{ ['b', 'A', 'c'] | sort(case_sensitive=true) }}", "['A', 'b', 'c']" },
        { "{{ ms | sort(attribute='role') | map(attribute='content') | list }}", "['yo', 'hi', 'Bye']" },
        { "{{ ms | sort(attribute='role', reverse=true) | map(attribute='content') | list }}", "['hi', 'Bye', 'yo']" },
        { "{{ {'b': 1, 'a': 2} | dictsort }}", "[('a', 2), ('b', 1)]" },
        { "{{ {'b': 1, 'a': 2} | dictsort(by='value') }}", "[('b', 1), ('a', 2)]" },
        { "{{ {'b': 1, 'a': 2} | dictsort(reverse=true) }}", "[('b', 1), ('a', 2)]" },
        { "{{ [1, 1.0, 2] | unique | list }}", "[1, 2]" },
        { "{{ ['a', 'A'] | unique | list }}", "['a']" },
        { "{{ ['a', 'A'] | unique(true) | list }}", "['a', 'A']" },
        { "{{ l | sum }}", "6" },
        { "{{ l | sum(start=10) }}", "16" },
        { "{{ [{'p': 2}, {'p': 3}] | sum(attribute='p') }}", "5" },
        { "{{ l | max }}", "3" },
        { "{{ l | min }}", "1" },
        { "{{ ['a', 'B'] | max }}", "B" },
        { "{{ [] | min }}", "" },
    };

    [Theory, MemberData(nameof(SequenceCases))]
    public void Apply_SequenceFilter_GivesItems(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> SelectionCases => new()
    {
        { "{{ ms | map(attribute='role') | list }}", "['user', 'assistant', 'user']" },
        { "{{ ms | map(attribute='zz', default='q') | list }}", "['q', 'q', 'q']" },
        { "{{ ms | map(attribute='zz') | list }}", "[Undefined, Undefined, Undefined]" },
        { "{{ l | map('string') | list }}", "['3', '1', '2']" },
        { "{{ ['a', 'b'] | map('upper') | join }}", "AB" },
        { "{{ ['ab'] | map('replace', 'a', 'z') | list }}", "['zb']" },
        { "{{ [[1, 2], [3]] | map('first') | list }}", "[1, 3]" },
        { "{{ [[1, 2], [3, 4]] | map(attribute=1) | list }}", "[2, 4]" },
        { "{{ [[1, 2]] | map(attribute='0') | list }}", "[1]" },
        { "{{ [{'a': {'b': 3}}] | map(attribute='a.b') | list }}", "[3]" },
        { "{{ ms | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(',') }}", "hi,Bye" },
        { "{{ ms | rejectattr('role', '==', 'user') | list | length }}", "1" },
        { "{{ ms | selectattr('k') | list | length }}", "2" },
        { "{{ ms | rejectattr('k') | list | length }}", "1" },
        { "{{ ms | selectattr('k', 'none') | list | length }}", "1" },
        { "{{ [{'a': {'b': 3}}] | selectattr('a.b', 'eq', 3) | list }}", "[{'a': {'b': 3}}]" },
        { "{{ [1, 2, 3, 4] | select('even') | list }}", "[2, 4]" },
        { "{{ [1, 0, 2] | select | list }}", "[1, 2]" },
        { "{{ [1, 2, 3] | reject('in', [2]) | list }}", "[1, 3]" },
        { "{{ [1, 0] | reject | list }}", "[0]" },
        { "{{ [1, 2, 3] | select('>', 1) | list }}", "[2, 3]" },
    };

    [Theory, MemberData(nameof(SelectionCases))]
    public void Apply_SelectionFilter_GivesMatches(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> JsonCases => new()
    {
        { "{{ d | tojson }}", "{\"a\": 1, \"b\": [1, 2, {\"c\": null}], \"items\": 7}" },
        { "{{ l | tojson(indent=2) }}", "[\n  3,\n  1,\n  2\n]" },
        { "{{ d | tojson(indent=4) }}", "{\n    \"a\": 1,\n    \"b\": [\n        1,\n        2,\n        {\n            \"c\": null\n        }\n    ],\n    \"items\": 7\n}" },
        { "{{ uni | tojson }}", "\"héllo 😀 \\\"q\\\" 'x'\"" },
        { "{{ uni | tojson(ensure_ascii=true) }}", "\"h\\u00e9llo \\ud83d\\ude00 \\\"q\\\" 'x'\"" },
        { "{{ fl | tojson }}", "[1e+16, 1e-05, 0.1, 1e+22, 123456789.125, 1.0, 1000000000000000.0, -0.0, 5e-324, 1.7976931348623157e+308]" },
        { "{{ {} | tojson(indent=2) }}", "{}" },
        { "{{ [[]] | tojson(indent=1) }}", "[\n []\n]" },
        { "{{ d | tojson(separators=(',', ':')) }}", "{\"a\":1,\"b\":[1,2,{\"c\":null}],\"items\":7}" },
        { "{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}", "{\"a\": 2, \"b\": 1}" },
        { "{{ (1, 2) | tojson }}", "[1, 2]" },
        { "{{ d.b | tojson(indent=0) }}", "[\n1,\n2,\n{\n\"c\": null\n}\n]" },
        { "{{ [1] | tojson(indent='\\t') }}", "[\n\t1\n]" },
        { "{{ d | tojson(indent=none) }}", "{\"a\": 1, \"b\": [1, 2, {\"c\": null}], \"items\": 7}" },
        { "{{ '\\n\\t\\r\\b\\f\\x01\\x7f\\\\\"/<&' | tojson }}", "\"\\n\\t\\r\\b\\f\\u0001\u007f\\\\\\\"/<&\"" },
        { "{{ {1: 2, none: 4, 1.5: 5, false: 6} | tojson }}", "{\"1\": 2, \"null\": 4, \"1.5\": 5, \"false\": 6}" },
        { "{{ true | tojson }}", "true" },
        { "{{ 1e999 | tojson }}", "Infinity" },
        { "{{ '{\"a\": [1, 2.0, null, true]}' | from_json }}", "{'a': [1, 2.0, None, True]}" },
        { "{{ ('[1, 2]' | from_json)[1] }}", "2" },
    };

    [Theory, MemberData(nameof(JsonCases))]
    public void Apply_JsonFilter_WritesAsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    [Fact]
    public void ToJson_OfAnIterator_WritesAList() => Assert.Equal("[\"user\", \"assistant\", \"user\"]", TemplateRunner.Render("{{ ms | map(attribute='role') | tojson }}"));

    [Theory]
    [InlineData("{% if false %}{{ x | nofilter }}{% endif %}ok")]
    [InlineData("{{ (x | nofilter) if false else 'ok' }}")]
    [InlineData("{% if true %}ok{% elif x is notest %}{% endif %}")]
    public void Render_UnknownNameNeverReached_IsNoFault(string template) => Assert.Equal("ok", TemplateRunner.Render(template));

    [Theory]
    [InlineData("{{ x | nofilter }}", "the filter 'nofilter' is not supported; supported are abs, capitalize, count, d, default, ")]
    [InlineData("{% if x %}{{ x | nofilter }}{% endif %}", "the filter 'nofilter' is not supported; supported are abs, capitalize, ")]
    [InlineData("{{ x is notest }}", "the test 'notest' is not supported; supported are boolean, callable, defined, ")]
    [InlineData("{{ l | map('nofilter') | list }}", "the filter 'nofilter' is not supported; supported are ")]
    [InlineData("{{ l | select('notest') | list }}", "the test 'notest' is not supported; supported are ")]
    [InlineData("{{ '{bad' | from_json }}", "the filter 'from_json' found no valid JSON: ")]
    public void Render_UnknownNameOrBadJson_SaysWhatIsSupported(string template, string start) =>
        Assert.StartsWith($"chat template: line 1: {start}", TemplateRunner.Fault(template), StringComparison.Ordinal);

    public static TheoryData<string, string> Faults => new()
    {
        { "{{ x | length }}", "chat template: line 1: an integer has no length; a string, list, tuple or mapping has." },
        { "{{ (ms | map(attribute='role')) | length }}", "chat template: line 1: an iterator has no length; a string, list, tuple or mapping has, so apply the filter 'list' first." },
        { "{{ ms | map(attribute='role') | last }}", "chat template: line 1: an iterator has no last item; apply the filter 'list' first." },
        { "{{ nope | tojson }}", "chat template: line 1: the filter 'tojson' cannot write an undefined value: 'nope' is undefined." },
        { "{{ d.items() | tojson }}", "chat template: line 1: the filter 'tojson' cannot write a view of a mapping." },
        { "{{ d | tojson(separators=1) }}", "chat template: line 1: the argument 'separators' of 'tojson' must be two strings, such as (',', ':')." },
        { "{{ x | from_json }}", "chat template: line 1: the filter 'from_json' takes a string; an integer was found." },
        { "{{ s | abs }}", "chat template: line 1: the filter 'abs' takes a number; a string was found." },
        { "{{ nope | int }}", "chat template: line 1: 'nope' is undefined, so the filter 'int' cannot convert it." },
        { "{{ s | round }}", "chat template: line 1: the filter 'round' takes a number; a string was found." },
        { "{{ 1.5 | round(99) }}", "chat template: line 1: the argument 'precision' is 99; it must be 0 to 15." },
        { "{{ 1.5 | round(1, 'up') }}", "chat template: line 1: the argument 'method' is 'up'; it must be common, ceil or floor." },
        { "{{ l | dictsort }}", "chat template: line 1: the filter 'dictsort' takes a mapping; a list was found." },
        { "{{ d | dictsort(by='z') }}", "chat template: line 1: the argument 'by' is 'z'; it must be key or value." },
        { "{{ l | items | list }}", "chat template: line 1: the filter 'items' takes a mapping; a list was found." },
        { "{{ [1, 'a'] | sort }}", "chat template: line 1: a string cannot be ordered against an integer." },
        { "{{ [[1]] | unique | list }}", "chat template: line 1: the filter 'unique' takes strings and numbers; a list was found." },
        { "{{ l | map }}", "chat template: line 1: the filter 'map' needs the name of a filter, or the argument 'attribute'." },
        { "{{ l | select(1) }}", "chat template: line 1: the filter 'select' takes the name of a test as a string; an integer was found." },
        { "{{ ms | selectattr }}", "chat template: line 1: the filter 'selectattr' needs the name of an attribute first." },
        { "{{ s | upper(1) }}", "chat template: line 1: the filter 'upper' takes no arguments; it was given 1 by position." },
        { "{{ s | replace('a') }}", "chat template: line 1: the filter 'replace' needs the argument 'new'." },
        { "{{ s | trim(a=1) }}", "chat template: line 1: the filter 'trim' has no argument 'a'; it takes one argument (chars)." },
        { "{{ s | replace('a', 'b', 'c') }}", "chat template: line 1: the argument 'count' must be an integer; a string was found." },
        { "{{ l | indent }}", "chat template: line 1: the filter 'indent' takes a string; a list was found." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Render_Fault_IsNamed(string template, string message) => Assert.Equal(message, TemplateRunner.Fault(template));
}
