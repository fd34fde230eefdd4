namespace Deepseek.Inference.Kernels;

/// <summary>Writes the weighted sum of a group's 32 positions for some rows, of as many columns as registers hold sums of; it joins the sums of the groups before, or begins them.</summary>
/// <remarks>
/// Of 16 columns two positions' numbers are put side by side in a lane, once for all rows. What a call is given comes in registers: read from memory, it would now and then wait for the sums that the call before stores,
/// where only the places' last 12 bits are alike.
/// </remarks>
/// <param name="to">Receives it.</param>
/// <param name="rows">The rows of a call: 16, of 16 columns, or 8, of 32.</param>
/// <param name="begins">Whether sums begin.</param>
internal sealed unsafe class VnniValueCode(Assembler to, int rows, bool begins)
{
    /// <summary>Most rows of a call.</summary>
    public const int MostRows = 16;

    /// <summary>Least rows of a call.</summary>
    public const int LeastRows = 8;

    private const int Vector = 64;
    private const int Columns = 16; // of a vector of sums

    // The arguments, in the order of the convention.
    private const Register Weights = Register.Rdi; // the rows' weights, two positions' side by side, [pairs × 16 rows]
    private const Register Position = Register.Rsi; // the first position's columns
    private const Register Stride = Register.Rdx; // bytes from a position to the next one
    private const Register Steps = Register.Rcx; // the factors of the rows' weights, [rows]
    private const Register Output = Register.R8; // the first row's columns
    private const Register OutputStride = Register.R9; // bytes from there to the next row's

    private static readonly Zmm Order = new(0); // while numbers are multiplied
    private static readonly Zmm Step = new(0);
    private static readonly Zmm Zero = new(1);

    // The words of two positions' 16 columns, in turn.
    private static readonly short* WordOrder = KeptMemory.Of<short>([.. Enumerable.Range(0, Vector / sizeof(short)).Select(i => (short)((i / 2) + (i % 2 * Vector / 4)))]);

    private readonly int _vectors = ColumnsOf(rows) / Columns;

    /// <summary>Columns of a call.</summary>
    public static int ColumnsOf(int rows) => MostRows / rows * Columns;

    public void Write()
    {
        to.Mov(Register.Rax, (long)WordOrder);
        to.Vmovdqu32(Order, new Address(Register.Rax));
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < _vectors; i++)
                to.Vpxord(Sum(row, i), Sum(row, i), Sum(row, i));
        }

        for (var pair = 0; pair < AttentionCall.GroupPositions / 2; pair++)
            MultiplyPair(pair);
        if (begins)
            to.Vpxord(Zero, Zero, Zero);
        for (var row = 0; row < rows; row++)
            Join(row);
        to.Return();
    }

    private void MultiplyPair(int pair)
    {
        for (var i = 0; i < _vectors; i++)
        {
            var both = Numbers(pair, i);
            to.Vbroadcasti64x4(both, new Address(Position, i * Vector / 2));
            to.Vinserti64x4(both, both, new Address(Position, i * Vector / 2, Stride));
            to.Vpermw(both, Order, both);
        }

        to.PrefetchT0(new Address(Position, VnniScoreCode.Far));
        to.PrefetchT0(new Address(Position, VnniScoreCode.Far, Stride));
        to.Lea(Position, new Address(Position, 0, Stride, 2));
        for (var row = 0; row < rows; row++)
        {
            var weights = Operand.Broadcast(new Address(Weights, (pair * Vector) + (row * sizeof(int))));
            for (var i = 0; i < _vectors; i++)
                to.Vpdpwssd(Sum(row, i), Numbers(pair, i), weights);
        }
    }

    private void Join(int row)
    {
        to.Vpbroadcastd(Step, new Address(Steps, row * sizeof(float)));
        for (var i = 0; i < _vectors; i++)
        {
            var (sum, output) = (Sum(row, i), new Address(Output, i * Vector));
            to.Vcvtdq2ps(sum, sum);
            to.Vfmadd213ps(sum, Step, begins ? Zero : output);
            to.Vmovdqu32(output, sum);
        }

        to.Lea(Output, new Address(Output, 0, OutputStride));
    }

    // Those of one pair are in other registers than those of the next.
    private Zmm Numbers(int pair, int vector) => new(1 + (pair % 2 * _vectors) + vector);

    private Zmm Sum(int row, int vector) => new(16 + (row * _vectors) + vector);
}
