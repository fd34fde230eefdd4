using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>What <see cref="VnniScoreCode"/> is given; it changes it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VnniScores
{
    /// <summary>The first run of the queries, a query a lane.</summary>
    public short* Queries;

    /// <summary>The first run of the first key.</summary>
    public short* Keys;

    /// <summary>Bytes from a key to the next one.</summary>
    public long Stride;

    /// <summary>The sums that the runs join, [32 keys × 16].</summary>
    public float* Sums;

    /// <summary>Runs of 32 elements.</summary>
    public long Runs;

    /// <summary>Bytes from a run to that of the same key which is asked for.</summary>
    public long Ahead;

    /// <summary>Bytes from a key to that which the second cache is asked for.</summary>
    public long Far;
}

/// <summary>Writes the products of 16 queries, one a lane, with 32 keys of whole numbers: runs of 32 elements are summed exactly, and the runs' sums added in order.</summary>
/// <param name="to">Receives it.</param>
internal sealed class VnniScoreCode(Assembler to)
{
    /// <summary>Queries of a call: a vector's lanes.</summary>
    public const int Lanes = 16;

    /// <summary>Keys of a call.</summary>
    public const int Keys = AttentionCall.GroupPositions;

    private const int AtOnce = 16;
    private const int Vector = 64;
    private const int RunBytes = AttentionCall.CodeRun * sizeof(short);
    private const Register Call = Register.Rax;
    private const Register Queries = Register.Rcx;
    private const Register Free = Queries; // when no run is multiplied
    private const Register Stride = Register.Rdx;
    private const Register Stride3 = Register.Rsi;
    private const Register Sums = Register.Rdi;

    // Every fourth key; those between are reached by one stride, two and three.
    private static readonly Register[] Key = [Register.R8, Register.R9, Register.R10, Register.R11];
    private static readonly Zmm Query = new(0);

    public void Write()
    {
        to.Mov(Call, Register.Rdi);
        to.Mov(Stride, Field(nameof(VnniScores.Stride)));
        to.Lea(Stride3, new Address(Stride, 0, Stride, 2));
        var next = to.Here;
        to.Mov(Sums, Field(nameof(VnniScores.Sums)));
        to.Mov(Key[0], Field(nameof(VnniScores.Keys)));
        for (var first = 0; first < Keys; first += AtOnce)
        {
            MultiplyRun();
            AddRun(first);
            to.Lea(Key[0], new Address(Key[3], 0, Stride, 4));
        }

        to.Add(Field(nameof(VnniScores.Queries)), RunBytes * Lanes);
        to.Add(Field(nameof(VnniScores.Keys)), RunBytes);
        to.Sub(Field(nameof(VnniScores.Runs)), 1);
        to.Jnz(next);
        to.Return();
    }

    private static Address Field(string name) => Address.Field<VnniScores>(Call, name);

    private static Zmm Sum(int key) => new(16 + key);

    private static Address At(Register four, int key, int offset) => (key % 4) switch
    {
        0 => new Address(four, offset),
        1 => new Address(four, offset, Stride, 1),
        2 => new Address(four, offset, Stride, 2),
        _ => new Address(four, offset, Stride3, 1),
    };

    private void MultiplyRun()
    {
        for (var i = 1; i < Key.Length; i++)
            to.Lea(Key[i], new Address(Key[i - 1], 0, Stride, 4));
        Ask(to.PrefetchT1, nameof(VnniScores.Far));
        Ask(to.PrefetchT0, nameof(VnniScores.Ahead));
        for (var key = 0; key < AtOnce; key++)
            to.Vpxord(Sum(key), Sum(key), Sum(key));
        to.Mov(Queries, Field(nameof(VnniScores.Queries)));
        for (var pair = 0; pair < AttentionCall.CodeRun / 2; pair++)
        {
            to.Vmovdqu32(Query, new Address(Queries, pair * Vector));
            for (var key = 0; key < AtOnce; key++)
                to.Vpdpwssd(Sum(key), Query, Operand.Broadcast(At(Key[key / 4], key, pair * sizeof(int))));
        }
    }

    private void Ask(Action<Address> ask, string distance)
    {
        foreach (var key in Key)
        {
            to.Mov(Free, key);
            to.Add(Free, Field(distance));
            for (var i = 0; i < 4; i++)
                ask(At(Free, i, 0));
        }
    }

    private void AddRun(int first)
    {
        for (var key = 0; key < AtOnce; key++)
        {
            var place = new Address(Sums, (first + key) * Vector);
            to.Vcvtdq2ps(Sum(key), Sum(key));
            to.Vaddps(Sum(key), Sum(key), place);
            to.Vmovdqu32(place, Sum(key));
        }
    }
}
