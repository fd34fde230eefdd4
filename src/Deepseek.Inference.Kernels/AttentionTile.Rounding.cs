namespace Deepseek.Inference.Kernels;

// Queries in whole numbers.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    /// <summary>Rounds numbers to codes whose products have exact sums over runs of 32.</summary>
    /// <param name="values">The numbers, [width].</param>
    /// <param name="width">A multiple of 32.</param>
    /// <param name="codes">Receives [width].</param>
    /// <param name="lanes">Memory for 16 singles.</param>
    /// <returns>The step: a number is its code times that.</returns>
    private static float RoundQuery(float* values, int width, short* codes, float* lanes)
    {
        var sum = 0f;
        for (var run = 0; run < width; run += CodeRun)
        {
            for (var i = run; i < run + Lanes; i += Width)
                TLanes.Store(TLanes.Add(TLanes.Abs(TLanes.Load(values + i)), TLanes.Abs(TLanes.Load(values + i + Lanes))), lanes + i - run);
            sum = MathF.Max(sum, LaneSums.Add(lanes));
        }

        var (step, inverse) = CodeSteps.Of(LargestMagnitude(values, width, lanes), sum);
        Round(values, width, inverse, codes);
        return step;
    }

    /// <summary>The largest magnitude, NaN where one is NaN.</summary>
    /// <param name="values">The numbers, [width].</param>
    /// <param name="width">Any.</param>
    /// <param name="lanes">Memory for 16 singles.</param>
    public static float LargestMagnitude(float* values, int width, float* lanes)
    {
        var most = TLanes.Create(0);
        var whole = width - (width % Width);
        for (nint i = 0; i < whole; i += Width)
            most = TLanes.MaxMagnitude(most, TLanes.Load(values + i));
        var largest = LargestOf(most, lanes);
        for (var i = whole; i < width; i++)
            largest = MathF.Max(largest, MathF.Abs(values[i]));
        return largest;
    }

    /// <summary>Numbers times a factor, rounded to the nearest whole number; all 0 for a factor of 0.</summary>
    public static void Round(float* values, int width, float factor, short* codes)
    {
        if (factor == 0)
        {
            new Span<short>(codes, width).Clear(); // the numbers need not be finite
            return;
        }

        var whole = width - (width % Width);
        for (nint i = 0; i < whole; i += Width)
            TLanes.StoreRounded(TLanes.Multiply(TLanes.Load(values + i), TLanes.Create(factor)), codes + i);
        for (var i = whole; i < width; i++)
            codes[i] = (short)MathF.Round(values[i] * factor);
    }

    private static void PrepareCodes(in AttentionCall call, in AttentionScratch scratch, int block, int group, int firstRow, int rows)
    {
        if (*scratch.PreparedBlock == call.FirstBlock + block)
            return;

        *scratch.PreparedBlock = call.FirstBlock + block;
        var (latent, latentCodes, width) = (call.Shape.ValueWidth, call.LatentCodes, call.CodeWidth);
        var rope = scratch.Whole + latentCodes;
        for (var row = 0; row < rows; row++)
        {
            var query = call.Query(group, firstRow + row);
            var codes = scratch.RowCodes + ((long)row * width);
            ScaleQuery(query, latent, call.Scale, scratch.Whole, latentCodes);
            ScaleQuery(query + latent, call.Shape.KeyWidth - latent, call.Scale, rope, width - latentCodes);
            scratch.LatentSteps[row] = RoundQuery(scratch.Whole, latentCodes, codes, scratch.Lanes);
            scratch.RopeSteps[row] = RoundQuery(rope, width - latentCodes, codes + latentCodes, scratch.Lanes);
        }

        // Lanes without a row hold what was there before; nobody reads their scores.
        for (var row = 0; row < rows; row += Width)
            Transposition.Run((int*)(scratch.RowCodes + ((long)row * width)), width / 2, Width, width / 2, (int*)(scratch.QueryCodes + ((long)row * width)), Width);
    }

    private static void CopyCodes(in AttentionCall call, long position, short* row)
    {
        var (latent, all) = (call.Shape.ValueWidth, call.Shape.KeyWidth);
        var from = new ReadOnlySpan<short>(call.Cache.At(position, 0), all);
        var to = new Span<short>(row, call.CodeWidth);
        to.Clear();
        from[..latent].CopyTo(to);
        from[latent..].CopyTo(to[call.LatentCodes..]);
    }
}
