using System.Numerics;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>The rows of a band as blocks of 64 columns, in the order of their scales: 16 rows' first blocks, their second ones, …; what rows and columns lack are zeros.</summary>
internal readonly ref struct Nf4Blocks
{
    private const int Block = BandLayout.BlockColumns;
    private const int Rows = BandLayout.InterleavedRows;

    private readonly ReadOnlySpan<float> _weights; // [rows × columns]
    private readonly ReadOnlySpan<float> _importance; // [blocksPerRow × 64] or empty
    private readonly int _columns;
    private readonly int _blocksPerRow;

    /// <summary>Sees rows as blocks.</summary>
    /// <param name="weights">The weights, [rows × columns].</param>
    /// <param name="importance">How much the square of an error in each column counts, [columns]; empty for all alike.</param>
    /// <param name="columns">Columns of a row.</param>
    public Nf4Blocks(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, int columns)
    {
        _columns = columns;
        _blocksPerRow = (int)Lengths.CeilDiv(columns, Block);
        _weights = weights;
        _importance = importance;
        if (importance.Length % Block != 0)
        {
            var filled = new float[_blocksPerRow * Block];
            importance.CopyTo(filled);
            _importance = filled;
        }
    }

    /// <summary>Blocks of all rows, and of those that fill up the last 16.</summary>
    public int Count => (int)Lengths.CeilDiv(_weights.Length / _columns, Rows) * Rows * _blocksPerRow;

    /// <summary>The weights of a block, without what fills it up.</summary>
    public ReadOnlySpan<float> WeightsOf(int index)
    {
        var (tile, block) = Math.DivRem(index / Rows, _blocksPerRow);
        var first = (((tile * Rows) + (index % Rows)) * _columns) + (block * Block);
        return first < _weights.Length ? _weights.Slice(first, Math.Min(Block, _columns - (block * Block))) : default;
    }

    /// <summary>How much the square of each weight's error counts, [64]; empty for all alike.</summary>
    public ReadOnlySpan<float> ImportanceOf(int index) => _importance.IsEmpty ? default : _importance.Slice(index / Rows % _blocksPerRow * Block, Block);

    /// <summary>Writes the weights of a block times a factor.</summary>
    /// <param name="index">The block.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="destination">Receives the block, [64].</param>
    public void CopyScaled(int index, float factor, Span<float> destination)
    {
        var weights = WeightsOf(index);
        destination[weights.Length..].Clear();
        ref var from = ref MemoryMarshal.GetReference(weights);
        ref var to = ref MemoryMarshal.GetReference(destination);
        var i = 0;
        for (; i <= weights.Length - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.LoadUnsafe(ref from, (nuint)i) * factor).StoreUnsafe(ref to, (nuint)i);
        for (; i < weights.Length; i++)
            destination[i] = weights[i] * factor;
    }
}
