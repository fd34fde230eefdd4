using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Inner loops in machine code: AVX512-VNNI, for which C# has no intrinsics, multiplies and adds in one instruction.</summary>
/// <remarks>
/// They are encoded once for the process, and called through pointers. Each is a leaf that changes no register whose value its caller expects to keep, and no memory but what it is given; what it computes, other
/// loops compute in C#, bit for bit. They are called without the usual transition: in the widths of models none takes longer than some 20 µs, for which a collection can wait.
/// </remarks>
internal static unsafe class VnniCode
{
    /// <summary>Tokens that meet a tile at once: as many as there are registers for.</summary>
    public const int MostTokens = 8;

    /// <summary>Functions that there are.</summary>
    public const int Functions = ExactAt + 2;

    // Where each kind begins, in the order in which they are assembled.
    private const int ScoresAt = 3 * 2 * MostTokens; // behind the tiles
    private const int ValuesAt = ScoresAt + 2;
    private const int PeaksAt = ValuesAt + 4;
    private const int ExactAt = PeaksAt + 2;

    private static readonly int[] Entries = new int[Functions];
    private static readonly byte* Start = HasInstructions() ? ExecutableMemory.Place(Assemble(Entries)) : null;

    /// <summary>Whether the processor has the instructions, and the system lets code run that is made here.</summary>
    public static bool IsSupported => Start is not null;

    /// <summary>Adds the products of 16 queries with 32 keys, see <see cref="VnniScoreCode"/>: queries, keys and their stride, sums, runs.</summary>
    /// <param name="last">Whether they are the last run of the keys.</param>
    public static delegate* unmanaged[SuppressGCTransition]<short*, short*, long, float*, long, void> Scores(bool last) =>
        (delegate* unmanaged[SuppressGCTransition]<short*, short*, long, float*, long, void>)At(ScoresAt + (last ? 1 : 0));

    /// <summary>Adds a group's weighted values to rows, see <see cref="VnniValueCode"/>: weights, values and their stride, steps, outputs and their stride.</summary>
    /// <param name="rows">16, of 16 columns, or 8, of 32.</param>
    /// <param name="begins">Whether sums begin.</param>
    public static delegate* unmanaged[SuppressGCTransition]<short*, short*, long, float*, float*, long, void> Values(int rows, bool begins) =>
        (delegate* unmanaged[SuppressGCTransition]<short*, short*, long, float*, float*, long, void>)At(ValuesAt + (rows == VnniValueCode.MostRows ? 0 : 2) + (begins ? 1 : 0));

    /// <summary>Multiplies tiles with one to eight tokens.</summary>
    /// <param name="weights">How the weights lie.</param>
    /// <param name="bytesOfX">Whether activations are bytes instead of words.</param>
    /// <param name="tokens">How many tokens.</param>
    public static delegate* unmanaged[SuppressGCTransition]<TileCall*, void> Tile(TileWeights weights, bool bytesOfX, int tokens) =>
        (delegate* unmanaged[SuppressGCTransition]<TileCall*, void>)At((((((int)weights * 2) + (bytesOfX ? 1 : 0)) * MostTokens) + tokens) - 1);

    /// <summary>Multiplies and adds between registers, so many rounds: for a fraction of a millisecond, so with the usual transition.</summary>
    /// <param name="bytes">Whether bytes are multiplied instead of words.</param>
    public static delegate* unmanaged<long, void> Peak(bool bytes) => (delegate* unmanaged<long, void>)At(PeaksAt + (bytes ? 1 : 0));

    /// <summary>Multiplies four tokens with widened rows.</summary>
    /// <param name="transposed">Whether against the grain.</param>
    public static delegate* unmanaged[SuppressGCTransition]<VnniExact*, void> Exact(bool transposed) =>
        (delegate* unmanaged[SuppressGCTransition]<VnniExact*, void>)At(ExactAt + (transposed ? 1 : 0));

    /// <summary>All functions, one after the other.</summary>
    /// <param name="entries">Receives where each begins: tiles by weights, activations and tokens, scores, values, peaks, exact products.</param>
    internal static byte[] Assemble(Span<int> entries)
    {
        var to = new Assembler();
        var next = 0;
        foreach (var weights in (ReadOnlySpan<TileWeights>)[TileWeights.Nf4, TileWeights.Nibbles, TileWeights.Bytes])
        {
            foreach (var bytesOfX in (ReadOnlySpan<bool>)[false, true])
            {
                for (var tokens = 1; tokens <= MostTokens; tokens++)
                {
                    entries[next++] = to.Here;
                    new VnniTileCode(to, weights, bytesOfX, tokens).Write();
                }
            }
        }

        foreach (var last in (ReadOnlySpan<bool>)[false, true])
        {
            entries[next++] = to.Here;
            new VnniScoreCode(to, last).Write();
        }

        foreach (var rows in (ReadOnlySpan<int>)[VnniValueCode.MostRows, VnniValueCode.LeastRows])
        {
            foreach (var begins in (ReadOnlySpan<bool>)[false, true])
            {
                entries[next++] = to.Here;
                new VnniValueCode(to, rows, begins).Write();
            }
        }

        foreach (var bytes in (ReadOnlySpan<bool>)[false, true])
        {
            entries[next++] = to.Here;
            new VnniPeakCode(to, bytes).Write();
        }

        foreach (var transposed in (ReadOnlySpan<bool>)[false, true])
        {
            entries[next++] = to.Here;
            new VnniExactCode(to, transposed).Write();
        }

        return to.ToArray();
    }

    private static byte* At(int function) => Start + Entries[function];

    /// <summary>CPUID 7: ECX bit 11 is AVX512_VNNI. That the system keeps the registers is what the runtime asks before it has AVX-512.</summary>
    private static bool HasInstructions() => OperatingSystem.IsLinux() && Avx512BW.IsSupported && X86Base.X64.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0;
}
