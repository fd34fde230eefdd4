namespace Deepseek.Inference.Kernels;

/// <summary>Writes the products of 16 queries, one a lane, with 32 keys of whole numbers: runs of 32 elements are summed exactly, and the runs' sums added in order.</summary>
/// <param name="to">Receives it.</param>
/// <param name="last">Whether a call has the last run of its keys, after which the first one of the next keys follows.</param>
internal sealed class VnniScoreCode(Assembler to, bool last)
{
    /// <summary>Queries of a call: a vector's lanes.</summary>
    public const int Lanes = 16;

    /// <summary>Keys of a call.</summary>
    public const int Keys = AttentionCall.GroupPositions;

    /// <summary>Bytes from a key to that of the next 32, in rows of 512 + 64 elements, which all published models with latent attention have. In others as many lines are asked for as pass by, some of them too early.</summary>
    public const int Far = Keys * RowBytes;

    private const int RowBytes = (512 + 64) * sizeof(short);
    private const int AtOnce = 16;
    private const int Vector = 64;
    private const int RunBytes = AttentionCall.CodeRun * sizeof(short);
    private const int Ahead = RunBytes;
    private const int AheadOfLast = Far + RunBytes - RowBytes;

    // The arguments, in the order of the convention.
    private const Register Queries = Register.Rdi; // the first run of the queries, [pairs × 16]
    private const Register KeysOfRun = Register.Rsi; // the first run of the first key
    private const Register Stride = Register.Rdx; // bytes from a key to the next one
    private const Register Sums = Register.Rcx; // those that the runs join, [32 keys × 16]
    private const Register Runs = Register.R8;

    private const Register Stride3 = Register.Rbx;

    // Every fourth key; those between are reached by one stride, two and three.
    private static readonly Register[] Key = [Register.Rax, Register.R9, Register.R10, Register.R11];
    private static readonly Zmm Query = new(0);

    public void Write()
    {
        to.PushRbx();
        to.Lea(Stride3, new Address(Stride, 0, Stride, 2));
        var next = to.Here;
        to.Mov(Key[0], KeysOfRun);
        for (var first = 0; first < Keys; first += AtOnce)
        {
            MultiplyRun();
            AddRun(first);
            to.Lea(Key[0], new Address(Key[3], 0, Stride, 4));
        }

        to.Add(Queries, RunBytes * Lanes);
        to.Add(KeysOfRun, RunBytes);
        to.Sub(Runs, 1);
        to.Jnz(next);
        to.PopRbx();
        to.Return();
    }

    private static Zmm Sum(int key) => new(16 + key);

    private static Address At(int key, int offset) => (key % 4) switch
    {
        0 => new Address(Key[key / 4], offset),
        1 => new Address(Key[key / 4], offset, Stride, 1),
        2 => new Address(Key[key / 4], offset, Stride, 2),
        _ => new Address(Key[key / 4], offset, Stride3, 1),
    };

    private void MultiplyRun()
    {
        for (var i = 1; i < Key.Length; i++)
            to.Lea(Key[i], new Address(Key[i - 1], 0, Stride, 4));
        for (var key = 0; key < AtOnce; key++)
            to.Vpxord(Sum(key), Sum(key), Sum(key));
        for (var pair = 0; pair < AttentionCall.CodeRun / 2; pair++)
        {
            // The lines of one key, there being as many keys as pairs: asked for all at once, they would hold up the products.
            to.PrefetchT1(At(pair, Far));
            to.PrefetchT0(At(pair, last ? AheadOfLast : Ahead));
            to.Vmovdqu32(Query, new Address(Queries, pair * Vector));
            for (var key = 0; key < AtOnce; key++)
                to.Vpdpwssd(Sum(key), Query, Operand.Broadcast(At(key, pair * sizeof(int))));
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
