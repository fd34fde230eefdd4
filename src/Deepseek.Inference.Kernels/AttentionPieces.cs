using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>What workers share of one token's attention: each block over each split, what came of it, and how much of it is done.</summary>
/// <remarks>All rows are of one token, so they see the same of a split.</remarks>
internal sealed unsafe class AttentionPieces
{
    private byte* _pieces;
    private float* _results; // [splits], each of all rows
    private PartialResult* _rows; // [rows, splits]
    private int* _done; // groups of each block and split, then splits of each block
    private nint _pieceBytes;

    /// <summary>Groups of positions up to the token's.</summary>
    public int Groups { get; private set; }

    /// <summary>Splits of which the token sees something.</summary>
    public int SeenSplits { get; private set; }

    /// <summary>Makes room for a call of one token, and notes what it sees.</summary>
    public void Begin(in AttentionCall call, AlignedMemory memory)
    {
        var (splits, pieces, rows) = (call.Splits, call.Blocks * call.Splits, call.Blocks * call.BlockRows);
        Groups = (int)Lengths.CeilDiv(call.Positions, AttentionCall.GroupPositions);
        byte* end = null;
        _ = new AttentionPiece(call, ref end);
        _pieceBytes = (nint)end;
        var resultBytes = splits * PartialResults.LengthOf(rows, call.PartialStride) * sizeof(float);
        var rowBytes = (long)rows * splits * sizeof(PartialResult);
        var doneBytes = (long)(pieces + call.Blocks) * sizeof(int);
        _pieces = memory.Reserve((nuint)((pieces * _pieceBytes) + resultBytes + rowBytes + doneBytes));
        _results = (float*)(_pieces + (pieces * _pieceBytes));
        _rows = (PartialResult*)((byte*)_results + resultBytes);
        _done = (int*)((byte*)_rows + rowBytes);
        NativeMemory.Clear(_done, (nuint)doneBytes);

        SeenSplits = 0;
        for (var split = 0; split < splits; split++)
        {
            var visible = call.Visible(0, split);
            SeenSplits += visible.IsEmpty ? 0 : 1;
            for (var block = 0; block < call.Blocks; block++)
                new Span<VisiblePositions>(Piece(call, block, split).Visible, call.BlockRows).Fill(visible);
        }
    }

    /// <summary>A block over a split.</summary>
    public AttentionPiece Piece(in AttentionCall call, int block, int split)
    {
        var at = _pieces + (((block * call.Splits) + split) * _pieceBytes);
        return new AttentionPiece(call, ref at);
    }

    /// <summary>What came of a block over a split.</summary>
    public PartialResults Results(in AttentionCall call, int block, int split) =>
        PartialResults.At(_results, split, call.Blocks * call.BlockRows, call.PartialStride).From(block * call.BlockRows);

    /// <summary>What came of a row over the splits of which it sees something, [seen splits].</summary>
    public PartialResult* Row(in AttentionCall call, int block, int row) => _rows + (((block * call.BlockRows) + row) * (long)call.Splits);

    /// <summary>Says that a group has been scored, and whether it was the last one of the split: then all have been.</summary>
    public bool EndsSplit(in AttentionCall call, int block, int split) =>
        Interlocked.Increment(ref _done[(block * call.Splits) + split]) == Math.Min(AttentionCall.SplitGroups, Groups - (split * AttentionCall.SplitGroups));

    /// <summary>Says that a split has been weighed, and whether it was the block's last one.</summary>
    public bool EndsBlock(in AttentionCall call, int block) => Interlocked.Increment(ref _done[(call.Blocks * call.Splits) + block]) == call.Splits;

    /// <summary>Joins the largest scores and sums of weights of each row of a block, and finds the factors of its values.</summary>
    public void JoinRows(in AttentionCall call, int block)
    {
        var rows = call.Block(block).Rows;
        for (int split = 0, seen = 0; split < call.Splits; split++)
        {
            if (Piece(call, block, split).Visible->IsEmpty)
                continue;

            var results = Results(call, block, split);
            for (var row = 0; row < rows; row++)
                Row(call, block, row)[seen] = results[row];
            seen++;
        }

        for (var row = 0; row < rows; row++)
        {
            var parts = Row(call, block, row);
            parts->Join(parts + 1, SeenSplits - 1);
        }
    }
}
