using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Damaged templates render or end in the template's own exception, nothing else.</summary>
public sealed class HostileTemplateTests
{
    private const int Mutants = 4000;

    // What a mutation inserts: every kind of tag, bracket and operator, and words with a meaning.
    private static readonly string[] Pieces =
    [
        "{%", "%}", "{{", "}}", "{#", "#}", "{%-", "-%}", "+%}", "'", "\"", "\\", "(", ")", "[", "]", "{", "}", "|", ".", ",", ":", "=", "==", "<", "*", "**", "//", "%", "~",
        " if ", " else ", " in ", " not ", " is ", " and ", " for ", " endfor ", " endif ", " set ", " endset ", " macro ", " endmacro ", " raw ", " endraw ", " break ", " loop",
        "0", "1", "-1", "9999999999", "1e308", "none", "true", "messages", "range(9)", "ns", ".items()", "|tojson", "|join", "|list", "|map('upper')", "|sort", ".split()", "[::-1]", "\n", "\ud800", "\0", "é",
    ];

    private static readonly string[] Own =
    [
        "{% macro m(a, b='x', c=a) %}{{ a ~ b ~ c }}{% if a %}{{ m('', b) }}{% endif %}{% endmacro %}{{ m('q', b=1) }}{% for i in range(5) if i % 2 %}{{ loop.index }}{{ loop.nextitem }}{% endfor %}",
        "{% set ns = namespace(n=1, s='') %}{% for m in messages %}{% set ns.n = ns.n * 2 + m.content | length %}{% set ns.s = ns.s ~ m.role %}{% endfor %}{{ ns.n }}{{ ns.s[::-1] }}",
        "{{ messages | selectattr('role', 'eq', 'user') | map(attribute='content') | map('upper') | join(', ') }}{{ messages | tojson(indent=2) }}{{ {'a': [1, 2.5, none], 'b': {}} | tojson }}",
        "{% for k, v in {'a': 1, 'b': (1, 2)}.items() %}{{ k }}={{ v }}{% if loop.last %}{% break %}{% else %}{% continue %}{% endif %}{% else %}none{% endfor %}{# note #}{% raw %}{{ x }}{% endraw %}",
        "{% set t %}  {{ '%d' ~ 7 // 2 ** 2 - -3 }}  {% endset %}{{ t | trim | replace('d', 'e') | indent(2, true) }}{{ 'a,b'.split(',', 1)[-1].title().strip('B') }}{{ x is defined and x is not none or 'z' in 'xyz' }}",
        "{% if messages[0]['role'] == 'system' %}{% set s = messages[0].content %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{{ m.content if m.content is string else m.content | string }}{% endfor %}{{ strftime_now('%Y') | int > 2000 }}",
        "{{ [3, 1, 2] | sort(reverse=true) | first }}{{ ['b', 'A'] | sort | last }}{{ 'x' * 3 + 'y' }}{{ [1] * 2 + [3] }}{{ 1.5 | round | int }}{{ '{\"a\": [1]}' | from_json }}{{ {'b': 1} | dictsort }}{{ [1, 1] | unique | list | length }}",
    ];

    [Fact]
    public void ParseAndRender_MutatedTemplates_RenderOrThrowTheirOwnException()
    {
        var random = new Random(20250120);
        string[] seeds = [.. Own, ChatTemplateFixtures.Nano().Templates["v3"]];
        ChatMessage[] messages = [ChatMessage.System("Be brief."), ChatMessage.User("1+1?"), ChatMessage.Assistant("<think>\nhm\n</think>\n\n2"), ChatMessage.User("bye")];
        var (rendered, refused) = (0, 0);

        for (var i = 0; i < Mutants; i++)
        {
            var source = Mutate(seeds[i % seeds.Length], random);
            try
            {
                ChatTemplate.Parse(source).Render(messages, new ChatTemplateOptions { BeginToken = "<s>" });
                rendered++;
            }
            catch (ChatTemplateException fault)
            {
                Assert.InRange(fault.Line, 1, source.Length + 1);
                refused++;
            }
        }

        // Mutations neither all fail early nor all miss.
        Assert.InRange(rendered, Mutants / 20, Mutants);
        Assert.InRange(refused, Mutants / 4, Mutants);
    }

    private static string Mutate(string source, Random random)
    {
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(source.Length + 1);
            var length = random.Next(Math.Min(12, source.Length - at) + 1);
            source = random.Next(5) switch
            {
                0 => source.Remove(at, length),
                1 => source.Insert(at, Pieces[random.Next(Pieces.Length)]),
                2 => source.Remove(at, length).Insert(at, Pieces[random.Next(Pieces.Length)]),
                3 => source.Insert(random.Next(source.Length + 1), source.Substring(at, length)),
                _ => string.Concat(source.AsSpan(0, at), ((char)random.Next(1, 0x250)).ToString(), source.AsSpan(at)),
            };
        }

        return source;
    }
}
