using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>What <see cref="VnniExactCode"/> is given; it changes nothing of it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VnniExact
{
    /// <summary>Weights: of four rows, or two vectors of columns whose lanes are pairs of rows, pair after pair.</summary>
    public short* Weights;

    /// <summary>Bytes from a row of weights to the next one.</summary>
    public long WeightStride;

    /// <summary>The first of four tokens' activations.</summary>
    public short* X;

    /// <summary>Bytes from a token to the next one.</summary>
    public long Stride;

    /// <summary>Vectors of a row, or pairs of rows, 1 or more.</summary>
    public long Count;

    /// <summary>Receives the sums: [tokens × 4 × 16], which are yet to be added, or [tokens × 32].</summary>
    public int* Sums;
}

/// <summary>Writes the products of four tokens with rows of 16-bit weights, along their grain or against it.</summary>
/// <param name="to">Receives them.</param>
/// <param name="transposed">Whether against the grain.</param>
internal sealed class VnniExactCode(Assembler to, bool transposed)
{
    private const int Tokens = 4;
    private const int Vector = 64;
    private const Register Call = Register.Rax;
    private const Register Weights = Register.Rcx;
    private const Register Stride = Register.Rdx;
    private const Register Stride3 = Register.Rsi;
    private const Register Count = Register.Rdi;
    private const Register Sums = Weights; // at the end

    private static readonly Register[] X = [Register.R8, Register.R9, Register.R10, Register.R11];
    private static readonly Zmm Activations = new(4);

    // Rows, or vectors of columns.
    private readonly int _rows = transposed ? 2 : 4;

    public void Write()
    {
        to.Mov(Call, Register.Rdi);
        to.Mov(Weights, Field(nameof(VnniExact.Weights)));
        to.Mov(Stride, Field(nameof(VnniExact.WeightStride)));
        to.Lea(Stride3, new Address(Stride, 0, Stride, 2));
        to.Mov(Count, Field(nameof(VnniExact.Count)));
        to.Mov(X[0], Field(nameof(VnniExact.X)));
        for (var token = 1; token < Tokens; token++)
        {
            to.Mov(X[token], X[token - 1]);
            to.Add(X[token], Field(nameof(VnniExact.Stride)));
        }

        for (var sum = 0; sum < Tokens * _rows; sum++)
            to.Vpxord(new Zmm(16 + sum), new Zmm(16 + sum), new Zmm(16 + sum));
        var next = to.Here;
        for (var row = 0; row < _rows; row++)
            to.Vmovdqu32(new Zmm(row), WeightsOf(row));
        for (var token = 0; token < Tokens; token++)
            Multiply(token);
        to.Add(Weights, transposed ? 2 * Vector : Vector);
        foreach (var x in X)
            to.Add(x, transposed ? sizeof(int) : Vector);
        to.Sub(Count, 1);
        to.Jnz(next);
        to.Mov(Sums, Field(nameof(VnniExact.Sums)));
        for (var sum = 0; sum < Tokens * _rows; sum++)
            to.Vmovdqu32(new Address(Sums, sum * Vector), new Zmm(16 + sum));
        to.Return();
    }

    private static Address Field(string name) => Address.Field<VnniExact>(Call, name);

    private Address WeightsOf(int row) => (transposed, row) switch
    {
        (true, _) => new Address(Weights, row * Vector),
        (_, 0) => new Address(Weights),
        (_, 3) => new Address(Weights, 0, Stride3),
        _ => new Address(Weights, 0, Stride, row),
    };

    private void Multiply(int token)
    {
        if (!transposed)
            to.Vmovdqu32(Activations, new Address(X[token]));
        var x = transposed ? Operand.Broadcast(new Address(X[token])) : Activations;
        for (var row = 0; row < _rows; row++)
            to.Vpdpwssd(new Zmm(16 + (token * _rows) + row), new Zmm(row), x);
    }
}
