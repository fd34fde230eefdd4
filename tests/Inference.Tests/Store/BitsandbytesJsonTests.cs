using System.Text.Json;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Against what Python 3.11 prints.</summary>
public sealed class BitsandbytesJsonTests
{
    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1.0, "1.0")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(100.0, "100.0")]
    [InlineData(1e-4, "0.0001")]
    [InlineData(0.00012, "0.00012")]
    [InlineData(1e-5, "1e-05")]
    [InlineData(1.5e-7, "1.5e-07")]
    [InlineData(123456789.0, "123456789.0")]
    [InlineData(1e15, "1000000000000000.0")]
    [InlineData(9007199254740993.0, "9007199254740992.0")]
    [InlineData(1e16, "1e+16")]
    [InlineData(123456789012345680.0, "1.2345678901234568e+17")]
    [InlineData(1e23, "1e+23")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157e+308")]
    [InlineData((double)0.1f, "0.10000000149011612")]
    [InlineData((double)1e-30f, "1.0000000031710769e-30")]
    public void Float_AnyValue_IsPythonsRepr(double value, string expected) => Assert.Equal(expected, BitsandbytesJson.Float(value));

    [Fact]
    public void Line_EveryKindOfValue_IsPythonsDefault()
    {
        KeyValuePair<string, object?>[] value =
        [
            new("b", Array.Empty<int>()),
            new("a", new Dictionary<string, object?>()),
            new("c", new object?[] { 1, new KeyValuePair<string, object?>[] { new("z", null), new("y", true) } }),
            new("n", 1e-6),
            new("m", -0.0),
        ];

        Assert.Equal("""{"b": [], "a": {}, "c": [1, {"z": null, "y": true}], "n": 1e-06, "m": -0.0}""", BitsandbytesJson.Line(value));
    }

    [Fact]
    public void Indented_ParsedText_IsPythonsWithSortedKeys()
    {
        using var document = JsonDocument.Parse("""{"s": "é\n\"\\\u007f\u0001\u2028𝄞/<", "b": [ ], "a": {}, "c": [1, {"z": null, "y": 0, "y": true}, 1E-6, 12345678901234567890, 1e999]}""");

        // Python reads 1e999 as infinity, which is no JSON: that is left as it was.
        const string expected = """
            {
              "a": {},
              "b": [],
              "c": [
                1,
                {
                  "y": true,
                  "z": null
                },
                1e-06,
                12345678901234567890,
                1e999
              ],
              "s": "\u00e9\n\"\\\u007f\u0001\u2028\ud834\udd1e/<"
            }

            """;
        Assert.Equal(expected.ReplaceLineEndings("\n"), BitsandbytesJson.Indented(document.RootElement));
    }

    [Fact]
    public void Line_ControlCharacters_HavePythonsShortNames() => Assert.Equal("""
        "\t\r\f\b\u0000"
        """, BitsandbytesJson.Line("\t\r\f\b\0"));

    [Fact]
    public void Line_UnknownType_IsNamed() =>
        Assert.StartsWith("A value is Guid; JSON has no such type.", Assert.Throws<ArgumentException>(() => BitsandbytesJson.Line(Guid.Empty)).Message, StringComparison.Ordinal);
}
