using System.Text.Json;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization.Templates;

/// <summary>Renders small templates over fixed variables.</summary>
internal static class TemplateRunner
{
    /// <summary>The clock of <c>strftime_now</c>: Sunday, 5 January 2025, 07:08:09.</summary>
    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2025, 1, 5, 7, 8, 9, TimeSpan.Zero);
    }

    private const string Variables = """
        {
          "x": 5, "f": 1.5, "s": "Hello World", "e": "", "n": null, "t": true, "l": [3, 1, 2],
          "d": {"a": 1, "b": [1, 2, {"c": null}], "items": 7}, "uni": "h\u00e9llo \ud83d\ude00 \"q\" 'x'", "big": 12345678901234567890,
          "ms": [{"role": "user", "content": "hi", "k": 1}, {"role": "assistant", "content": "yo", "k": 2}, {"role": "user", "content": "Bye", "k": null}],
          "fl": [1e16, 1e-5, 0.1, 1e22, 123456789.125, 1.0, 1e15, -0.0, 5e-324, 1.7976931348623157e308]
        }
        """;

    public static string Render(string template) => Render(template, Variables);

    public static string Render(string template, string variables)
    {
        using var document = JsonDocument.Parse(variables);
        var options = new ChatTemplateOptions
        {
            TimeProvider = new FixedClock(),
            Variables = document.RootElement.EnumerateObject().ToDictionary(property => property.Name, property => property.Value),
        };
        return ChatTemplate.Parse(template).Render([], options);
    }

    /// <summary>The message of the error that rendering ends with.</summary>
    public static string Fault(string template) => Assert.Throws<ChatTemplateException>(() => Render(template)).Message;
}
