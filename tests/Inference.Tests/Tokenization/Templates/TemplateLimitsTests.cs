using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;
using Deepseek.Inference.Tokenization.Templates;

namespace Deepseek.Inference.Tests.Tokenization.Templates;

public sealed class TemplateLimitsTests
{
    [Fact]
    public void Parse_TooLongSource_NamesTheLimit()
    {
        var source = new string('a', TemplateLimits.SourceCharacters + 1);

        var fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source));

        Assert.Equal($"chat template: line 1: the template has {source.Length} characters; the limit is {TemplateLimits.SourceCharacters}.", fault.Message);
    }

    [Fact]
    public void Render_SourceAtTheLimit_Works()
    {
        var source = new string('a', TemplateLimits.SourceCharacters);

        Assert.Equal(source, TemplateRunner.Render(source));
    }

    public static TheoryData<string, string> Nestings => new()
    {
        { "{{ ", "(" },
        { "{{ ", "[" },
        { "{{ ", "{1:" },
        { "{{ ", "not " },
        { "{{ ", "-" },
        { "{{ x", "[x" },
        { "{{ x", "(x" },
        { "{{ ", "1 if 1 else " },
        { "", "{% if x %}" },
        { "", "{% for i in x %}" },
        { "", "{% set x %}" },
        { "", "{% macro m() %}" },
        { "{% set ", "(" },
    };

    [Theory, MemberData(nameof(Nestings))]
    public void Parse_DeepNesting_NamesTheLimitInsteadOfOverflowing(string start, string level)
    {
        var source = start + string.Concat(Enumerable.Repeat(level, 50_000));

        var fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source));

        // Unclosed brackets are found first by the lexer, which needs no stack.
        Assert.True(fault.Message.Contains("deeper within one another than the limit of 64 levels", StringComparison.Ordinal)
            || fault.Message.Contains("not closed", StringComparison.Ordinal), fault.Message);
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "1", "]")]
    [InlineData("{1:", "1", "}")]
    [InlineData("x[", "1", "]")]
    [InlineData("x(", "1", ")")]
    [InlineData("not ", "1", "")]
    [InlineData("- ", "1", "")]
    [InlineData("1 if 1 else ", "1", "")]
    public void Parse_DeepExpression_NamesTheLimit(string open, string inner, string close)
    {
        var source = "{{ " + string.Concat(Enumerable.Repeat(open, 20_000)) + inner + string.Concat(Enumerable.Repeat(close, 20_000)) + " }}";

        var fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source));

        Assert.Equal("chat template: line 1: brackets, operators and blocks lie deeper within one another than the limit of 64 levels.", fault.Message);
    }

    [Fact]
    public void Parse_NestingBelowTheLimit_Works()
    {
        var levels = TemplateLimits.ParseDepth - 4;

        Assert.Equal("1", TemplateRunner.Render("{{ " + new string('(', levels) + "1" + new string(')', levels) + " }}"));
    }

    [Theory]
    [InlineData("1", " + 1", 20_000)]
    [InlineData("'a'", " ~ 'a'", 20_000)]
    [InlineData("x", " or x", 20_000)]
    [InlineData("x", "|string", 20_000)]
    [InlineData("d", ".a", 20_000)]
    [InlineData("x", " if x", 20_000)]
    public void Render_LongChain_NamesTheLimitInsteadOfOverflowing(string first, string next, int count)
    {
        var template = "{{ " + first + string.Concat(Enumerable.Repeat(next, count)) + " }}";

        Assert.Equal($"expressions and macro calls lie deeper within one another than the limit of {TemplateLimits.EvaluationDepth} levels.", Reason(template));
    }

    [Fact]
    public void Render_ChainOfSomeHundreds_Works() =>
        Assert.Equal("500", TemplateRunner.Render("{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 499)) + " }}"));

    [Theory]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "expressions and macro calls lie deeper within one another than the limit of 800 levels.")]
    [InlineData("{% macro m(a=m()) %}{% endmacro %}{{ m() }}", "expressions and macro calls lie deeper within one another than the limit of 800 levels.")]
    [InlineData("{{ range(100001) }}", "'range' would give 100001 numbers; the limit is 100000.")]
    [InlineData("{{ range(0 - 10 ** 300, 10 ** 300) }}", "numbers; the limit is 100000.")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "rendering exceeds the limit of 50000000 evaluation steps.")]
    [InlineData("{{ ('a' * 4000000 ~ 'b') in 'a' * 8000000 }}", "rendering exceeds the limit of 50000000 evaluation steps.")]
    [InlineData("{{ 'a' * 99999999999999999999 }}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{{ ('a' * 10000000).replace('a', 'aa') }}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{{ ('a' * 10000) | replace('', 'b' * 10000) }}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{{ range(100000) | join('a' * 1000) }}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{{ ('a\n' * 100000) | indent(99999) }}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{% for a in range(100000) %}{{ 'a' * 1000 }}{% endfor %}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{% set ns = namespace(a='a') %}{% for a in range(100) %}{% set ns.a = ns.a + ns.a %}{% endfor %}", "a string would exceed the limit of 16777216 characters.")]
    [InlineData("{% for a in range(100000) %}{% set b = 'a' * 10000 %}{% endfor %}", "characters built in all.")]
    [InlineData("{{ [1] * 99999999999 }}", "a list or mapping would exceed the limit of 1000000 items.")]
    [InlineData("{{ ('a' * 2000000) | list }}", "a list or mapping would exceed the limit of 1000000 items.")]
    [InlineData("{{ ('a,' * 2000000).split(',') }}", "a list or mapping would exceed the limit of 1000000 items.")]
    [InlineData("{{ 2 ** 4096 }}", "exceeds the limit of 4096 bits")]
    [InlineData("{{ 2 ** (10 ** 100) }}", "the power exceeds the limit of 4096 bits of an integer.")]
    [InlineData("{{ 10 ** 1000 * 10 ** 1000 }}", "an integer exceeds the limit of 4096 bits.")]
    [InlineData("{% set ns = namespace(a=[]) %}{% for a in range(1000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}", "lists and mappings lie deeper within one another than the limit of 128 levels.")]
    [InlineData("{% set ns = namespace(a=[]) %}{% for a in range(1000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a | tojson }}", "lists and mappings lie deeper within one another than the limit of 128 levels.")]
    [InlineData("{% set ns = namespace(a=[], b=[]) %}{% for a in range(1000) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}{% endfor %}{{ ns.a == ns.b }}", "lists and mappings lie deeper within one another than the limit of 128 levels.")]
    [InlineData("{% set ns = namespace(a=[1]) %}{% for a in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}", "exceed")]
    [InlineData("{% set ns = namespace(a=[1]) %}{% for a in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a | tojson(indent=60) }}", "exceed")]
    [InlineData("{% set ns = namespace(a=[1], b=[1]) %}{% for a in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}", "rendering exceeds the limit of 50000000 evaluation steps.")]
    [InlineData("{{ ('{},' * 3000000 ~ '1') | from_json }}", "rendering exceeds the limit of 50000000 evaluation steps.")]
    [InlineData("{{ ('[' * 60000) | from_json }}", "found no valid JSON")]
    public void Render_BeyondALimit_NamesIt(string template, string reason) =>
        Assert.Contains(reason, Reason(template), StringComparison.Ordinal);

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(1000) %}{{ d.get('a' * 1000) }}{% endfor %}{% endfor %}")]
    [InlineData("{% set m = {'a' * 1000000: 1} %}{% for a in range(100000) %}{{ m == m.copy() }}{% endfor %}")]
    [InlineData("{% set b = ' ' * 10000000 %}{% for a in range(100000) %}{{ b | trim }}{{ b.isalpha() }}{% endfor %}")]
    [InlineData("{% set b = '😀' * 5000000 %}{% for a in range(100000) %}{{ b[99999] }}{{ b | length }}{% endfor %}")]
    [InlineData("{% set b = 2 ** 4000 %}{% for a in range(100000) %}{% for c in range(100) %}{% if b * 3 // 7 %}{% endif %}{% endfor %}{% endfor %}")]
    [InlineData("{% set b = '9' * 1000000 %}{% for a in range(100000) %}{% for c in range(100) %}{{ b | int }}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% for b in range(100) %}{% set ns.l = [ns.l, {'a': 1}] %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% for b in range(100) %}{% macro m() %}{% endmacro %}{% set ns.l = [ns.l, m] %}{% endfor %}{% endfor %}")]
    public void Render_CostlyOperationsInALoop_EndAtALimit(string template) => Assert.Contains("exceeds the limit of ", Reason(template), StringComparison.Ordinal);

    [Fact]
    public void Parse_TooManyParametersOrArguments_NamesTheLimit()
    {
        var parameters = string.Join(", ", Enumerable.Range(0, 300).Select(i => $"p{i}"));

        var macro = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse($"{{% macro m({parameters}) %}}{{% endmacro %}}"));
        var call = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse($"{{{{ m({parameters}) }}}}"));

        Assert.Equal("chat template: line 1: the macro 'm' has more parameters than the limit of 255.", macro.Message);
        Assert.Equal("chat template: line 1: a call has more arguments than the limit of 255.", call.Message);
    }

    [Fact]
    public void Render_LongPath_NamesTheLimit() => Assert.Equal("an attribute's path has 2000 characters; the limit is 1024.", Reason("{{ ms | map(attribute='a.' * 1000) | list }}"));

    [Fact]
    public void Parse_HugeInteger_NamesTheLimit()
    {
        var fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{{ " + new string('9', 2000) + " }}"));

        Assert.Equal("chat template: line 1: an integer has 2000 digits; the limit is 1233.", fault.Message);
    }

    [Fact]
    public void Render_OnASmallStack_StillEndsInAnError()
    {
        Exception? fault = null;
        var thread = new Thread(
            () => fault = Record.Exception(() => TemplateRunner.Render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")),
            maxStackSize: 256 * 1024);

        thread.Start();
        thread.Join();

        Assert.IsType<ChatTemplateException>(fault);
    }

    [Fact]
    public void Render_LongConversation_StaysBelowTheLimits()
    {
        // A context of a million tokens, some five million characters, copied a few times over.
        var messages = Enumerable.Range(0, 500).Select(_ => ChatMessage.User(new string('x', 10_000))).ToArray();
        var template = ChatTemplate.Parse("{% set ns = namespace(t='') %}{% for m in messages %}{% set c = m.content | trim %}{{ '<u>' + c + '</u>' }}{% endfor %}");

        var prompt = template.Render(messages, new ChatTemplateOptions());

        Assert.Equal(500 * 10_007, prompt.Length);
    }

    private static string Reason(string template)
    {
        var message = TemplateRunner.Fault(template);
        return message[message.IndexOf(": ", "chat template: line".Length, StringComparison.Ordinal)..][2..];
    }
}
