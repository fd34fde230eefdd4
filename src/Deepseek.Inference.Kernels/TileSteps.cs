namespace Deepseek.Inference.Kernels;

/// <summary>What machine code for the products of tiles has in common, whatever its vectors: where things lie, and the way from tile to tile.</summary>
/// <param name="to">Receives it.</param>
internal readonly struct TileSteps(Assembler to)
{
    /// <summary>The <see cref="TileCall"/>.</summary>
    public const Register Call = Register.Rax;

    /// <summary>The line that is multiplied.</summary>
    public const Register Weights = Register.Rcx;

    public const int Line = BandLayout.LineBytes;

    /// <summary>Pieces of a line.</summary>
    public const int Pieces = Line / BandLayout.PieceBytes;

    /// <summary>Partial sums lie [tokens × 8 × 16].</summary>
    public const int Lanes = ProductShape.Lanes;

    /// <summary>Bytes of one partial sum of all rows.</summary>
    public const int LaneBytes = TileSource.Rows * sizeof(float);

    /// <summary>Bytes of a token's.</summary>
    public const int TokenBytes = Lanes * LaneBytes;

    /// <summary>A field of the call.</summary>
    public static Address Field(string name) => Address.Field<TileCall>(Call, name);

    /// <summary>By how many bits a shift divides by a power of two.</summary>
    public static byte BitsOf(int factor) => (byte)int.Log2(factor);

    /// <summary>Asks for what lies ahead of a line, as <see cref="BandProducts.Ask"/> does.</summary>
    public void Ask(Register from, int line)
    {
        to.PrefetchT1(new Address(from, line + BandProducts.FarAhead));
        to.PrefetchT0(new Address(from, line + BandProducts.Ahead));
    }

    /// <summary>Counts a tile.</summary>
    /// <returns>The jump that is taken when it was the last one.</returns>
    public int EndTile()
    {
        to.Sub(Field(nameof(TileCall.Tiles)), 1);
        return to.Jz();
    }

    /// <summary>What lies behind a tile is the next one: its scales, then its lines.</summary>
    /// <param name="zero">A free register.</param>
    /// <param name="end">Another one.</param>
    public void BeginTile(Register zero, Register end)
    {
        to.Sub(zero, zero);
        to.Mov(Field(nameof(TileCall.At)), zero);
        to.Add(Field(nameof(TileCall.Outputs)), LaneBytes);
        to.Mov(Field(nameof(TileCall.Scales)), Weights);
        to.Mov(end, Weights);
        to.Add(end, Field(nameof(TileCall.ScaleBytes)));
        var next = to.Here;
        Ask(Weights, 0);
        to.Add(Weights, Line);
        to.Cmp(Weights, end);
        to.Jb(next);
    }
}
