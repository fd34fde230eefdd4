using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Chooses the kernels' instruction set, once for the process.</summary>
/// <remarks>The best available one is taken unless the environment variable <c>DEEPSEEK_KERNELS</c> names another.</remarks>
public static class KernelPaths
{
    /// <summary>The environment variable that forces a path: <c>scalar</c>, <c>vector128</c>, <c>avx2</c>, <c>avx512</c> or <c>avx512vnni</c>.</summary>
    public const string Variable = "DEEPSEEK_KERNELS";

    private static readonly bool HasAvx512 = Avx512F.VL.IsSupported && Avx512BW.VL.IsSupported && Avx512CD.VL.IsSupported && Avx512DQ.VL.IsSupported;

    // Slowest first. The AVX-512 subsets are those that every server processor since Skylake-SP has together.
    private static readonly (KernelPath Path, string Name, bool Supported)[] Paths =
    [
        (KernelPath.Scalar, "scalar", true),
        (KernelPath.Vector128, "vector128", Vector128.IsHardwareAccelerated),
        (KernelPath.Avx2, "avx2", Avx2.IsSupported && Fma.IsSupported),
        (KernelPath.Avx512, "avx512", HasAvx512),
        (KernelPath.Avx512Vnni, "avx512vnni", HasAvx512 && VnniCode.IsSupported),
    ];

    // An exception out of a static initializer would reach callers as a TypeInitializationException; so the fault waits here.
    private static readonly (KernelPath Path, string? Fault) Choice = Choose(Environment.GetEnvironmentVariable(Variable));

    /// <summary>The paths that this machine can run, slowest first.</summary>
    public static IReadOnlyList<KernelPath> Available { get; } = [.. Paths.Where(p => p.Supported).Select(p => p.Path)];

    /// <summary>The path that kernels use.</summary>
    /// <exception cref="PlatformNotSupportedException">The environment variable names an unknown path, or one that this machine cannot run.</exception>
    public static KernelPath Selected => Choice.Fault is null ? Choice.Path : throw new PlatformNotSupportedException(Choice.Fault);

    /// <summary>The path that a value of the environment variable chooses, or what is wrong with the value.</summary>
    internal static (KernelPath Path, string? Fault) Choose(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return (Paths.Last(p => p.Supported).Path, null);

        foreach (var (path, name, supported) in Paths)
        {
            if (!name.Equals(value, StringComparison.OrdinalIgnoreCase))
                continue;
            return (path, supported ? null : $"{Variable} is \"{value}\", which this machine cannot run; it must be {Names(available: true)}, or be unset.");
        }

        return (KernelPath.Scalar, $"{Variable} is \"{value}\"; it must be {Names(available: false)}, or be unset.");
    }

    private static string Names(bool available) => string.Join(" or ", Paths.Where(p => p.Supported || !available).Select(p => p.Name));
}
