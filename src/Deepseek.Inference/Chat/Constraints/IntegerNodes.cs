using System.Globalization;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Whole numbers between two bounds, by their digits.</summary>
internal static class IntegerNodes
{
    /// <summary>The largest that is written where a schema has no bound: 18 digits fit a <see cref="long"/>.</summary>
    public const long Largest = 999_999_999_999_999_999;

    /// <summary>The whole numbers of a range, both ends included; nothing where it is empty.</summary>
    public static GrammarNode Between(long least, long most)
    {
        if (least > most)
            return Grammar.Nothing;
        List<GrammarNode> forms = [];
        if (least < 0)
            forms.Add(Grammar.Sequence(Grammar.Text("-"), Positive(Math.Max(1, -Math.Min(most, -1)), -least)));
        if (most >= 0)
            forms.Add(Positive(Math.Max(0, least), most));
        return Grammar.Choice(forms);
    }

    /// <summary>Without a sign, and without zeros in front: one form a number of digits.</summary>
    private static GrammarNode Positive(long least, long most)
    {
        List<GrammarNode> forms = [];
        for (long first = 0, last = 9; first <= most; first = last + 1, last = (last * 10) + 9)
        {
            if (last >= least)
                forms.Add(OfLength(Text(Math.Max(first, least)), Text(Math.Min(last, most))));
        }

        return Grammar.Choice(forms);
    }

    /// <summary>Numbers between two of the same length: the digits that both begin with, then the parts below, between and above.</summary>
    private static GrammarNode OfLength(string least, string most)
    {
        if (least.Length == 0)
            return Grammar.Empty;
        if (least.All(digit => digit == '0') && most.All(digit => digit == '9'))
            return JsonNodes.Digits(least.Length, least.Length);
        var (low, high) = (least[0], most[0]);
        var rest = least.Length - 1;
        if (low == high)
            return Grammar.Sequence(Digit(low, low), OfLength(least[1..], most[1..]));

        List<GrammarNode> forms = [Grammar.Sequence(Digit(low, low), OfLength(least[1..], new string('9', rest))), Grammar.Sequence(Digit(high, high), OfLength(new string('0', rest), most[1..]))];
        if (high - low > 1)
            forms.Add(Grammar.Sequence(Digit((char)(low + 1), (char)(high - 1)), JsonNodes.Digits(rest, rest)));
        return Grammar.Choice(forms);
    }

    private static GrammarNode Digit(char first, char last) => Grammar.Bytes(first, last);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
