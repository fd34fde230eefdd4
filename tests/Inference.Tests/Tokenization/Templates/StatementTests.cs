namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Statements and their scopes; every expectation is what Jinja2 3.1 gives.</summary>
public sealed class StatementTests
{
    public static TheoryData<string, string> Conditions => new()
    {
        { "{% if x == 1 %}a{% elif x == 5 %}b{% else %}c{% endif %}", "b" },
        { "{% if x == 1 %}a{% elif x == 2 %}b{% else %}c{% endif %}", "c" },
        { "{% if nope %}a{% endif %}b", "b" },
        { "{% if l %}y{% endif %}{% if not d %}q{% else %}r{% endif %}", "yr" },
        { "{% if x %}{% if e %}a{% else %}b{% endif %}{% endif %}", "b" },
        { "{% if ms | selectattr('role', 'eq', 'zz') %}an iterator is always true{% endif %}", "an iterator is always true" },
        { "{% if true %}{% set w = 1 %}{% endif %}{{ w }}", "1" },
    };

    [Theory, MemberData(nameof(Conditions))]
    public void Render_If_TakesTheFirstTrueBranch(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Loops => new()
    {
        { "{% for i in l %}{{ i }},{% endfor %}", "3,1,2," },
        { "{% for i in [] %}x{% else %}empty{% endfor %}", "empty" },
        { "{% for i in nope %}x{% else %}empty{% endfor %}", "empty" },
        { "{% for c in 'aé😀' %}[{{ c }}]{% endfor %}", "[a][é][😀]" },
        { "{% for k in d %}{{ k }} {% endfor %}", "a b items " },
        { "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "a=1;b=[1, 2, {'c': None}];items=7;" },
        { "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123" },
        { "{% for (a, b) in [[1, 2]] %}{{ a }}{{ b }}{% endfor %}", "12" },
        { "{% for i in 1, 2 %}{{ i }}{% endfor %}", "12" },
        { "{% for i in range(3) %}{{ i }}{% endfor %}", "012" },
        { "{% for i in l if i > 1 %}{{ i }}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% else %}none{% endfor %}", "31/2False 22/2True " },
        { "{% for i in l if i > 9 %}x{% else %}none{% endfor %}", "none" },
        { "{% set g = ms | map(attribute='role') %}{% for a in g %}{{ a }} {% endfor %}|{% for a in g %}{{ a }}{% endfor %}", "user assistant user |" },
    };

    [Theory, MemberData(nameof(Loops))]
    public void Render_For_WalksItems(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> LoopVariables => new()
    {
        { "{% for i in l %}{{ loop.index }} {% endfor %}", "1 2 3 " },
        { "{% for i in l %}{{ loop.index0 }} {% endfor %}", "0 1 2 " },
        { "{% for i in l %}{{ loop.first }} {% endfor %}", "True False False " },
        { "{% for i in l %}{{ loop.last }} {% endfor %}", "False False True " },
        { "{% for i in l %}{{ loop.length }} {% endfor %}", "3 3 3 " },
        { "{% for i in l %}{{ loop.revindex }} {% endfor %}", "3 2 1 " },
        { "{% for i in l %}{{ loop.revindex0 }} {% endfor %}", "2 1 0 " },
        { "{% for i in l %}{{ loop.previtem }} {% endfor %}", " 3 1 " },
        { "{% for i in l %}{{ loop.nextitem }} {% endfor %}", "1 2  " },
        { "{% for i in l %}{{ loop.depth }} {% endfor %}", "1 1 1 " },
        { "{% for i in l %}{{ loop.depth0 }} {% endfor %}", "0 0 0 " },
        { "{% for i in l %}{{ loop.cycle('a', 'b') }} {% endfor %}", "a b a " },
        { "{% for i in l %}{{ loop.changed(i > 2) }} {% endfor %}", "True True False " },
        { "{% for i in l %}{% for j in 'ab' %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}", "121 122 123 " },
        { "{% for i in ms | map(attribute='k') %}{{ loop.length }}{{ loop.revindex }} {% endfor %}", "33 32 31 " },
        { "{% for i in 'ab' %}{% set outer = loop %}{% for j in 'cd' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}", "11 12 21 22 " },
        { "{% for i in ms | map(attribute='k') if i %}{{ loop.last }}{{ loop.nextitem }} {% endfor %}", "False2 True " },
    };

    [Theory, MemberData(nameof(LoopVariables))]
    public void Render_Loop_KnowsItsPasses(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Interruptions => new()
    {
        { "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}", "0134" },
        { "{% for i in l %}{% for j in l %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{{ loop.index }}{% endfor %}", "33 113 223 3" },
        { "{% for i in l %}{% break %}{% else %}no pass ended{% endfor %}", "no pass ended" },
        { "{% for i in l %}{% continue %}{% else %}no pass ended{% endfor %}", "no pass ended" },
        { "{% for i in l %}{% if loop.last %}{% break %}{% endif %}{% else %}x{% endfor %}", "" },
    };

    [Theory, MemberData(nameof(Interruptions))]
    public void Render_BreakAndContinue_LeaveThePass(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Assignments => new()
    {
        { "{% set y = 0 %}{% for i in l %}{% set y = y + i %}{{ y }} {% endfor %}{{ y }}", "3 1 2 0" },
        { "{% for i in [1, 2] %}{% if i == 1 %}{% set q = 1 %}{% endif %}[{{ q }}]{% endfor %}{{ q }}", "[1][]" },
        { "{% for x in l %}{{ x }}{% endfor %}{{ x }}", "3125" },
        { "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (a, b) = (b, a) %}{{ a }}{{ b }}", "1221" },
        { "{% set p = 1, 2 %}{{ p }}", "(1, 2)" },
        { "{% set z %}block {{ x }}{% set inner = 4 %}{% endset %}{{ z }}|{{ inner }}|{{ z is string }}", "block 5||True" },
        { "{% set ns = namespace(a=1, b='x') %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}", "7x" },
        { "{% set m = namespace({'z': 3}, y=4) %}{{ m.z }}{{ m['y'] }}", "34" },
        { "{% set nz = namespace(stop=false) %}{% for m in ms if not nz.stop %}{{ m.role }}{% set nz.stop = true %}{% endfor %}", "user" },
        { "{% set ns = namespace() %}{% set ns.t %}hi{% endset %}{{ ns.t }}", "hi" },
        { "{% generation %}gen{% set gg = 1 %}{% endgeneration %}{{ gg }}", "gen" },
    };

    [Theory, MemberData(nameof(Assignments))]
    public void Render_Set_StaysInItsScope(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Macros => new()
    {
        { "{% macro m(a, b='d', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}", "[1d1]" },
        { "{% macro m(a, b='d', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1, 2) }}", "[121]" },
        { "{% macro m(a, b='d', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(b=3, a=2) }}", "[232]" },
        { "{% macro m(a, b='d', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m() }}", "[d]" },
        { "{% macro m(a, b='d', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m('q') | upper }}", "[QDQ]" },
        { "{% macro m() %}{{ later }}{% endmacro %}{% set later = 'L' %}{{ m() }}", "L" },
        { "{% macro fact(k) %}{% if k > 1 %}{{ k * (fact(k - 1) | int) }}{% else %}1{% endif %}{% endmacro %}{{ fact(10) }}", "3628800" },
        { "{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "12" },
        { "{% macro m() %}{% set x = 9 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}", "95" },
        { "{% macro m(a) %}{% for i in a %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}{% endmacro %}{{ m(l) }}", "32" },
    };

    [Theory, MemberData(nameof(Macros))]
    public void Render_Macro_BindsArguments(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Functions => new()
    {
        { "{{ range(0, 10, 3) }}", "range(0, 10, 3)" },
        { "{{ range(3) | list }}", "[0, 1, 2]" },
        { "{{ range(1, 10, 3) | list }}", "[1, 4, 7]" },
        { "{{ range(5, 0, -2) | list }}", "[5, 3, 1]" },
        { "{{ range(0) | list }}", "[]" },
        { "{{ range(3) }}", "range(0, 3)" },
        { "{{ range(2, 8, 2) }}", "range(2, 8, 2)" },
        { "{{ range(1, 1) }}", "range(1, 1)" },
        { "{{ range(10) | length }}", "10" },
        { "{{ dict(a=1, b=2) }}", "{'a': 1, 'b': 2}" },
        { "{{ dict({'z': 1}, y=2) }}", "{'z': 1, 'y': 2}" },
        { "{{ strftime_now('%d %b %Y') }}", "05 Jan 2025" },
        { "{{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %a %j %y %I %p %f %-d %-m %e %F %T %%') }}", "2025-01-05 07:08:09 Sunday January Sun 005 25 07 AM 000000 5 1  5 2025-01-05 07:08:09 %" },
        { "{{ strftime_now('') }}", "" },
        { "{{ dict() }}", "{}" },
    };

    [Theory, MemberData(nameof(Functions))]
    public void Render_Function_GivesItsValue(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Faults => new()
    {
        { "{% for i in 5 %}{% endfor %}", "chat template: line 1: an integer cannot be iterated; a list, tuple, mapping or string can." },
        { "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "chat template: line 1: 3 values cannot be assigned to 2 names." },
        { "{% set d.a = 5 %}", "chat template: line 1: 'd.a' cannot be set, since 'd' is no namespace." },
        { "{% set nope.a = 5 %}", "chat template: line 1: 'nope.a' cannot be set, since 'nope' is no namespace." },
        { "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "chat template: line 1: m takes one argument (a); it was given 2 by position." },
        { "{% macro m() %}{% endmacro %}{{ m(1) }}", "chat template: line 1: m takes no arguments; it was given 1 by position." },
        { "{% macro m(a) %}{% endmacro %}{{ m(z=2) }}", "chat template: line 1: m has no argument 'z'; it takes one argument (a)." },
        { "{% macro m(a, b) %}{% endmacro %}{{ m(1, a=2) }}", "chat template: line 1: m was given the argument 'a' twice." },
        { "{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}", "chat template: line 1: the parameter 'a' was not given, so it has no 'x'." },
        { "{{ range(1, 2, 0) }}", "chat template: line 1: the step of 'range' must not be 0." },
        { "{{ range('a') }}", "chat template: line 1: 'range' takes integers; a string was found." },
        { "{{ range() }}", "chat template: line 1: range needs the argument 'start'." },
        { "{{ dict(1) }}", "chat template: line 1: 'dict' takes one mapping and named values." },
        { "{{ namespace({1: 2}) }}", "chat template: line 1: 'namespace' takes names as keys; an integer was found." },
        { "{{ raise_exception('bad ' ~ x) }}", "chat template: line 1: bad 5" },
        { "\n\n{% if x %}\n{{ raise_exception('roles must alternate') }}{% endif %}", "chat template: line 4: roles must alternate" },
        { "{{ strftime_now('%Q') }}", "chat template: line 1: 'strftime_now' cannot write '%Q'; supported are %a %A %b %B %d %e %f %H %I %j %m %M %p %S %y %Y %z %Z %F %T %%, and %-d and its like." },
        { "{% for i in l %}{{ loop.cycle() }}{% endfor %}", "chat template: line 1: loop.cycle needs at least one value, by position." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Render_Fault_IsNamed(string template, string message) => Assert.Equal(message, TemplateRunner.Fault(template));
}
