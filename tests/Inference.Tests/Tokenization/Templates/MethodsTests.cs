namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Methods of strings, mappings and lists; every expectation is what CPython gives.</summary>
public sealed class MethodsTests
{
    public static TheoryData<string, string> Strings => new()
    {
        { "{{ 'a,b,,c'.split(',') }}", "['a', 'b', '', 'c']" },
        { "{{ 'a,b,c'.split(',', 1) }}", "['a', 'b,c']" },
        { "{{ 'a,b,c'.rsplit(',', 1) }}", "['a,b', 'c']" },
        { "{{ 'aXbXc'.rsplit('X') }}", "['a', 'b', 'c']" },
        { "{{ ' a  b c '.split() }}", "['a', 'b', 'c']" },
        { "{{ ' a  b c '.split(none, 1) }}", "['a', 'b c ']" },
        { "{{ ' a  b c '.rsplit(none, 1) }}", "[' a  b', 'c']" },
        { "{{ ' a b '.split(none, 0) }}", "['a b ']" },
        { "{{ 'a b'.split(maxsplit=0) }}", "['a b']" },
        { "{{ ''.split() }}", "[]" },
        { "{{ ''.split(',') }}", "['']" },
        { "{{ ' x '.rsplit() }}", "['x']" },
        { "{{ 'a</think>b</think>c'.split('</think>')[-1] }}", "c" },
        { "{{ ' x '.strip() }}", "x" },
        { "{{ 'xax'.strip('x') }}", "a" },
        { "{{ 'abcba'.strip('ab') }}", "c" },
        { "{{ '  a '.lstrip() }}", "a " },
        { "{{ ' a  '.rstrip() ~ '|' }}", " a|" },
        { "{{ '\\x1c a \\x1f'.strip() }}", "a" },
        { "{{ s.startswith('Hell') }}", "True" },
        { "{{ s.startswith('x') }}", "False" },
        { "{{ s.endswith(('x', 'ld')) }}", "True" },
        { "{{ s.upper() }}", "HELLO WORLD" },
        { "{{ s.lower() }}", "hello world" },
        { "{{ \"they're bill's\".title() }}", "They'Re Bill'S" },
        { "{{ s.capitalize() }}", "Hello world" },
        { "{{ s.replace('l', 'L') }}", "HeLLo WorLd" },
        { "{{ s.replace('l', 'L', 1) }}", "HeLlo World" },
        { "{{ 'ab'.replace('', '-') }}", "-a-b-" },
        { "{{ 'ab'.replace('', '-', 2) }}", "-a-b" },
        { "{{ s.find('o') }}", "4" },
        { "{{ s.rfind('o') }}", "7" },
        { "{{ s.find('zz') }}", "-1" },
        { "{{ uni.find('\"') }}", "8" },
        { "{{ s.count('l') }}", "3" },
        { "{{ s.count('') }}", "12" },
        { "{{ '-'.join(['a', 'b']) }}", "a-b" },
        { "{{ '-'.join('ab') }}", "a-b" },
        { "{{ 'a\\nb\\r\\nc\\n'.splitlines() }}", "['a', 'b', 'c']" },
        { "{{ 'a\\nb'.splitlines(true) }}", "['a\\n', 'b']" },
        { "{{ 'a\\u2028b\\x85c'.splitlines() }}", "['a', 'b', 'c']" },
        { "{{ ''.splitlines() }}", "[]" },
        { "{{ '12'.isdigit() }}", "True" },
        { "{{ ''.isdigit() }}", "False" },
        { "{{ 'a1'.isalnum() }}", "True" },
        { "{{ 'ab'.isalpha() }}", "True" },
        { "{{ ' '.isspace() }}", "True" },
        { "{{ 'AB'.isupper() }}", "True" },
        { "{{ '1'.isupper() }}", "False" },
        { "{{ 'a'.islower() }}", "True" },
        { "{{ 'a-b-c'.partition('-') }}", "('a', '-', 'b-c')" },
        { "{{ 'a-b-c'.rpartition('-') }}", "('a-b', '-', 'c')" },
        { "{{ 'abc'.partition('x') }}", "('abc', '', '')" },
        { "{{ 'abc'.rpartition('x') }}", "('', '', 'abc')" },
        { "{{ 'abc'.removeprefix('a') }}", "bc" },
        { "{{ 'abc'.removeprefix('b') }}", "abc" },
        { "{{ 'abc'.removesuffix('c') }}", "ab" },
        { "{{ 'abc'.removesuffix('b') }}", "abc" },
    };

    [Theory, MemberData(nameof(Strings))]
    public void Call_StringMethod_FollowsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Collections => new()
    {
        { "{{ d.get('a') }}", "1" },
        { "{{ d.get('z') }}", "None" },
        { "{{ d.get('z', 'dd') }}", "dd" },
        { "{{ d.copy() }}", "{'a': 1, 'b': [1, 2, {'c': None}], 'items': 7}" },
        { "{{ d.items() | list }}", "[('a', 1), ('b', [1, 2, {'c': None}]), ('items', 7)]" },
        { "{{ d.keys() | list }}", "['a', 'b', 'items']" },
        { "{{ d.values() | list }}", "[1, [1, 2, {'c': None}], 7]" },
        { "{{ d.items() }}", "dict_items([('a', 1), ('b', [1, 2, {'c': None}]), ('items', 7)])" },
        { "{{ d.keys() }}", "dict_keys(['a', 'b', 'items'])" },
        { "{{ d.values() }}", "dict_values([1, [1, 2, {'c': None}], 7])" },
        { "{{ d.items() | length }}", "3" },
        { "{{ l.count(3) }}", "1" },
        { "{{ l.count(9) }}", "0" },
        { "{{ l.index(1) }}", "1" },
        { "{{ l.copy() }}", "[3, 1, 2]" },
        { "{{ (1, 2).index(2) }}", "1" },
        { "{{ (1, 1).count(1) }}", "2" },
    };

    [Theory, MemberData(nameof(Collections))]
    public void Call_CollectionMethod_FollowsPython(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Faults => new()
    {
        { "{{ l.append(4) }}", "chat template: line 1: the method 'append' would change a list, which templates may not (Transformers refuses it too); assign a new one, as in {% set x = x + [y] %}." },
        { "{{ d.update({'z': 1}) }}", "chat template: line 1: the method 'update' would change a mapping, which templates may not (Transformers refuses it too); assign a new one, as in {% set x = x + [y] %}." },
        { "{{ 'abc'.split('') }}", "chat template: line 1: the separator of 'split' must not be empty." },
        { "{{ 'abc'.partition('') }}", "chat template: line 1: the separator of 'partition' must not be empty." },
        { "{{ '-'.join([1]) }}", "chat template: line 1: the method 'join' takes strings; an integer was found. The filter 'join' converts." },
        { "{{ s.find(1) }}", "chat template: line 1: the method 'find' takes a string as argument 1; an integer was found." },
        { "{{ s.split(',', 'a') }}", "chat template: line 1: the argument 'maxsplit' must be an integer; a string was found." },
        { "{{ l.index(9) }}", "chat template: line 1: the method 'index' found no equal item." },
        { "{{ '{}'.format(1) }}", "chat template: line 1: the method 'format' is not supported; join the pieces with '~'." },
        { "{{ s.upper(1) }}", "chat template: line 1: upper takes no arguments; it was given 1 by position." },
        { "{{ d.get() }}", "chat template: line 1: get needs the argument 'key'." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Render_Fault_IsNamed(string template, string message) => Assert.Equal(message, TemplateRunner.Fault(template));
}
