using System.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>Measures the kernels themselves, over weights that no cache holds: what a machine makes of its memory and its arithmetic.</summary>
/// <remarks>The median of many pieces, not the best: a forecast is of what will be, with whatever else the machine does.</remarks>
internal static unsafe class KernelProbe
{
    private const long WeightBytes = 512L << 20;
    private const int Columns = 7168; // R1's width
    private const int LatentColumns = 512;
    private const int ManyTokens = 64; // that meet an expert in a prompt of some thousands
    private const int PieceBands = 512; // gate and up of eight of R1's experts: one run of the team

    // A compiler first gives quick code, and better code to what has run for some tenths of a second.
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(400);

    /// <summary>Measures; it takes about three seconds and up to 512 MiB.</summary>
    /// <param name="team">Who computes.</param>
    /// <param name="cancellationToken">Ends it between two measurements.</param>
    public static KernelSpeeds Measure(ThreadTeam team, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(team);
        var bytes = SystemMemory.ShareOfAvailable(WeightBytes);
        cancellationToken.ThrowIfCancellationRequested();
        double products, operations;
        using (var weights = new ProbeWeights(WeightPrecision.Nf4, Columns, bytes))
        {
            using (var one = new ProductWork(weights, tokens: 1, PieceBands))
                products = weights.BandBytes * Rate(team, one, weights.Bands, PieceBands, TimeSpan.FromMilliseconds(400));
            cancellationToken.ThrowIfCancellationRequested();
            var piece = 4 * team.Threads;
            using var many = new ProductWork(weights, ManyTokens, piece);
            operations = 2.0 * BandLayout.BandRows * Columns * ManyTokens * Rate(team, many, weights.Bands, piece, TimeSpan.FromMilliseconds(300));
        }

        cancellationToken.ThrowIfCancellationRequested();
        using var latent = new ProbeWeights(WeightPrecision.Int8, LatentColumns, bytes / 2);
        var widened = latent.BandBytes * Rate(team, new WidenedWork(latent), latent.Bands, PieceBands, TimeSpan.FromMilliseconds(250));
        return new KernelSpeeds(products / 1e9, widened / 1e9, operations / 1e9);
    }

    /// <summary>Bands a second, measured until it grows no more.</summary>
    private static double Rate(ThreadTeam team, BandWork work, int bands, int pieceBands, TimeSpan time)
    {
        const int mostWindows = 5;
        var best = 0.0;
        _ = Window(team, work, bands, pieceBands, WarmUpTime);
        for (var window = 0; window < mostWindows; window++)
        {
            var rate = Window(team, work, bands, pieceBands, time);
            if (rate < 1.05 * best)
                return Math.Max(rate, best);
            best = rate;
        }

        return best;
    }

    /// <summary>Bands a second, by the median of pieces that are taken in turn: when one comes again, no cache has it any more.</summary>
    private static double Window(ThreadTeam team, BandWork work, int bands, int pieceBands, TimeSpan time)
    {
        var piece = Math.Min(pieceBands, bands);
        var pieces = bands / piece;
        List<double> seconds = [];
        for (var begin = Stopwatch.GetTimestamp(); seconds.Count == 0 || Stopwatch.GetElapsedTime(begin) < time;)
        {
            work.First = seconds.Count % pieces * piece;
            var start = Stopwatch.GetTimestamp();
            team.Run(piece, work);
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        seconds.Sort();
        return piece / Math.Max(seconds[seconds.Count / 2], 1.0 / Stopwatch.Frequency);
    }

    /// <summary>Copies of one band of normally distributed weights.</summary>
    private sealed class ProbeWeights : IDisposable
    {
        private readonly WeightMemory _memory;

        public ProbeWeights(WeightPrecision precision, int columns, long bytes)
        {
            Layout = new BandLayout(precision, BandLayout.BandRows, columns);
            BandBytes = Layout.BytesOf(0);
            Bands = checked((int)Math.Max(1, bytes / BandBytes));
            _memory = new WeightMemory((long)Bands * BandBytes);
            Inference.Kernels.Bands.Encode(Layout, 0, Normal(BandLayout.BandRows * columns), [], _memory.Slice(0, BandBytes));
            for (var band = 1; band < Bands; band++)
                _memory.Slice(0, BandBytes).CopyTo(_memory.Slice((long)band * BandBytes, BandBytes));
        }

        public BandLayout Layout { get; }

        public int BandBytes { get; }

        public int Bands { get; }

        public byte* this[int band] => _memory.Start + ((long)band * BandBytes);

        public void Dispose() => _memory.Dispose();
    }

    private abstract class BandWork : TeamWork
    {
        /// <summary>The band that item 0 is.</summary>
        public int First { get; set; }
    }

    /// <summary>Whole-number products of NF4 weights, as experts and most matrices are multiplied.</summary>
    private sealed class ProductWork : BandWork, IDisposable
    {
        private readonly ProbeWeights _weights;
        private readonly PreparedActivations _x = new();
        private readonly float[] _y; // [bands of a piece × tokens × rows]: items write apart

        public ProductWork(ProbeWeights weights, int tokens, int pieceBands)
        {
            _weights = weights;
            fixed (float* x = Normal(tokens * weights.Layout.Columns))
                _x.Prepare(x, weights.Layout.Columns, tokens, weights.Layout.Columns, ActivationPrecision.Int16);
            _y = GC.AllocateArray<float>(pieceBands * tokens * BandLayout.BandRows, pinned: true);
        }

        public override void Run(int item, int worker)
        {
            fixed (float* y = _y)
                BandProducts.Multiply(_weights.Layout, 0, _weights[First + item], _x, y + ((long)item * _x.Tokens * BandLayout.BandRows), BandLayout.BandRows);
        }

        public void Dispose() => _x.Dispose();
    }

    /// <summary>8-bit weights that are widened and meet one token's whole numbers, by turns along their grain and against it, as <c>kv_b_proj</c> does.</summary>
    private sealed class WidenedWork(ProbeWeights weights) : BandWork
    {
        private readonly float[] _x = Normal(LatentColumns);
        private readonly float[] _y = new float[PieceBands * LatentColumns]; // items write apart

        public override void Run(int item, int worker)
        {
            var rows = stackalloc Int8Row[BandLayout.BandRows];
            Int8Row.Find(weights.Layout, 0, weights[First + item], 0, BandLayout.BandRows, rows);
            fixed (float* x = _x, all = _y)
            {
                var y = all + ((long)item * LatentColumns);
                if (item % 2 == 0)
                    ExactProducts.Multiply(KernelPaths.Selected, rows, BandLayout.BandRows, LatentColumns, x, LatentColumns, 1, y, LatentColumns);
                else
                    ExactProducts.MultiplyTransposed(KernelPaths.Selected, rows, BandLayout.BandRows, LatentColumns, x, LatentColumns, 1, y, LatentColumns);
            }
        }
    }

    private static float[] Normal(int count)
    {
        var random = new SyntheticRandom(0, "kernel probe");
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = random.NextNormal();
        return values;
    }
}

/// <summary>What the kernels reach.</summary>
/// <param name="ProductGigabytesPerSecond">NF4 weights that meet one token, GB/s of the store's bytes.</param>
/// <param name="WidenedGigabytesPerSecond">8-bit weights that are widened and meet one token, GB/s of the store's bytes.</param>
/// <param name="ProductGops">NF4 weights that meet many tokens, 10⁹ operations a second.</param>
internal readonly record struct KernelSpeeds(double ProductGigabytesPerSecond, double WidenedGigabytesPerSecond, double ProductGops);
