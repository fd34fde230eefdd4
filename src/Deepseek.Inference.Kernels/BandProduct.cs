using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>One band, the tokens that it meets, and where the outputs go.</summary>
/// <param name="path">The instruction set.</param>
/// <param name="layout">Where the matrix' weights lie.</param>
/// <param name="band">The band, from 0.</param>
/// <param name="source">The band's bytes.</param>
/// <param name="x">The activations.</param>
/// <param name="tokens">Which of the prepared tokens, [count]; null for the first ones.</param>
/// <param name="count">How many.</param>
/// <param name="y">Receives y[i · stride + row] of the i-th of them.</param>
/// <param name="stride">Elements from one token's outputs to the next one's.</param>
/// <param name="next">A band that the thread will probably read next; null if it is not known.</param>
internal readonly unsafe struct BandProduct(KernelPath path, BandLayout layout, int band, byte* source, PreparedActivations x, int* tokens, int count, float* y, long stride, byte* next)
{
    /// <summary>Parts in which the next band's begin is asked for.</summary>
    public const int NextParts = 4;

    // The first tile's scales. Where bands follow one another the lines were asked for, too; more here costs more than it brings.
    private const int FirstBytes = 512;

    private readonly int _header = layout.HeaderBytesOf(band);
    private readonly int _tileRows = layout.TileRows;
    private readonly int _tileHeader = layout.TileHeaderBytes;

    public readonly KernelPath Path = path;
    public readonly BandLayout Layout = layout;
    public readonly int Band = band;
    public readonly byte* Source = source;
    public readonly byte* Next = next;
    public readonly int Count = count;
    public readonly int RowCount = layout.RowsOf(band);

    /// <summary>Bytes of a tile of the layout.</summary>
    public readonly int TileBytes = layout.TileBytes;

    /// <summary>What sums are multiplied by to become outputs.</summary>
    public readonly float Factor = ProductShape.FactorOf(layout.Precision, x.Precision);

    /// <summary>Elements from one token's outputs to the next one's.</summary>
    public readonly long Stride = stride;

    /// <summary>Bytes of a token's blocks.</summary>
    public readonly long XBytes = (long)layout.BlocksPerRow * x.BlockStride;

    /// <summary>Blocks of a row.</summary>
    public readonly int Blocks = layout.BlocksPerRow;

    /// <summary>Asks for the begin of a band, which no stream of weights announces: its scales. From there on kernels ask for what lies ahead.</summary>
    public void Prefetch() => Prefetch(Source, 0, _header + FirstBytes);

    /// <summary>Asks for a part of the begin of the next band.</summary>
    /// <param name="part">The part, 0 to 3.</param>
    public void PrefetchNext(int part)
    {
        if (Next is null)
            return;
        var bytes = (_header + FirstBytes) / NextParts;
        Prefetch(Next, part * bytes, (part + 1) * bytes);
    }

    /// <summary>Asks for lines.</summary>
    /// <param name="lines">Where they are counted from.</param>
    /// <param name="from">The first one's first byte.</param>
    /// <param name="end">The byte after the last one.</param>
    public static void Prefetch(byte* lines, int from, int end)
    {
        if (!Sse.IsSupported)
            return;
        for (var at = from; at < end; at += BandLayout.LineBytes)
            Sse.Prefetch0(lines + at);
    }

    /// <summary>16 rows, as kernels take them.</summary>
    /// <param name="row">The first, a multiple of 16.</param>
    /// <param name="scratch">Room for a line of each row, or for all lines, at a multiple of 64.</param>
    public TileSource TileAt(int row, byte* scratch) => new(Lines(Source, row), TileBytes, Math.Min(TileSource.Rows, RowCount - row), scratch);

    /// <summary>The first byte of a tile of the layout: its scales, where it has them.</summary>
    /// <param name="row">The tile's first row.</param>
    public byte* Tile(int row) => Source + _header + ((long)(row / _tileRows) * TileBytes);

    /// <summary>Asks for what lies ahead of a tile's scales, as kernels do for what lies ahead of its lines.</summary>
    /// <param name="row">The tile's first row.</param>
    public void AskAhead(int row)
    {
        var tile = Tile(row) + BandProducts.Ahead;
        for (var at = 0; at < _tileHeader; at += BandLayout.LineBytes)
            BandProducts.Ask(tile + at);
    }

    /// <summary>A tile's first line, in this band or another one.</summary>
    public byte* Lines(byte* band, int row) => band + _header + _tileHeader + ((long)(row / _tileRows) * TileBytes);

    /// <summary>A token as kernels take it.</summary>
    public BandToken Token(int index) => new(Activations(index), ActivationScales(index));

    /// <summary>A token's blocks of activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Activations(int index) => x.Blocks + (At(index) * x.BlockStride);

    /// <summary>Their scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* ActivationScales(int index) => x.Scales + (At(index) * x.ScaleStride);

    /// <summary>Where a row's output goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Output(int index, int row) => y + (index * Stride) + row;

    /// <summary>Writes the outputs of four rows, as far as the band has them.</summary>
    public void Write(int index, int row, Vector128<float> sums)
    {
        var to = Output(index, row);
        var outputs = sums * Factor;
        if (row + Vector128<float>.Count <= RowCount)
        {
            outputs.Store(to);
            return;
        }

        for (var i = 0; i < RowCount - row; i++)
            to[i] = outputs[i];
    }

    /// <summary>Writes the outputs of eight rows, as far as the band has them.</summary>
    public void Write(int index, int row, Vector256<float> sums)
    {
        if (row + Vector256<float>.Count <= RowCount)
        {
            (sums * Factor).Store(Output(index, row));
            return;
        }

        Write(index, row, sums.GetLower());
        Write(index, row + Vector128<float>.Count, sums.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long At(int index) => (long)(tokens is null ? index : tokens[index]) * Blocks;
}
