using System.Globalization;
using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Python's numbers: bool counts as int, int has no width, float is a double.</summary>
internal static class Numbers
{
    public static bool IsNumber(object value) => value is BigInteger or double or bool;

    /// <summary>An int or a bool as an integer.</summary>
    public static bool TryInteger(object value, out BigInteger integer)
    {
        integer = value switch { BigInteger i => i, bool b => b ? 1 : 0, _ => 0 };
        return value is BigInteger or bool;
    }

    public static double ToDouble(object value) => value switch
    {
        double d => d,
        BigInteger i => (double)i,
        bool b => b ? 1 : 0,
        _ => throw new ArgumentException($"{value.GetType().Name} is no number.", nameof(value)),
    };

    /// <summary>Machine words of an integer: what arithmetic on it takes.</summary>
    public static long Size(object value) => value is BigInteger integer ? integer.GetBitLength() / 64 : 0;

    /// <summary>Order of two numbers; null where one is not a number (NaN).</summary>
    public static int? Compare(object left, object right)
    {
        if (TryInteger(left, out var a) && TryInteger(right, out var b))
            return a.CompareTo(b);
        var (x, y) = (ToDouble(left), ToDouble(right));
        return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
    }

    public static object Add(RenderContext context, object left, object right) =>
        TryInteger(left, out var a) && TryInteger(right, out var b) ? Bounded(context, a + b) : ToDouble(left) + ToDouble(right);

    public static object Subtract(RenderContext context, object left, object right) =>
        TryInteger(left, out var a) && TryInteger(right, out var b) ? Bounded(context, a - b) : ToDouble(left) - ToDouble(right);

    public static object Multiply(RenderContext context, object left, object right) =>
        TryInteger(left, out var a) && TryInteger(right, out var b) ? Bounded(context, a * b) : ToDouble(left) * ToDouble(right);

    /// <summary>Python's <c>/</c>: always a float.</summary>
    public static object Divide(RenderContext context, object left, object right) =>
        ToDouble(left) / NonZero(context, ToDouble(right));

    /// <summary>Python's <c>//</c>: rounded towards minus infinity.</summary>
    public static object FloorDivide(RenderContext context, object left, object right)
    {
        if (!TryInteger(left, out var a) || !TryInteger(right, out var b))
        {
            var (x, y) = (ToDouble(left), NonZero(context, ToDouble(right)));
            var truncated = x % y;
            var whole = (x - truncated) / y; // nearly an integer, and one too high where the signs differ
            if (truncated != 0 && (truncated < 0) != (y < 0))
                whole--;
            var floor = Math.Floor(whole);
            return whole - floor > 0.5 ? floor + 1 : floor;
        }

        NonZero(context, b.IsZero ? 0 : 1);
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return remainder.IsZero || remainder.Sign == b.Sign ? quotient : quotient - 1;
    }

    /// <summary>Python's <c>%</c>: the remainder has the sign of the divisor.</summary>
    public static object Modulo(RenderContext context, object left, object right)
    {
        if (!TryInteger(left, out var a) || !TryInteger(right, out var b))
            return FloatModulo(ToDouble(left), NonZero(context, ToDouble(right)));

        NonZero(context, b.IsZero ? 0 : 1);
        var remainder = BigInteger.Remainder(a, b);
        return remainder.IsZero || remainder.Sign == b.Sign ? remainder : remainder + b;
    }

    public static object Power(RenderContext context, object left, object right)
    {
        if (TryInteger(left, out var a) && TryInteger(right, out var b) && b.Sign >= 0)
        {
            // Of magnitude 0 and 1 every power is small; of the others the exponent bounds the bits from below.
            if (BigInteger.Abs(a) <= 1)
                return b.IsZero ? BigInteger.One : b.IsEven ? a * a : a;
            if (b > TemplateLimits.IntegerBits || (BigInteger.Abs(a).GetBitLength() - 1) * (long)b > TemplateLimits.IntegerBits)
                throw context.Error($"the power exceeds the limit of {TemplateLimits.IntegerBits} bits of an integer.");
            return Bounded(context, BigInteger.Pow(a, (int)b));
        }

        var (x, y) = (ToDouble(left), ToDouble(right));
        if (x == 0 && y < 0)
            throw context.Error("0 cannot be raised to a negative power.");
        if (x < 0 && y != Math.Floor(y))
            throw context.Error("a negative number cannot be raised to a fractional power.");
        return Math.Pow(x, y);
    }

    public static object Bounded(RenderContext context, BigInteger value) =>
        BigInteger.Abs(value).GetBitLength() <= TemplateLimits.IntegerBits
            ? value
            : throw context.Error($"an integer exceeds the limit of {TemplateLimits.IntegerBits} bits.");

    /// <summary>Python's <c>repr</c> of a float: the shortest digits that give the value back, with an exponent below 1e-4 and from 1e16.</summary>
    public static string Format(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        if (value == 0)
            return double.IsNegative(value) ? "-0.0" : "0.0";

        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var sign = value < 0 ? "-" : "";
        var (digits, exponent) = Decompose(shortest.TrimStart('-'));
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return digits.Length <= exponent + 1
            ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    // Significant digits, and the power of ten of the first.
    private static (string Digits, int Exponent) Decompose(string number)
    {
        var e = number.IndexOf('E', StringComparison.Ordinal);
        var exponent = e < 0 ? 0 : int.Parse(number.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = e < 0 ? number : number[..e];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa.Length : point;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var leading = digits.Length - digits.TrimStart('0').Length;
        return (digits.Trim('0'), exponent + whole - 1 - leading);
    }

    private static double FloatModulo(double left, double right)
    {
        var remainder = left % right;
        return remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
    }

    private static double NonZero(RenderContext context, double divisor) =>
        divisor != 0 ? divisor : throw context.Error("division by zero.");
}
