namespace Deepseek.Inference.Kernels;

/// <summary>Attention over cached whole numbers in machine code, for vectors of 512 bits.</summary>
internal static unsafe class VnniAttention
{
    private const int Run = AttentionCall.CodeRun;

    /// <summary>Sums of products of 16 queries, one a lane, with 32 keys: exact ones of 32 elements, which are added in order.</summary>
    /// <param name="queries">[width / 2, 16, 2].</param>
    /// <param name="key">The first key.</param>
    /// <param name="stride">Elements from a key to the next one.</param>
    /// <param name="latent">Elements of the latent part, a multiple of 32.</param>
    /// <param name="width">Elements of both parts.</param>
    /// <param name="latents">Receives the sums of the latent part, [32 × 16].</param>
    /// <param name="ropes">Receives those of the rope part.</param>
    public static void Dot(short* queries, short* key, long stride, int latent, int width, float* latents, float* ropes)
    {
        const int sums = VnniScoreCode.Keys * LaneSums.Lanes;
        new Span<float>(latents, sums).Clear();
        new Span<float>(ropes, sums).Clear();
        VnniCode.Scores(last: false)(queries, key, stride * sizeof(short), latents, latent / Run);
        var rest = width - latent - Run;
        if (rest > 0)
            VnniCode.Scores(last: false)(queries + (latent * VnniScoreCode.Lanes), key + latent, stride * sizeof(short), ropes, rest / Run);
        VnniCode.Scores(last: true)(queries + ((width - Run) * VnniScoreCode.Lanes), key + width - Run, stride * sizeof(short), ropes, 1);
    }
    /// <summary>Adds the weighted values of a group of positions, 32 columns of them, for as many rows as there is code for.</summary>
    /// <param name="piece">Weights and their factors.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="first">The group's first position.</param>
    /// <param name="values">Its columns.</param>
    /// <param name="stride">Elements from a position to the next one.</param>
    /// <param name="outputs">The first row's columns.</param>
    /// <param name="step">Elements from there to the next row's.</param>
    /// <param name="begins">Whether sums begin.</param>
    /// <returns>For how many.</returns>
    public static int Weigh(in AttentionPiece piece, int rows, int first, short* values, long stride, float* outputs, long step, bool begins)
    {
        var row = 0;
        for (var atOnce = VnniValueCode.MostRows; atOnce >= VnniValueCode.LeastRows; atOnce /= 2)
        {
            var code = VnniCode.Values(atOnce, begins);
            for (; row + atOnce <= AttentionCall.Padded(rows, AttentionCall.TileRows); row += atOnce)
            {
                var weights = piece.WeightsOf(row, first, VnniScoreCode.Lanes);
                var steps = piece.WeightStepsOf(row, first, VnniScoreCode.Lanes);
                for (nint part = 0; part < AttentionCall.ColumnStep; part += VnniValueCode.ColumnsOf(atOnce))
                    code(weights, values + part, stride * sizeof(short), steps, outputs + (row * step) + part, step * sizeof(float));
            }
        }

        return row;
    }
}
