using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>What workers share of one token's attention: what came of each block over each split, how much of it is done, and the scores and weights of the splits that are shared by groups of positions.</summary>
/// <remarks>All rows are of one token, so they see the same of a split. Splits are counted among those of which the token sees something.</remarks>
internal sealed unsafe class AttentionPieces
{
    private byte* _pieces;
    private float* _results; // [splits], each of all rows
    private PartialResult* _rows; // [rows, splits]
    private int* _doneGroups; // [blocks, splits behind the whole ones]
    private int* _doneSplits; // [blocks]
    private nint _pieceBytes;

    /// <summary>Splits that workers take whole, the first ones: of these there are no pieces.</summary>
    public int Whole { get; private set; }

    /// <summary>Groups of positions behind them, up to the token's.</summary>
    public int Groups { get; private set; }

    /// <summary>Makes room for a call of one token, and notes what it sees.</summary>
    /// <param name="call">The call.</param>
    /// <param name="whole">Splits that workers take whole.</param>
    /// <param name="memory">Where it lies.</param>
    public void Begin(in AttentionCall call, int whole, AlignedMemory memory)
    {
        var left = call.SeenSplits - whole;
        Whole = whole;
        Groups = left == 0 ? 0 : ((left - 1) * AttentionCall.SplitGroups) + (int)Lengths.CeilDiv(call.LastPositions, AttentionCall.GroupPositions);
        byte* end = null;
        _ = new AttentionPiece(call, ref end);
        _pieceBytes = (nint)end;
        var pieces = call.Blocks * left;
        var resultBytes = ResultBytes(call);
        var rowBytes = (long)call.Blocks * call.BlockRows * call.SeenSplits * sizeof(PartialResult);
        var doneBytes = (long)(pieces + call.Blocks) * sizeof(int);
        _pieces = memory.Reserve((nuint)((pieces * _pieceBytes) + resultBytes + rowBytes + doneBytes));
        _results = (float*)(_pieces + (pieces * _pieceBytes));
        _rows = (PartialResult*)((byte*)_results + resultBytes);
        _doneGroups = (int*)((byte*)_rows + rowBytes);
        _doneSplits = _doneGroups + pieces;
        NativeMemory.Clear(_doneGroups, (nuint)doneBytes);
        for (var split = whole; split < call.SeenSplits; split++)
        {
            var visible = call.Visible(0, call.SplitAt(split));
            for (var block = 0; block < call.Blocks; block++)
                new Span<VisiblePositions>(Piece(call, block, split).Visible, call.BlockRows).Fill(visible);
        }
    }

    /// <summary>Bytes that a call's partial results take.</summary>
    public static long ResultBytes(in AttentionCall call) => call.SeenSplits * PartialResults.LengthOf(call.Blocks * call.BlockRows, call.PartialStride) * sizeof(float);

    /// <summary>A block over a split behind the whole ones.</summary>
    public AttentionPiece Piece(in AttentionCall call, int block, int split)
    {
        var at = _pieces + (PieceOf(call, block, split) * _pieceBytes);
        return new AttentionPiece(call, ref at);
    }

    /// <summary>What came of a block over a split.</summary>
    public PartialResults Results(in AttentionCall call, int block, int split) =>
        PartialResults.At(_results, split, call.Blocks * call.BlockRows, call.PartialStride).From(block * call.BlockRows);

    /// <summary>What came of a row over the splits of which it sees something, [seen splits].</summary>
    public PartialResult* Row(in AttentionCall call, int block, int row) => _rows + (((block * call.BlockRows) + row) * (long)call.SeenSplits);

    /// <summary>Says that a group has been scored, and whether it was the last one of the split: then all have been.</summary>
    public bool EndsSplit(in AttentionCall call, int block, int split) =>
        Interlocked.Increment(ref _doneGroups[PieceOf(call, block, split)]) == Math.Min(AttentionCall.SplitGroups, Groups - ((split - Whole) * AttentionCall.SplitGroups));

    /// <summary>Says that a block is done with a split, and whether it was the block's last one.</summary>
    public bool EndsBlock(in AttentionCall call, int block) => Interlocked.Increment(ref _doneSplits[block]) == call.SeenSplits;

    /// <summary>Joins the largest scores and sums of weights of each row of a block, and finds the factors of its values.</summary>
    public void JoinRows(in AttentionCall call, int block)
    {
        var rows = call.Block(block).Rows;
        for (var split = 0; split < call.SeenSplits; split++)
        {
            var results = Results(call, block, split);
            for (var row = 0; row < rows; row++)
                Row(call, block, row)[split] = results[row];
        }

        for (var row = 0; row < rows; row++)
        {
            var parts = Row(call, block, row);
            parts->Join(parts + 1, call.SeenSplits - 1);
        }
    }

    private int PieceOf(in AttentionCall call, int block, int split) => (block * (call.SeenSplits - Whole)) + split - Whole;
}
