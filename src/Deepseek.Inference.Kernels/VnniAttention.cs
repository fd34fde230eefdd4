using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Attention over cached whole numbers in machine code, for vectors of 512 bits.</summary>
internal static unsafe class VnniAttention
{
    private const int Vectors = 2;

    private static readonly float* Zeros = (float*)NativeMemory.AllocZeroed(Vectors * 64);

    private static readonly int* Order = KeepOrder();

    /// <summary>Sums of products of 16 queries, one a lane, with 32 keys: exact ones of 32 elements, which are added in order.</summary>
    public static void Dot(short* queries, short* key, long stride, int latent, int width, float* latents, float* ropes)
    {
        const int run = AttentionCall.CodeRun;
        const int sums = VnniScoreCode.Keys * LaneSums.Lanes;
        new Span<float>(latents, sums).Clear();
        new Span<float>(ropes, sums).Clear();
        VnniScores call = new() { Queries = queries, Keys = key, Stride = stride * sizeof(short), Far = stride * sizeof(short) * VnniScoreCode.Keys };
        Dot(&call, latents, latent / run, width == latent);
        Dot(&call, ropes, (width - latent) / run, true);

        // Asks for each run's next one, and with the last for the first of the next keys.
        void Dot(VnniScores* call, float* to, int runs, bool last)
        {
            call->Sums = to;
            call->Ahead = run * sizeof(short);
            if (last && runs > 0)
                runs--;
            call->Runs = runs;
            if (runs > 0)
                VnniCode.Scores(call);
            if (!last || width == latent && to == ropes)
                return;
            call->Runs = 1;
            call->Ahead = call->Far - ((width - run) * sizeof(short));
            VnniCode.Scores(call);
        }
    }

    /// <summary>Adds the weighted values of 32 positions, 32 columns of them, to 8 rows; their sums begin with the first positions.</summary>
    public static void Weigh(short* weights, short* values, long stride, float* steps, float* outputs, long width, bool begins)
    {
        VnniValues call = new() { Weights = weights, Values = values, Position = stride * sizeof(short), Order = Order, Steps = steps, To = outputs, ToStride = width * sizeof(float) };
        call.From = begins ? Zeros : outputs;
        call.FromStride = begins ? 0 : call.ToStride;
        VnniCode.Values(&call);
    }

    private static int* KeepOrder()
    {
        var order = VnniValueCode.ColumnOrder;
        var kept = (int*)NativeMemory.AlignedAlloc((nuint)order.Length * sizeof(int), BandLayout.LineBytes);
        order.CopyTo(new Span<int>(kept, order.Length));
        return kept;
    }
}
