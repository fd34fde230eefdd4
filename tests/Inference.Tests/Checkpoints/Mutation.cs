using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Tests.Checkpoints;

/// <summary>Damages texts as accidents and attackers do.</summary>
internal static class Mutation
{
    private static readonly string[] Numbers =
    [
        "0", "-1", "1", "2", "3", "7", "1e308", "1e999", "-0.0", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "99999999999999999999999999", "1.5", "1e3", "NaN", "null", "\"1\"", "[]", "{}", "true",
    ];

    private static readonly string[] Tokens =
    [
        "{", "}", "[", "]", "\"", ",", ":", "null", "true", "[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":", "\\ud800", "\\u0000", "\"a\":1,", " ", "\n", "\u202e", "../", "/*x*/",
    ];

    /// <summary>A copy with one to three kinds of damage.</summary>
    internal static byte[] Apply(byte[] source, Random random)
    {
        var bytes = source.ToList();
        for (var i = random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
            ApplyOne(bytes, random);
        return [.. bytes];
    }

    private static void ApplyOne(List<byte> bytes, Random random)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes.RemoveRange(at, bytes.Count - at); // truncation
                break;
            case 2:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at));
                break;
            case 3:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]));
                break;
            case 4: // a stretch twice: keys, names, entries
                bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, Math.Min(random.Next(1, 200), bytes.Count - at)));
                break;
            default:
                ReplaceNumber(bytes, at, random);
                break;
        }
    }

    // The commonest way in which a file lies: sizes and offsets.
    private static void ReplaceNumber(List<byte> bytes, int at, Random random)
    {
        var begin = bytes.FindIndex(at, b => char.IsAsciiDigit((char)b));
        if (begin < 0)
            return;
        var end = begin;
        while (end < bytes.Count && char.IsAsciiDigit((char)bytes[end]))
            end++;
        var digits = Encoding.ASCII.GetString([.. bytes.GetRange(begin, end - begin)]);
        var replacement = random.Next(3) > 0 && long.TryParse(digits, CultureInfo.InvariantCulture, out var value)
            ? unchecked(value + random.Next(-8, 9)).ToString(CultureInfo.InvariantCulture)
            : Numbers[random.Next(Numbers.Length)];
        bytes.RemoveRange(begin, end - begin);
        bytes.InsertRange(begin, Encoding.ASCII.GetBytes(replacement));
    }
}
