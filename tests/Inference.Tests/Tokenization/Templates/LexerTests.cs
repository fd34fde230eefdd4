namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Comments, raw blocks and whitespace control; every expectation is what Jinja2 3.1 gives with trim_blocks and lstrip_blocks.</summary>
public sealed class LexerTests
{
    public static TheoryData<string, string> Whitespace => new()
    {
        { "a {%- if true -%} b {%- endif -%} c {{- \" x \" -}} d", "abc x d" },
        { "  {% if true %}\n  indented\n  {% endif %}\ntail", "  indented\ntail" },
        { "  {%+ if true %}\nkeep\n  {%+ endif +%}\ntail", "  keep\n  \ntail" },
        { "line1\n{{ x }}\nline2\n", "line1\n5\nline2" },
        { "line1\n\n\n", "line1\n\n" },
        { "\n\n{% if true %}\n\nx\n\n{% endif %}\n\n", "\n\n\nx\n\n" },
        { "{% for i in l -%}\n  {{ i }}\n{%- endfor %}", "312" },
        { "\r\n{% if true %}\r\nq\r\n{% endif %}\r\nx\r", "\nq\nx" },
        { "a {% set q = 1 %} b\n   {% set q = 2 %}   \n  c {{ q }}", "a  b\n   \n  c 2" },
        { "{% if true %}  {% if true %} a{% endif %}{% endif %}", "   a" },
        { "  {% if true -%}  \n\n {%- if true %}b{% endif %}\n  {%- endif %}\n c", "b c" },
        { "{{ x -}}\n\n y", "5y" },
        { "a\n\n{{- x }}\n", "a5" },
        { "{{ 1 -}}   {{- 2 }} {%- set z = 1 %}\n\n{%- set z = 2 -%}\n\nq", "12q" },
        { "\t{% if true %}\ta{% endif %}", "\ta" },
        { "a{%+ if true +%}\nb{% endif %}", "a\nb" },
        { "{% if true\n %}{{\n x\n }}{% endif %}", "5" },
        { "  {{ x }}  {% set q = 1 %}\n", "  5  " },
        { "{% set q %}\n  {{ x }}\n{% endset %}[{{ q }}]", "[  5\n]" },
    };

    [Theory, MemberData(nameof(Whitespace))]
    public void Render_Whitespace_IsTrimmedAsInTransformers(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Comments => new()
    {
        { "{# comment #}a{#- b -#} c {# multi\nline #}\nd", "ac d" },
        { "x\n   {# c #}\n  y {# d #}\nz", "x\n  y z" },
        { "{#- a -#}   {# b #}   x", "   x" },
        { "{#{{ x }}{% nothing %}#}y", "y" },
        { "{#-#}a", "a" },
        { "a {#+ b +#}\nc", "a \nc" },
    };

    [Theory, MemberData(nameof(Comments))]
    public void Render_Comment_IsLeftOut(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Raw => new()
    {
        { "{% raw %}{{ not }} {% here %}{% endraw %} x", "{{ not }} {% here %} x" },
        { "{% raw -%}  a  {%- endraw %} y", "a y" },
        { "  {% raw %}\n q\n  {% endraw %}\nz", "\n q\nz" },
        { "{%- raw %}  a {% endraw -%}   b", "  a b" },
        { "{%-raw-%} {{ x }} {%-endraw-%} t", "{{ x }}t" },
        { "{% raw %}{% endraw %}", "" },
        { "{% raw %}{# c #}{% endraw +%}\n", "{# c #}" },
    };

    [Theory, MemberData(nameof(Raw))]
    public void Render_Raw_KeepsTags(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Brackets => new()
    {
        { "{{ {'a': {'b': {}}} }}", "{'a': {'b': {}}}" },
        { "{{ {'a': {}}['a'] }}", "{}" },
        { "{{ '}}' }}", "}}" },
        { "{{ \"%}\" }}{% set q = '%}' %}{{ q }}", "%}%}" },
        { "{ {{ x }} }", "{ 5 }" },
        { "{{ x }}}", "5}" },
        { "{", "{" },
        { "{%- if {'a': 1}.a %}y{% endif %}", "y" },
    };

    [Theory, MemberData(nameof(Brackets))]
    public void Render_Brackets_BalanceBeforeTheTagCloses(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));
}
