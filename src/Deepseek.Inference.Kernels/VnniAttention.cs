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

    /// <summary>Adds the weighted values of whole groups of positions, for as many rows as there is code for.</summary>
    /// <param name="piece">Weights and their factors.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="from">The first group's first position: there sums begin.</param>
    /// <param name="to">The end of the last group.</param>
    /// <param name="values">Those of the split's first position.</param>
    /// <param name="stride">Elements from a position to the next one.</param>
    /// <param name="columns">Which columns, whole <see cref="AttentionCall.ColumnStep"/>s.</param>
    /// <param name="outputs">The first row's.</param>
    /// <param name="step">Elements from there to the next row's.</param>
    /// <returns>For how many.</returns>
    public static int Weigh(in AttentionPiece piece, int rows, int from, int to, short* values, long stride, Columns columns, float* outputs, long step)
    {
        rows = AttentionCall.Padded(rows, AttentionCall.TileRows) / VnniValueCode.LeastRows * VnniValueCode.LeastRows;
        var most = rows / VnniValueCode.MostRows * VnniValueCode.MostRows;
        for (nint column = columns.First; column < columns.End; column += AttentionCall.ColumnStep)
        {
            for (var row = 0; row < most; row += VnniValueCode.MostRows)
                WeighRows(VnniValueCode.MostRows, piece, row, from, to, values + column, stride, outputs + (row * step) + column, step);
            if (most < rows)
                WeighRows(VnniValueCode.LeastRows, piece, most, from, to, values + column, stride, outputs + (most * step) + column, step);
        }

        return rows;
    }

    // So many rows of a step of columns. What a call needs is at hand: to find it again for each takes as long as begin and end of the code.
    private static void WeighRows(int rows, in AttentionPiece piece, int row, int from, int to, short* values, long stride, float* outputs, long step)
    {
        var code = VnniCode.Values(rows, begins: true);
        var next = VnniCode.Values(rows, begins: false);
        var columns = VnniValueCode.ColumnsOf(rows);
        var weights = piece.WeightsOf(row, from, VnniScoreCode.Lanes);
        var steps = piece.WeightStepsOf(row, from, VnniScoreCode.Lanes);
        values += from * stride;
        for (var first = from; first < to; first += Run)
        {
            code(weights, values, stride * sizeof(short), steps, outputs, step * sizeof(float));
            if (columns < AttentionCall.ColumnStep)
                code(weights, values + columns, stride * sizeof(short), steps, outputs + columns, step * sizeof(float));
            code = next;
            weights += Run * VnniScoreCode.Lanes;
            steps += VnniScoreCode.Lanes;
            values += Run * stride;
        }
    }
}
