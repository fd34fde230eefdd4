using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Caching;

/// <summary>Names of the precisions of caches, as the tool's options and results write them.</summary>
public static class CachePrecisions
{
    private static readonly NamedValues<CachePrecision> Table = new((CachePrecision.Float32, "fp32"), (CachePrecision.BFloat16, "bf16"), (CachePrecision.Float16, "fp16"), (CachePrecision.Int16, "int16"));

    /// <summary>Every name, for messages and help.</summary>
    public static IReadOnlyList<string> Names => Table.Names;

    /// <summary>A precision's name.</summary>
    /// <param name="precision">The precision.</param>
    /// <exception cref="ArgumentOutOfRangeException">The precision is unknown.</exception>
    public static string Name(this CachePrecision precision) =>
        Table.NameOf(precision) ?? throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision is unknown; it must be Float32, BFloat16, Float16 or Int16.");

    /// <summary>The precision of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="precision">The precision where the name is known.</param>
    public static bool TryParse(string? name, out CachePrecision precision) => Table.TryParse(name, out precision);
}
