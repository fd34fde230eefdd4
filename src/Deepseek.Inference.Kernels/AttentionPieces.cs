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

    /// <summary>Splits that workers take whole, the first ones: of these there are no pieces.</summary>
    public int Whole { get; private set; }

    /// <summary>Groups of positions behind them, up to the token's.</summary>
    public int Groups { get; private set; }

    /// <summary>Splits of which the token sees something.</summary>
    public int SeenSplits { get; private set; }

    /// <summary>Makes room for a call of one token, and notes what it sees.</summary>
    /// <param name="call">The call.</param>
    /// <param name="whole">Splits that workers take whole.</param>
    /// <param name="memory">Where it lies.</param>
    public void Begin(in AttentionCall call, int whole, AlignedMemory memory)
    {
        var (splits, pieces, rows) = (call.Splits, call.Blocks * (call.Splits - whole), call.Blocks * call.BlockRows);
        Whole = whole;
        Groups = (int)Lengths.CeilDiv(Math.Max(0, call.Positions - ((long)whole * AttentionCall.SplitPositions)), AttentionCall.GroupPositions);
        byte* end = null;
        _ = new AttentionPiece(call, ref end);
        _pieceBytes = (nint)end;
        var resultBytes = ResultBytes(call);
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
            for (var block = 0; split >= whole && block < call.Blocks; block++)
                new Span<VisiblePositions>(Piece(call, block, split).Visible, call.BlockRows).Fill(visible);
        }
    }

    /// <summary>Bytes that a call's partial results take.</summary>
    public static long ResultBytes(in AttentionCall call) => call.Splits * PartialResults.LengthOf(call.Blocks * call.BlockRows, call.PartialStride) * sizeof(float);

    /// <summary>A block over a split.</summary>
    public AttentionPiece Piece(in AttentionCall call, int block, int split)
    {
        var at = _pieces + (PieceOf(call, block, split) * _pieceBytes);
        return new AttentionPiece(call, ref at);
    }

    /// <summary>What came of a block over a split.</summary>
    public PartialResults Results(in AttentionCall call, int block, int split) =>
        PartialResults.At(_results, split, call.Blocks * call.BlockRows, call.PartialStride).From(block * call.BlockRows);

    /// <summary>What came of a row over the splits of which it sees something, [seen splits].</summary>
    public PartialResult* Row(in AttentionCall call, int block, int row) => _rows + (((block * call.BlockRows) + row) * (long)call.Splits);

    /// <summary>Says that a group has been scored, and whether it was the last one of the split: then all have been.</summary>
    public bool EndsSplit(in AttentionCall call, int block, int split) =>
        Interlocked.Increment(ref _done[PieceOf(call, block, split)]) == Math.Min(AttentionCall.SplitGroups, Groups - ((split - Whole) * AttentionCall.SplitGroups));

    /// <summary>Says that a block is done with a split, and whether it was the block's last one.</summary>
    public bool EndsBlock(in AttentionCall call, int block) => Interlocked.Increment(ref _done[PieceOf(call, call.Blocks, Whole) + block]) == call.Splits;

    /// <summary>Joins the largest scores and sums of weights of each row of a block, and finds the factors of its values.</summary>
    public void JoinRows(in AttentionCall call, int block)
    {
        var rows = call.Block(block).Rows;
        for (int split = 0, seen = 0; split < call.Splits; split++)
        {
            if (call.Visible(0, split).IsEmpty)
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

    private int PieceOf(in AttentionCall call, int block, int split) => (block * (call.Splits - Whole)) + split - Whole;
}
