using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Deepseek.Inference.Configuration;

/// <summary>Sizes of memory as people write them: <c>18.7GiB</c>, <c>24 GB</c>, <c>20401094656</c>.</summary>
/// <remarks>GB is 10⁹ bytes and GiB 2³⁰, as the International Electrotechnical Commission defines them (IEC 80000-13).</remarks>
public static class MemorySize
{
    /// <summary>What a text must be, for messages.</summary>
    internal const string Expected = "a size such as 18.7GiB, 24GB, 512MiB or a number of bytes";

    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000),
        ("B", 1),
    ];

    /// <summary>Reads a size, rounded down to whole bytes.</summary>
    /// <param name="text">A number, with or without a fraction, and a unit: B, KB, MB, GB, TB, KiB, MiB, GiB or TiB in any case; without one it is bytes.</param>
    /// <exception cref="FormatException">The text is no such size, or it is negative or beyond 64 bits.</exception>
    public static long Parse(string text) => TryParse(text, out var bytes)
        ? bytes
        : throw new FormatException($"The size is '{text}'; it must be {Expected}.");

    /// <summary>Reads a size if a text is one.</summary>
    /// <param name="text">A number, with or without a fraction, and a unit.</param>
    /// <param name="bytes">Receives the bytes.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out long bytes)
    {
        bytes = 0;
        if (text is null)
            return false;

        var number = text.Trim();
        var (suffix, factor) = Array.Find(Units, unit => number.EndsWith(unit.Unit, StringComparison.OrdinalIgnoreCase));
        if (suffix is null)
            factor = 1;
        else
            number = number[..^suffix.Length].TrimEnd();

        // Not as a double, which would round the bytes of whole numbers beyond 2⁵³.
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) || value > long.MaxValue / (decimal)factor)
            return false;
        bytes = (long)(value * factor);
        return true;
    }

    /// <summary>A size for readers, in the largest binary unit that leaves 1 or more of it: <c>18.7 GiB</c>.</summary>
    /// <param name="bytes">Bytes, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    public static string Format(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        foreach (var (unit, size) in Units.AsSpan(0, 4))
        {
            if (bytes >= size)
                return string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / size:0.#} {unit}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes} B");
    }

    /// <summary>A size as an option takes it, in whole MiB, rounded up: giving what the text says is enough.</summary>
    internal static string Option(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{(bytes + (1L << 20) - 1) >> 20}MiB");
}
