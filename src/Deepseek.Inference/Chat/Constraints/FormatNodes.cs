namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Strings of a format: dates and times of RFC 3339 §5.6, and UUIDs of RFC 9562.</summary>
/// <remarks>A date is one of the calendar, of the years 1000 to 2999; a second is below 60, since leap seconds are not foretold.</remarks>
internal static class FormatNodes
{
    /// <summary>The formats by name.</summary>
    public static IReadOnlyDictionary<string, GrammarNode> ByName { get; } = Create();

    private static Dictionary<string, GrammarNode> Create()
    {
        var date = Date();
        var time = Time();
        return new(StringComparer.Ordinal)
        {
            ["date"] = date,
            ["time"] = time,
            ["date-time"] = Grammar.Sequence(date, Grammar.Text("T"), time),
            ["uuid"] = Uuid(),
        };
    }

    private static GrammarNode Date()
    {
        var month31 = Grammar.Sequence(Words("01 03 05 07 08 10 12"), Grammar.Text("-"), Days(31));
        var month30 = Grammar.Sequence(Words("04 06 09 11"), Grammar.Text("-"), Days(30));
        var february = Grammar.Sequence(Grammar.Text("02-"), Days(28));
        return Grammar.Choice(
            Grammar.Sequence(Grammar.OneOf("12"), JsonNodes.Digits(3, 3), Grammar.Text("-"), Grammar.Choice(month31, month30, february)),
            Grammar.Sequence(LeapYear(), Grammar.Text("-02-29")));
    }

    // Divisible by 4, and centuries by 400.
    private static GrammarNode LeapYear()
    {
        var quarters = Enumerable.Range(1, 24).Select(n => Grammar.Text($"{n * 4:00}"));
        return Grammar.Choice(
            Grammar.Sequence(Grammar.OneOf("12"), JsonNodes.Digits(1, 1), Grammar.Choice(quarters)), Words("1200 1600 2000 2400 2800"));
    }

    private static GrammarNode Time() => Grammar.Sequence(
        Below(24), Grammar.Text(":"), Below(60), Grammar.Text(":"), Below(60),
        Grammar.Optional(Grammar.Sequence(Grammar.Text("."), JsonNodes.Digits(1, 6))),
        Grammar.Choice(Grammar.Text("Z"), Grammar.Sequence(Grammar.OneOf("+-"), Below(24), Grammar.Text(":"), Below(60))));

    private static GrammarNode Uuid()
    {
        GrammarNode Hex(int digits) => Grammar.Repeat(Grammar.OneOf("0123456789abcdefABCDEF"), digits, digits);
        var dash = Grammar.Text("-");
        return Grammar.Sequence(Hex(8), dash, Hex(4), dash, Hex(4), dash, Hex(4), dash, Hex(12));
    }

    private static GrammarNode Days(int most) => Grammar.Choice(Enumerable.Range(1, most).Select(day => Grammar.Text($"{day:00}")));

    private static GrammarNode Below(int end) => Grammar.Choice(Enumerable.Range(0, end).Select(n => Grammar.Text($"{n:00}")));

    private static GrammarNode Words(string words) => Grammar.Choice(words.Split(' ').Select(Grammar.Text));
}
