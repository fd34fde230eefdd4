using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Models;

/// <summary>Names of what activations are rounded to, as the tool's options and results write them.</summary>
public static class ActivationPrecisions
{
    private static readonly NamedValues<ActivationPrecision> Table = new((ActivationPrecision.Fp32, "fp32"), (ActivationPrecision.Int16, "int16"), (ActivationPrecision.Int8, "int8"));

    /// <summary>Every name, for messages and help.</summary>
    public static IReadOnlyList<string> Names => Table.Names;

    /// <summary>A precision's name.</summary>
    /// <param name="precision">The precision.</param>
    /// <exception cref="ArgumentOutOfRangeException">The precision is unknown.</exception>
    public static string Name(this ActivationPrecision precision) =>
        Table.NameOf(precision) ?? throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision is unknown; it must be Fp32, Int16 or Int8.");

    /// <summary>The precision of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="precision">The precision where the name is known.</param>
    public static bool TryParse(string? name, out ActivationPrecision precision) => Table.TryParse(name, out precision);
}
