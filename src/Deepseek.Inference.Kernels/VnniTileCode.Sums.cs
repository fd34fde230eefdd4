namespace Deepseek.Inference.Kernels;

// The sums of a block join their partial sum, and at the end those become outputs. Registers of activations are free then.
internal sealed unsafe partial class VnniTileCode
{
    private static readonly Zmm Scales = new(2); // when codes are multiplied
    private static readonly Zmm Scale = new(3);

    /// <summary>A block's sums join their partial sums; the first ones begin them. <see cref="X"/>[0] is then where the next block lies.</summary>
    private void Keep(int block)
    {
        var (at, sums, from, other) = (X[0], X[1], X[2], X[3]);
        ReadScales(other);
        to.Mov(at, TileSteps.Field(nameof(TileCall.At)));
        to.Mov(sums, at);
        to.And(sums, (TileSteps.Lanes - 1) * _xBytes);
        if (_xBytes > TileSteps.LaneBytes)
            to.Shr(sums, TileSteps.BitsOf(_xBytes / TileSteps.LaneBytes));
        to.Add(sums, TileSteps.Field(nameof(TileCall.Sums)));
        to.Mov(from, TileSteps.Field(nameof(TileCall.Zeros)));
        to.Cmp(at, TileSteps.Lanes * _xBytes);
        to.Cmovae(from, sums);
        to.Shr(at, TileSteps.BitsOf(_xBytes / _scaleBytes));
        for (var token = 0; token < tokens; token++)
        {
            var sum = Sum(token, block, 0);
            if (_chains == 2)
                to.Vpaddd(sum, sum, Sum(token, block, 1));
            to.Mov(other, TileSteps.Field(nameof(TileCall.Tokens)));
            to.Mov(other, new Address(other, (token * sizeof(BandToken)) + Address.Field<BandToken>(other, nameof(BandToken.Scales)).Offset));
            if (bytesOfX)
                to.Vpaddd(sum, sum, Operand.Broadcast(new Address(other, sizeof(float), at))); // the correction for unsigned weights
            to.Vcvtdq2ps(sum, sum);
            to.Vmulps(Scale, Scales, Operand.Broadcast(new Address(other, 0, at)));
            to.Vfmadd213ps(sum, Scale, new Address(from, token * TileSteps.TokenBytes));
            to.Vmovdqu32(new Address(sums, token * TileSteps.TokenBytes), sum);
        }

        to.Add(TileSteps.Field(nameof(TileCall.At)), _xBytes);
        to.Mov(at, TileSteps.Field(nameof(TileCall.At)));
    }

    /// <summary>The scales of the next block of the 16 rows.</summary>
    private void ReadScales(Register free)
    {
        var scales = X[0];
        to.Mov(scales, TileSteps.Field(nameof(TileCall.Scales)));
        if (weights == TileWeights.Nf4)
        {
            to.Vpmovsxbd(Scales, new Address(scales));
            to.Vcvtdq2ps(Scales, Scales);
            to.Mov(free, TileSteps.Field(nameof(TileCall.StepAt)));
            to.Add(TileSteps.Field(nameof(TileCall.StepAt)), 1);
            to.Shr(free, 4); // blocks of 16 rows in a group
            to.Shl(free, 2);
            to.Add(free, TileSteps.Field(nameof(TileCall.Steps)));
            to.Vmulps(Scales, Scales, Operand.Broadcast(new Address(free)));
        }
        else
        {
            to.Vmovdqu32(Scales, new Address(scales));
        }

        to.Add(TileSteps.Field(nameof(TileCall.Scales)), TileSource.Rows * (weights == TileWeights.Nf4 ? sizeof(sbyte) : sizeof(float)));
    }

    /// <summary>Adds the partial sums: l and l + 4, then l + 2, then l + 1.</summary>
    private void WriteOutputs()
    {
        var (sums, outputs) = (X[0], X[1]);
        var (factor, even, odd, other) = (Codes[0], Codes[1], Codes[2], Codes[3]);
        to.Vpbroadcastd(factor, TileSteps.Field(nameof(TileCall.Factor)));
        to.Mov(sums, TileSteps.Field(nameof(TileCall.Sums)));
        to.Mov(outputs, TileSteps.Field(nameof(TileCall.Outputs)));
        for (var token = 0; token < tokens; token++)
        {
            Add(even, token, 0, 4);
            Add(other, token, 2, 6);
            to.Vaddps(even, even, other);
            Add(odd, token, 1, 5);
            Add(other, token, 3, 7);
            to.Vaddps(odd, odd, other);
            to.Vaddps(even, even, odd);
            to.Vmulps(even, even, factor);
            to.Vmovdqu32(new Address(outputs), even);
            to.Add(outputs, TileSteps.Field(nameof(TileCall.Stride)));
        }

        void Add(Zmm sum, int token, int first, int second)
        {
            to.Vmovdqu32(sum, new Address(sums, (token * TileSteps.TokenBytes) + (first * TileSteps.LaneBytes)));
            to.Vaddps(sum, sum, new Address(sums, (token * TileSteps.TokenBytes) + (second * TileSteps.LaneBytes)));
        }
    }
}
