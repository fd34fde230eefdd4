namespace Deepseek.Inference.Kernels;

/// <summary>Attention over cached whole numbers in machine code, for vectors of 512 bits.</summary>
internal static unsafe class VnniAttention
{
    private const int Run = AttentionCall.CodeRun;
    private const int RunBytes = Run * sizeof(short);

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
        VnniScores call = new() { Queries = queries, Keys = key, Stride = stride * sizeof(short), Far = stride * sizeof(short) * VnniScoreCode.Keys };
        AddRuns(&call, latents, latent / Run, RunBytes);
        AddRuns(&call, ropes, ((width - latent) / Run) - 1, RunBytes);
        AddRuns(&call, ropes, 1, call.Far + RunBytes - (width * sizeof(short))); // the first run of the next keys
    }

    private static void AddRuns(VnniScores* call, float* sums, int runs, long ahead)
    {
        if (runs == 0)
            return;
        call->Sums = sums;
        call->Runs = runs;
        call->Ahead = ahead;
        VnniCode.Scores(call);
    }
}
