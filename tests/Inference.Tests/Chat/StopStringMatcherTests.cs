using System.Text;
using Deepseek.Inference.Chat;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Chat;

public sealed class StopStringMatcherTests
{
    /// <summary>Fixed, so that a failure repeats.</summary>
    private static readonly Config Settings = Config.QuickThrowOnFailure.WithMaxTest(3000).WithQuietOnSuccess(true).WithReplay(20250120, 1_000_003);

    [Fact]
    public void Append_PlainText_IsPassedOnAtOnce() => Assert.Equal(new StopStringResult("hello", null), new StopStringMatcher(["END"]).Append("hello"));

    [Fact]
    public void Append_NoStops_PassesEverythingOn() => Assert.Equal(new StopStringResult("END", null), new StopStringMatcher([]).Append("END"));

    [Fact]
    public void Append_PossibleBeginning_IsHeldBackOnlyWhileItCanBecomeAStop()
    {
        StopStringMatcher matcher = new(["END"]);

        Assert.Equal("a", matcher.Append("aEN").Emit);
        Assert.Equal("EN", matcher.Append("E").Emit);
        Assert.Equal("Ex", matcher.Append("x").Emit);
    }

    [Fact]
    public void Append_Match_EmitsWhatComesBeforeAndSwallowsTheRest()
    {
        StopStringMatcher matcher = new(["\nUser:"]);

        Assert.Equal(new StopStringResult("Yes.", null), matcher.Append("Yes.\nUs"));
        var result = matcher.Append("er: and");
        Assert.Equal(new StopStringResult("", "\nUser:"), result);
        Assert.True(result.Stopped);
        Assert.Equal(new StopStringResult("", "\nUser:"), matcher.Append("more"));
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void Append_SeveralStops_TheFirstCompleteEndsTheText() =>
        Assert.Equal(new StopStringResult("xa", "b"), new StopStringMatcher(["abcd", "b"]).Append("xabcd"));

    [Fact]
    public void Append_SeveralCompleteAtOnce_TheLongestCounts() =>
        Assert.Equal(new StopStringResult("x", "abc"), new StopStringMatcher(["c", "abc", "bc"]).Append("xabcd"));

    [Fact]
    public void Append_SelfOverlappingStop_IsFound() =>
        Assert.Equal(new StopStringResult("aa", "aab"), new StopStringMatcher(["aab"]).Append("aaaabaab"));

    [Fact]
    public void Append_CharactersOfSeveralUnits_AreMatchedWhole()
    {
        StopStringMatcher matcher = new(["😀"]);

        Assert.Equal("😁", matcher.Append("😁").Emit); // shares its first UTF-16 unit with the stop
        Assert.Equal(new StopStringResult("é", "😀"), matcher.Append("é😀"));
    }

    [Fact]
    public void Flush_HeldText_IsHandedOutOnce()
    {
        StopStringMatcher matcher = new(["END"]);
        matcher.Append("aEN");

        Assert.Equal("EN", matcher.Flush());
        Assert.Equal("", matcher.Flush());
        Assert.Equal("D", matcher.Append("D").Emit); // a new text: the old one cannot be completed any more
    }

    [Fact]
    public void Append_AnyChunking_EqualsTheWholeTextDefinition()
    {
        // Few letters and short strings, so that partial, nested and overlapping matches abound.
        var word = Gen.Choose(1, 4).SelectMany(length => Gen.ArrayOf(Gen.Elements('a', 'b', 'c'), length)).Select(letters => new string(letters));
        var cases =
            from stops in Gen.Choose(0, 3).SelectMany(count => Gen.ArrayOf(word, count))
            from deltas in Gen.ArrayOf(Gen.OneOf(word, Gen.Constant("")))
            select (stops, deltas);

        Prop.ForAll(cases.ToArbitrary(), test =>
        {
            StopStringMatcher matcher = new(test.stops);
            StringBuilder emitted = new();
            string? match = null;
            foreach (var delta in test.deltas)
            {
                var result = matcher.Append(delta);
                emitted.Append(result.Emit);
                match = result.Match;
            }

            emitted.Append(matcher.Flush());
            Assert.Equal(Definition(string.Concat(test.deltas), test.stops), (emitted.ToString(), match));
        }).Check(Settings);
    }

    [Fact]
    public void Append_AnyText_HoldsBackNoMoreThanAPossibleBeginning()
    {
        var cases =
            from stop in Gen.Choose(1, 5).SelectMany(length => Gen.ArrayOf(Gen.Elements('a', 'b'), length)).Select(letters => new string(letters))
            from text in Gen.ArrayOf(Gen.Elements('a', 'b', 'c')).Select(letters => new string(letters))
            where !text.Contains(stop, StringComparison.Ordinal)
            select (stop, text);

        Prop.ForAll(cases.ToArbitrary(), test =>
        {
            var emitted = new StopStringMatcher([test.stop]).Append(test.text).Emit;

            var held = Enumerable.Range(0, test.stop.Length).Last(n => test.text.EndsWith(test.stop[..n], StringComparison.Ordinal));
            Assert.Equal(test.text[..^held], emitted);
        }).Check(Settings);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData(null, "null")]
    public void Constructor_EmptyStop_NamesItsPlaceAndTheReason(string? stop, string found)
    {
        var fault = Assert.Throws<ArgumentException>(() => new StopStringMatcher(["a", stop!]));

        Assert.Equal($"stops[1] is {found}; it must have at least one character, since an empty one would stop every text. (Parameter 'stops')", fault.Message);
    }

    /// <summary>The first place at which a stop string ends; of several that end there, the longest.</summary>
    private static (string Text, string? Match) Definition(string text, string[] stops)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var match = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
            if (match is not null)
                return (text[..(end - match.Length)], match);
        }

        return (text, null);
    }
}
