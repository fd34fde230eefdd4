using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>What <see cref="VnniValueCode"/> is given.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VnniValues
{
    /// <summary>The rows' weights, [8 × split].</summary>
    public short* Weights;

    /// <summary>The first position's value, 32 columns of it.</summary>
    public short* Values;

    /// <summary>Bytes from a position to the next one.</summary>
    public long Stride;

    /// <summary>Two vectors of indices that bring columns into their order.</summary>
    public int* Order;

    /// <summary>The factors of the rows' weights, [8 × groups of a split].</summary>
    public float* Steps;

    /// <summary>What the sums join: the first row's two vectors of outputs.</summary>
    public float* From;

    /// <summary>Bytes from there to the next row's.</summary>
    public long FromStride;

    /// <summary>The outputs of the first row.</summary>
    public float* To;

    /// <summary>Bytes from there to the next row's.</summary>
    public long ToStride;
}

/// <summary>Writes the weighted sum of a group's 32 positions, 32 columns of them, for 8 rows.</summary>
/// <remarks>Two positions' numbers are put side by side in a lane. That leaves columns in the order of <see cref="ColumnOrder"/>, which sums are brought out of at the end.</remarks>
/// <param name="to">Receives it.</param>
internal sealed class VnniValueCode(Assembler to)
{
    /// <summary>Rows of a call.</summary>
    public const int Rows = 8;

    private const int Vector = 64;
    private const Register Call = Register.Rax;
    private const Register Weights = Register.Rcx;
    private const Register Position = Register.Rdx;
    private const Register Stride = Register.Rsi;

    private static readonly Zmm[] Positions = [new(0), new(1)];
    private static readonly Zmm[] Values = [new(2), new(3)];
    private static readonly Zmm[] Weight = [new(4), new(5)];
    private static readonly Zmm[] Order = [new(0), new(1)];
    private static readonly Zmm Step = new(2);
    private static readonly Zmm First = new(3);

    /// <summary>The columns of two vectors of sums, in their order: from each the first four, then the next four of each.</summary>
    public static int[] ColumnOrder { get; } = [.. Enumerable.Range(0, 2 * Vector / sizeof(int)).Select(i => (i / 8 * 4) + (i % 4) + (i / 4 % 2 * Vector / sizeof(int)))];

    public void Write()
    {
        to.Mov(Call, Register.Rdi);
        to.Mov(Weights, Field(nameof(VnniValues.Weights)));
        to.Mov(Position, Field(nameof(VnniValues.Values)));
        to.Mov(Stride, Field(nameof(VnniValues.Stride)));
        for (var row = 0; row < Rows; row++)
        {
            for (var i = 0; i < Values.Length; i++)
                to.Vpxord(Sum(row, i), Sum(row, i), Sum(row, i));
        }

        for (var pair = 0; pair < AttentionCall.GroupPositions / 2; pair++)
        {
            to.Vmovdqu32(Positions[0], new Address(Position));
            to.Vmovdqu32(Positions[1], new Address(Position, 0, Stride));
            to.Lea(Position, new Address(Position, 0, Stride, 2));
            to.Vpunpcklwd(Values[0], Positions[0], Positions[1]);
            to.Vpunpckhwd(Values[1], Positions[0], Positions[1]);
            for (var row = 0; row < Rows; row++)
            {
                var weight = Weight[row % Weight.Length];
                to.Vpbroadcastd(weight, new Address(Weights, (row * AttentionCall.SplitPositions * sizeof(short)) + (pair * sizeof(int))));
                for (var i = 0; i < Values.Length; i++)
                    to.Vpdpwssd(Sum(row, i), Values[i], weight);
            }
        }

        Join();
        to.Return();
    }

    private static Address Field(string name) => Address.Field<VnniValues>(Call, name);

    private static Zmm Sum(int row, int vector) => new(16 + (row * Values.Length) + vector);

    private void Join()
    {
        var (steps, from, target) = (Register.Rcx, Register.R8, Register.R9);
        to.Mov(steps, Field(nameof(VnniValues.Order)));
        for (var i = 0; i < Order.Length; i++)
            to.Vmovdqu32(Order[i], new Address(steps, i * Vector));
        to.Mov(steps, Field(nameof(VnniValues.Steps)));
        to.Mov(from, Field(nameof(VnniValues.From)));
        to.Mov(target, Field(nameof(VnniValues.To)));
        for (var row = 0; row < Rows; row++)
        {
            to.Vpbroadcastd(Step, new Address(steps, row * AttentionCall.SplitGroups * sizeof(float)));
            to.Vmovdqu32(First, Sum(row, 0));
            to.Vpermt2d(First, Order[0], Sum(row, 1));
            to.Vpermt2d(Sum(row, 0), Order[1], Sum(row, 1));
            JoinVector(First, from, target, 0);
            JoinVector(Sum(row, 0), from, target, Vector);
            to.Add(from, Field(nameof(VnniValues.FromStride)));
            to.Add(target, Field(nameof(VnniValues.ToStride)));
        }
    }

    private void JoinVector(Zmm sum, Register from, Register target, int offset)
    {
        to.Vcvtdq2ps(sum, sum);
        to.Vfmadd213ps(sum, Step, new Address(from, offset));
        to.Vmovdqu32(new Address(target, offset), sum);
    }
}
