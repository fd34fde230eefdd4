using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Products of tiles of 4-bit weights with one to four tokens in machine code of AVX2, in the order of <see cref="ActivationOrder.Words"/>.</summary>
/// <remarks>
/// C# has these instructions, but not the say on what lies between them: constants are read again every turn, addresses are computed before lines are asked for, sums leave their registers. A quarter of the instructions are such, and
/// where a core is shared with another program each of them costs. Placed and called as <see cref="VnniCode"/> is; a call takes some 60 µs at most.
/// </remarks>
internal readonly unsafe struct WordTiles : ITileCode
{
    /// <summary>Tokens that meet a tile at once: as many as there are registers for.</summary>
    public const int AtOnce = 4;

    /// <summary>Up to so many tokens they are faster than weights that are decoded once for all; from nine to twelve they are as fast.</summary>
    public const int FewTokens = 8;

    /// <summary>Functions that there are.</summary>
    public const int Functions = 2 * AtOnce;

    private static readonly int[] Entries = new int[Functions];
    private static readonly byte* Start = HasInstructions() ? ExecutableMemory.Place(Assemble(Entries)) : null;
    private static readonly byte* Vectors = Keep();

    /// <summary>Whether the processor has the instructions, and not AVX-VNNI's, and the system lets code run that is made here.</summary>
    public static bool IsSupported => Start is not null;

    public static int MostTokens => AtOnce;

    public static byte* Tables(TileWeights weights) => Vectors;

    public static delegate* unmanaged[SuppressGCTransition]<TileCall*, void> Function(TileWeights weights, int tokens) =>
        (delegate* unmanaged[SuppressGCTransition]<TileCall*, void>)(Start + Entries[((int)weights * AtOnce) + tokens - 1]);

    /// <summary>All functions, one after the other.</summary>
    /// <param name="entries">Receives where each begins, by weights and tokens.</param>
    internal static byte[] Assemble(Span<int> entries)
    {
        var to = new Assembler();
        var next = 0;
        foreach (var weights in (ReadOnlySpan<TileWeights>)[TileWeights.Nf4, TileWeights.Nibbles])
        {
            for (var tokens = 1; tokens <= AtOnce; tokens++)
            {
                entries[next++] = to.Here;
                new WordTileCode(to, weights, tokens).Write();
            }
        }

        return to.ToArray();
    }

    // With AVX-VNNI, which C# has, products and additions are one instruction.
    private static bool HasInstructions() => OperatingSystem.IsLinux() && X86Base.X64.IsSupported && Avx2.IsSupported && Fma.IsSupported && !AvxVnni.IsSupported;

    private static byte* Keep() =>
        KeptMemory.Of<byte>(MemoryMarshal.AsBytes<Vector256<byte>>([ProductTables.WordLow, ProductTables.WordHigh, Vector256.Create<byte>(0xF)]));
}
