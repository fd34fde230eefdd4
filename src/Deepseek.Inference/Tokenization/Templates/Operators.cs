using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Truth, equality, order, membership and arithmetic of values, as in Python.</summary>
internal static class Operators
{
    public static bool IsTrue(object value) => value switch
    {
        bool b => b,
        None or Undefined => false,
        BigInteger i => !i.IsZero,
        double d => d != 0,
        string text => text.Length > 0,
        SequenceValue sequence => sequence.Items.Count > 0,
        MapValue map => map.Count > 0,
        _ => true,
    };

    public static bool AreEqual(RenderContext context, object left, object right, int depth = 0)
    {
        context.Step();
        context.CheckValueDepth(depth);
        switch (left, right)
        {
            case (string a, string b):
                context.Step(Math.Min(a.Length, b.Length) / 1024);
                return a == b;
            case (SequenceValue a, SequenceValue b):
                if (a.Kind != b.Kind || a.Items.Count != b.Items.Count)
                    return false;
                for (var i = 0; i < a.Items.Count; i++)
                {
                    if (!AreEqual(context, a.Items[i], b.Items[i], depth + 1))
                        return false;
                }

                return true;
            case (MapValue a, MapValue b):
                if (a.Count != b.Count)
                    return false;
                context.Step(a.KeyCharacters / 16);
                foreach (var (key, value) in a.Entries)
                {
                    if (b.Find(key) is not { } other || !AreEqual(context, value, other, depth + 1))
                        return false;
                }

                return true;
            default:
                return Numbers.IsNumber(left) && Numbers.IsNumber(right) ? Numbers.Compare(left, right) == 0 : left.Equals(right);
        }
    }

    /// <summary>Order of numbers, strings and sequences; null for a NaN, which is neither less nor greater.</summary>
    public static int? Order(RenderContext context, object left, object right, int depth = 0)
    {
        context.Step();
        context.CheckValueDepth(depth);
        switch (left, right)
        {
            case (string a, string b):
                context.Step(Math.Min(a.Length, b.Length) / 1024);
                return PythonString.Compare(a, b);
            case (SequenceValue a, SequenceValue b) when a.Kind == b.Kind && a.Kind is SequenceKind.List or SequenceKind.Tuple:
                for (var i = 0; i < Math.Min(a.Items.Count, b.Items.Count); i++)
                {
                    if (!AreEqual(context, a.Items[i], b.Items[i], depth + 1))
                        return Order(context, a.Items[i], b.Items[i], depth + 1);
                }

                return a.Items.Count.CompareTo(b.Items.Count);
            default:
                if (Numbers.IsNumber(left) && Numbers.IsNumber(right))
                    return Numbers.Compare(left, right);
                throw Fault(context, "ordered against", left, right);
        }
    }

    /// <summary>The operator <c>in</c>.</summary>
    public static bool Contains(RenderContext context, object container, object item)
    {
        switch (container)
        {
            case string text:
                if (item is not string part)
                    throw context.Error($"'in' needs a string on its left where its right is one; {Describe(item)} was found.");
                context.Search(text, part);
                return text.Contains(part, StringComparison.Ordinal);
            case MapValue map:
                if (item is string key)
                    context.Scan(key);
                return map.Find(item) is not null;
            default:
                foreach (var candidate in Access.Iterate(context, container))
                {
                    if (AreEqual(context, candidate, item))
                        return true;
                }

                return false;
        }
    }

    public static object Binary(RenderContext context, string symbol, object left, object right)
    {
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right))
        {
            context.Step(Numbers.Size(left) + Numbers.Size(right));
            return symbol switch
            {
                "+" => Numbers.Add(context, left, right),
                "-" => Numbers.Subtract(context, left, right),
                "*" => Numbers.Multiply(context, left, right),
                "/" => Numbers.Divide(context, left, right),
                "//" => Numbers.FloorDivide(context, left, right),
                "%" => Numbers.Modulo(context, left, right),
                _ => Numbers.Power(context, left, right),
            };
        }

        switch (symbol, left, right)
        {
            case ("+", string a, string b):
                context.Reserve((long)a.Length + b.Length);
                return a + b;
            case ("+", SequenceValue a, SequenceValue b) when a.Kind == b.Kind && a.Kind is SequenceKind.List or SequenceKind.Tuple:
                context.ReserveItems((long)a.Items.Count + b.Items.Count);
                return new SequenceValue([.. a.Items, .. b.Items], a.Kind);
            case ("*", string or SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple }, _) when Numbers.TryInteger(right, out var times):
                return Repeat(context, left, times);
            case ("*", _, string or SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple }) when Numbers.TryInteger(left, out var times):
                return Repeat(context, right, times);
            case ("%", string, _):
                throw context.Error("formatting with 'text % value' is not supported; join the pieces with '~'.");
            default:
                throw Fault(context, $"combined by '{symbol}' with", left, right);
        }
    }

    public static object Negate(RenderContext context, object value, bool negative)
    {
        if (!Numbers.IsNumber(value))
            throw context.Error($"'{(negative ? '-' : '+')}' needs a number; {Describe(value)} was found.");
        return negative ? Numbers.Multiply(context, BigInteger.MinusOne, value) : Numbers.Multiply(context, BigInteger.One, value);
    }

    /// <summary>How an error names a value that does not fit.</summary>
    public static string Describe(object value) => value is Undefined undefined ? undefined.Reason : PythonText.TypeName(value);

    private static object Repeat(RenderContext context, object value, BigInteger times)
    {
        // Far beyond every limit, and small enough for the products below.
        var count = (long)BigInteger.Min(BigInteger.Max(times, 0), int.MaxValue);
        if (value is SequenceValue sequence)
        {
            context.ReserveItems(count * sequence.Items.Count);
            var items = new List<object>((int)(count * sequence.Items.Count));
            for (var i = 0; i < count && sequence.Items.Count > 0; i++)
                items.AddRange(sequence.Items);
            return new SequenceValue(items, sequence.Kind);
        }

        var text = (string)value;
        context.Reserve(count * text.Length);
        return text.Length == 0 ? "" : string.Create((int)(count * text.Length), text, static (result, piece) =>
        {
            for (var i = 0; i < result.Length; i += piece.Length)
                piece.CopyTo(result[i..]);
        });
    }

    private static Diagnostics.ChatTemplateException Fault(RenderContext context, string relation, object left, object right)
    {
        var undefined = left as Undefined ?? right as Undefined;
        return context.Error(undefined is not null
            ? $"{undefined.Reason}, so it cannot be used in an expression."
            : $"{PythonText.TypeName(left)} cannot be {relation} {PythonText.TypeName(right)}.");
    }
}
