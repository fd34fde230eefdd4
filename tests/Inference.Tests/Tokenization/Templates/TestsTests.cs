namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Tests of <c>is</c>; every expectation is what Jinja2 3.1 gives.</summary>
public sealed class TestsTests
{
    public static TheoryData<string, string> Cases => new()
    {
        { "{{ x is defined }}", "True" },
        { "{{ nope is defined }}", "False" },
        { "{{ nope is undefined }}", "True" },
        { "{{ nope is not defined }}", "True" },
        { "{{ n is none }}", "True" },
        { "{{ x is not none }}", "True" },
        { "{{ s is string }}", "True" },
        { "{{ x is string }}", "False" },
        { "{{ d is mapping }}", "True" },
        { "{{ l is mapping }}", "False" },
        { "{{ l is iterable }}", "True" },
        { "{{ s is iterable }}", "True" },
        { "{{ x is iterable }}", "False" },
        { "{{ nope is iterable }}", "True" },
        { "{{ x is number }}", "True" },
        { "{{ t is number }}", "True" },
        { "{{ t is boolean }}", "True" },
        { "{{ t is true }}", "True" },
        { "{{ 1 is true }}", "False" },
        { "{{ false is false }}", "True" },
        { "{{ f is float }}", "True" },
        { "{{ x is float }}", "False" },
        { "{{ x is integer }}", "True" },
        { "{{ t is integer }}", "False" },
        { "{{ l is sequence }}", "True" },
        { "{{ s is sequence }}", "True" },
        { "{{ d is sequence }}", "True" },
        { "{{ d.items() is sequence }}", "False" },
        { "{{ nope is sequence }}", "True" },
        { "{{ x is odd }}", "True" },
        { "{{ x is even }}", "False" },
        { "{{ 2.5 is odd }}", "False" },
        { "{{ 9 is divisibleby 3 }}", "True" },
        { "{{ 9 is divisibleby(2) }}", "False" },
        { "{{ x is eq 5 }}", "True" },
        { "{{ x is equalto 5 }}", "True" },
        { "{{ x is ne 5 }}", "False" },
        { "{{ x is gt(3) }}", "True" },
        { "{{ x is lt 3 }}", "False" },
        { "{{ x is le 5 }}", "True" },
        { "{{ x is ge 6 }}", "False" },
        { "{{ x is greaterthan 1 }}", "True" },
        { "{{ x is lessthan 1 }}", "False" },
        { "{{ 'a' is in 'abc' }}", "True" },
        { "{{ 'q' is not in d }}", "True" },
        { "{{ n is sameas none }}", "True" },
        { "{{ t is sameas true }}", "True" },
        { "{{ 1 is sameas true }}", "False" },
        { "{{ d is sameas d }}", "True" },
        { "{{ [] is sameas [] }}", "False" },
        { "{{ 'AB' is upper }}", "True" },
        { "{{ 'ab' is lower }}", "True" },
        { "{{ '1' is upper }}", "False" },
        { "{{ range is callable }}", "True" },
        { "{{ x is callable }}", "False" },
        { "{{ [] is defined }}", "True" },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Apply_Test_TellsWhatAValueIs(string template, string expected) => Assert.Equal(expected, TemplateRunner.Render(template));

    public static TheoryData<string, string> Faults => new()
    {
        { "{{ x is eq }}", "chat template: line 1: the test 'eq' needs the argument 'other'." },
        { "{{ l is odd }}", "chat template: line 1: a list cannot be combined by '%' with an integer." },
        { "{{ x is gt 'a' }}", "chat template: line 1: an integer cannot be ordered against a string." },
        { "{{ x is defined(1) }}", "chat template: line 1: the test 'defined' takes no arguments; it was given 1 by position." },
        { "{{ x is in 5 }}", "chat template: line 1: an integer cannot be iterated; a list, tuple, mapping or string can." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Render_Fault_IsNamed(string template, string message) => Assert.Equal(message, TemplateRunner.Fault(template));
}
