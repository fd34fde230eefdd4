using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>What <see cref="ChatTemplate.Parse"/> refuses, and where it says the fault lies.</summary>
public sealed class SyntaxErrorTests
{
    private const string Statements = "supported are for, if, set, macro, break, continue, raw and generation.";

    public static TheoryData<string, int, string> Faults => new()
    {
        { "{{ x", 1, "a tag is not closed by '}}'." },
        { "a\n{% if x", 2, "a tag is not closed by '%}'." },
        { "{{ (1 }}", 1, "'}' stands where ')' was expected." },
        { "{{ [1, 2", 1, "a bracket is not closed by ']'." },
        { "{{ ) }}", 1, "')' closes nothing." },
        { "\n{# never", 2, "the comment '{#' is not closed by '#}'." },
        { "{% raw %} x", 1, "{% raw %} is not closed by {% endraw %}." },
        { "{{ 'open }}", 1, "a string is not closed by '." },
        { "{{ '\\xZZ' }}", 1, "the escape '\\x' must be followed by 2 hexadecimal digits of a code point." },
        { "{{ '\\U00110000' }}", 1, "the escape '\\U' must be followed by 8 hexadecimal digits of a code point." },
        { "{{ '\\N{DASH}' }}", 1, "the escape '\\N{…}' is not supported; write '\\uXXXX' instead." },
        { "{{ a ? b }}", 1, "the character '?' (U+003F) has no meaning inside a tag." },
        { "{{ a; b }}", 1, "the character ';' (U+003B) has no meaning inside a tag." },
        { "{{ }}", 1, "'}}' stands where an expression was expected." },
        { "{{ x y }}", 1, "'y' stands where '}}' was expected." },
        { "{{ x. }}", 1, "'}}' stands where the name of an attribute was expected." },
        { "{{ x | }}", 1, "'}}' stands where the name of a filter was expected." },
        { "{{ x is }}", 1, "'}}' stands where the name of a test was expected." },
        { "{{ x[] }}", 1, "']' stands where an expression was expected." },
        { "{{ x[1, 2] }}", 1, "',' stands where ':' was expected." },
        { "{{ [1 2] }}", 1, "'2' stands where ',' or ']' was expected." },
        { "{{ {1: 2 3: 4} }}", 1, "'3' stands where ',' or '}' was expected." },
        { "{{ {1} }}", 1, "'}' stands where ':' was expected." },
        { "{{ f(1 2) }}", 1, "'2' stands where ',' or ')' was expected." },
        { "{{ f(a=1, 2) }}", 1, "an argument by position stands after one by name." },
        { "{{ f(*a) }}", 1, "spreading arguments by '*' is not supported; write them out." },
        { "{{ f(**a) }}", 1, "spreading arguments by '**' is not supported; write them out." },
        { "{% %}", 1, "'%}' stands where the name of a statement was expected." },
        { "{% nothing %}", 1, "the statement 'nothing' is not supported; " + Statements },
        { "a\nb\n{% include 'x' %}", 3, "the statement 'include' is not supported; " + Statements },
        { "{% block a %}{% endblock %}", 1, "the statement 'block' is not supported; " + Statements },
        { "{% call f() %}{% endcall %}", 1, "the statement 'call' is not supported; " + Statements },
        { "{% endif %}", 1, "'endif' closes nothing." },
        { "{% else %}", 1, "'else' closes nothing." },
        { "{% if x %}\n{% endfor %}", 2, "'endfor' stands where 'elif' or 'else' or 'endif' was expected." },
        { "{% if x %}{% else %}{% else %}{% endif %}", 1, "'else' stands where 'endif' was expected." },
        { "\n{% if x %}\n\n", 2, "the block is not closed by {% endif %}." },
        { "{% for x in y %}", 1, "the block is not closed by {% endfor %}." },
        { "{% for x of y %}{% endfor %}", 1, "'of' stands where 'in' was expected." },
        { "{% for x in %}{% endfor %}", 1, "'%}' stands where an expression was expected." },
        { "{% for x.y in z %}{% endfor %}", 1, "a loop assigns to plain names only." },
        { "{% for x in y recursive %}{% endfor %}", 1, "recursive loops are not supported; write a macro that calls itself." },
        { "{% for 1 in y %}{% endfor %}", 1, "'1' stands where the name of a variable was expected." },
        { "{% set none = 1 %}", 1, "'none' cannot be assigned to." },
        { "{% set loop = 1 %}", 1, "'loop' cannot be assigned to." },
        { "{% set x | upper %}a{% endset %}", 1, "filters on a block set are not supported; apply them where the variable is used." },
        { "{% set x. = 1 %}", 1, "'=' stands where the name of an attribute was expected." },
        { "{% set x %}", 1, "the block is not closed by {% endset %}." },
        { "{% macro m(a=1, b) %}{% endmacro %}", 1, "the parameter 'b' has no default but stands after one that has." },
        { "{% macro m(a, a) %}{% endmacro %}", 1, "the parameter 'a' stands twice." },
        { "{% macro m(1) %}{% endmacro %}", 1, "'1' stands where the name of a parameter was expected." },
        { "{% macro m(a b) %}{% endmacro %}", 1, "'b' stands where ',' or ')' was expected." },
        { "{% macro (a) %}{% endmacro %}", 1, "'(' stands where the name of a macro was expected." },
        { "{% macro m %}{% endmacro %}", 1, "'%}' stands where '(' was expected." },
        { "{% break %}", 1, "'break' stands outside of a loop." },
        { "{% for i in x %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", 1, "'continue' stands outside of a loop." },
        { "{% for i in x %}{% set y %}{% break %}{% endset %}{% endfor %}", 1, "'break' stands outside of a loop." },
        { "{% endif x %}", 1, "'endif' closes nothing." },
        { "{% if x %}{% endif y %}", 1, "'y' stands where '%}' was expected." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Parse_Fault_NamesTheLineAndWhatWasExpected(string template, int line, string reason)
    {
        var fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template, "tokenizer_config.json"));

        Assert.Equal($"tokenizer_config.json: line {line}: {reason}", fault.Message);
        Assert.Equal(line, fault.Line);
        Assert.Equal("tokenizer_config.json", fault.File);
    }

    [Fact]
    public void Parse_WithoutFile_SaysChatTemplate()
    {
        var fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{{"));

        Assert.StartsWith("chat template: line 1: ", fault.Message, StringComparison.Ordinal);
        Assert.Null(fault.File);
    }
}
