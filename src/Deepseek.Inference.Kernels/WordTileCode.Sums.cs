namespace Deepseek.Inference.Kernels;

// The sums of blocks join their partial sums, and at a tile's end those become outputs. Registers of activations are free then, and vectors of activations and codes.
internal sealed unsafe partial class WordTileCode
{
    private static readonly Ymm Scales = new(15);
    private static readonly Ymm Step = new(12);

    private int ScaleBytes => weights == TileWeights.Nf4 ? sizeof(sbyte) : sizeof(float);

    /// <summary>The sums of a pass join their partial sums; the first ones begin them.</summary>
    private void Keep(int half, int block)
    {
        var (at, sums, from, scales, other) = (End, X[0], X[1], X[2], X[3]);
        to.Mov(at, TileSteps.Field(nameof(TileCall.At)));
        to.Mov(sums, at);
        to.And(sums, (TileSteps.Lanes - 1) * XBytes);
        to.Shr(sums, TileSteps.BitsOf(XBytes / TileSteps.LaneBytes));
        to.Add(sums, TileSteps.Field(nameof(TileCall.Sums)));
        to.Mov(from, TileSteps.Field(nameof(TileCall.Zeros)));
        to.Cmp(at, TileSteps.Lanes * XBytes);
        to.Cmovae(from, sums);
        to.Mov(scales, TileSteps.Field(nameof(TileCall.Scales)));
        to.Shr(at, TileSteps.BitsOf(XBytes / sizeof(float)));
        for (var j = block; j < block + _blocks; j++)
        {
            var absent = j == block ? 0 : SkipUnlessThereIsASecond();
            if (weights == TileWeights.Nf4)
                ReadStep(j, other);
            for (var i = half; i < half + _halves; i++)
            {
                ReadScales(new Address(scales, ((j * TileSource.Rows) + (i * TileSource.Rows / 2)) * ScaleBytes));
                for (var token = 0; token < tokens; token++)
                {
                    to.Mov(Free, TileSteps.Field(nameof(TileCall.Tokens)));
                    to.Mov(Free, new Address(Free, (token * sizeof(BandToken)) + Address.Field<BandToken>(Free, nameof(BandToken.Scales)).Offset));
                    Join(token, i, j, new Address(Free, j * sizeof(float), at), from, sums);
                }
            }

            if (j > block)
                to.Land(absent);
        }
    }

    /// <summary>Two lanes of each of eight rows become one, in single precision, and join.</summary>
    private void Join(int token, int half, int block, Address scale, Register from, Register sums)
    {
        var place = (token * TileSteps.TokenBytes) + (block * TileSteps.LaneBytes) + (half * Half);
        var (a, b) = (Sum(token, half, block, 0), Sum(token, half, block, 1));
        to.Vbroadcastss(First, scale);
        to.Vmulps(First, First, Scales);
        to.Vshufps(Second, a, b, 0b10_00_10_00);
        to.Vshufps(a, a, b, 0b11_01_11_01);
        to.Vpaddd(a, a, Second);
        to.Vcvtdq2ps(a, a);
        to.Vfmadd213ps(a, First, new Address(from, place));
        to.Vmovdqu(new Address(sums, place), a);
    }

    /// <summary>The step of a block's scales.</summary>
    private void ReadStep(int block, Register step)
    {
        to.Mov(step, TileSteps.Field(nameof(TileCall.StepAt)));
        if (block > 0)
            to.Add(step, block);
        to.Shr(step, TileSteps.BitsOf(BandLayout.GroupBlocks / TileSource.Rows));
        to.Shl(step, TileSteps.BitsOf(sizeof(float)));
        to.Add(step, TileSteps.Field(nameof(TileCall.Steps)));
        to.Vbroadcastss(Step, new Address(step));
    }

    private void ReadScales(Address from)
    {
        if (weights != TileWeights.Nf4)
        {
            to.Vmovdqu(Scales, from);
            return;
        }

        to.Vpmovsxbd(Scales, from);
        to.Vcvtdq2ps(Scales, Scales);
        to.Vmulps(Scales, Scales, Step);
    }

    /// <summary>An odd number of blocks leaves the last line without a second one.</summary>
    /// <returns>The jump that is taken then.</returns>
    private int SkipUnlessThereIsASecond()
    {
        to.Mov(Free, TileSteps.Field(nameof(TileCall.At)));
        to.Add(Free, XBytes);
        to.Cmp(Free, TileSteps.Field(nameof(TileCall.End)));
        return to.Jae();
    }

    /// <summary>The next line follows; whether there is one, is compared.</summary>
    private void EndLine()
    {
        to.Add(Weights, Pieces * Line);
        to.Add(TileSteps.Field(nameof(TileCall.Scales)), Blocks * TileSource.Rows * ScaleBytes);
        to.Add(TileSteps.Field(nameof(TileCall.StepAt)), Blocks);
        to.Add(TileSteps.Field(nameof(TileCall.At)), Blocks * XBytes);
        to.Mov(Free, TileSteps.Field(nameof(TileCall.At)));
        to.Cmp(Free, TileSteps.Field(nameof(TileCall.End)));
    }

    /// <summary>A last line without a second block has counted one too many.</summary>
    private void CorrectStep()
    {
        var (beyond, other) = (X[0], X[1]);
        to.Mov(beyond, TileSteps.Field(nameof(TileCall.At)));
        to.Mov(other, TileSteps.Field(nameof(TileCall.End)));
        to.Sub(beyond, other);
        to.Shr(beyond, TileSteps.BitsOf(XBytes));
        to.Mov(other, TileSteps.Field(nameof(TileCall.StepAt)));
        to.Sub(other, beyond);
        to.Mov(TileSteps.Field(nameof(TileCall.StepAt)), other);
    }

    /// <summary>Adds the partial sums: l and l + 4, then l + 2, then l + 1.</summary>
    private void WriteOutputs()
    {
        var (sums, outputs) = (X[0], X[1]);
        var (factor, even, odd, other) = (new Ymm(0), new Ymm(1), new Ymm(2), new Ymm(3));
        to.Vbroadcastss(factor, TileSteps.Field(nameof(TileCall.Factor)));
        to.Mov(sums, TileSteps.Field(nameof(TileCall.Sums)));
        to.Mov(outputs, TileSteps.Field(nameof(TileCall.Outputs)));
        for (var token = 0; token < tokens; token++)
        {
            for (var half = 0; half < TileSteps.LaneBytes; half += Half)
            {
                var place = (token * TileSteps.TokenBytes) + half;
                Add(even, place, 0, 4);
                Add(other, place, 2, 6);
                to.Vaddps(even, even, other);
                Add(odd, place, 1, 5);
                Add(other, place, 3, 7);
                to.Vaddps(odd, odd, other);
                to.Vaddps(even, even, odd);
                to.Vmulps(even, even, factor);
                to.Vmovdqu(new Address(outputs, half), even);
            }

            to.Add(outputs, TileSteps.Field(nameof(TileCall.Stride)));
        }

        void Add(Ymm sum, int place, int first, int second)
        {
            to.Vmovdqu(sum, new Address(sums, place + (first * TileSteps.LaneBytes)));
            to.Vaddps(sum, sum, new Address(sums, place + (second * TileSteps.LaneBytes)));
        }
    }
}
