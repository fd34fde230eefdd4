using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>In which form a store keeps a class of weights.</summary>
public enum StorePrecision
{
    /// <summary>As the checkpoint has them: no weight changes.</summary>
    Keep,

    /// <summary>4 bits with signed scales: the least error at this size.</summary>
    Nf4,

    /// <summary>4 bits with bitsandbytes' scales, each chosen for the least squared error. Rows must be a multiple of 64 columns.</summary>
    Nf4Searched,

    /// <summary>4 bits bit for bit as bitsandbytes makes them. Rows must be a multiple of 64 columns.</summary>
    Nf4Reference,

    /// <summary>8 bits, a scale a row.</summary>
    Int8,

    /// <summary>8 bits, a scale for 64 columns of a row.</summary>
    Int8Block,

    /// <summary>e4m3, a scale for a block of 128 × 128.</summary>
    Fp8,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>Half precision.</summary>
    F16,

    /// <summary>Single precision.</summary>
    F32,
}

/// <summary>Names of precisions, as the tool's options and manifests write them.</summary>
public static class StorePrecisions
{
    private static readonly (StorePrecision Precision, string Name, WeightPrecision? Layout)[] Table =
    [
        (StorePrecision.Keep, "keep", null),
        (StorePrecision.Nf4, "nf4", WeightPrecision.Nf4),
        (StorePrecision.Nf4Searched, "nf4-searched", WeightPrecision.Nf4Dynamic),
        (StorePrecision.Nf4Reference, "nf4-reference", WeightPrecision.Nf4Dynamic),
        (StorePrecision.Int8, "int8", WeightPrecision.Int8),
        (StorePrecision.Int8Block, "int8-block", WeightPrecision.Int8Block),
        (StorePrecision.Fp8, "fp8", WeightPrecision.Fp8),
        (StorePrecision.BF16, "bf16", WeightPrecision.BF16),
        (StorePrecision.F16, "f16", WeightPrecision.F16),
        (StorePrecision.F32, "f32", WeightPrecision.F32),
    ];

    private static readonly NamedValues<StorePrecision> Named = new([.. Table.Select(row => (row.Precision, row.Name))]);

    /// <summary>Every name, for messages and help.</summary>
    public static IReadOnlyList<string> Names => Named.Names;

    /// <summary>A precision's name.</summary>
    /// <param name="precision">The precision.</param>
    public static string Name(this StorePrecision precision) => Named.NameOf(precision)!;

    /// <summary>How weights of a precision are laid out; nothing for <see cref="StorePrecision.Keep"/>, which a plan replaces by what the checkpoint has.</summary>
    internal static WeightPrecision Layout(this StorePrecision precision) =>
        Array.Find(Table, row => row.Precision == precision).Layout ?? throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision has no layout of its own.");

    /// <summary>The precision of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="precision">The precision where the name is known.</param>
    public static bool TryParse(string? name, out StorePrecision precision) => Named.TryParse(name, out precision);
}
