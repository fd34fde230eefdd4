using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>Seconds from bytes, operations and speeds: the formulas of every forecast.</summary>
/// <param name="config">The model.</param>
/// <param name="model">Its bytes.</param>
/// <param name="machine">The machine.</param>
/// <param name="placement">Where the model lies.</param>
internal sealed class SpeedModel(ModelConfig config, StoreFootprint model, MachineDescription machine, ModelPlacement placement)
{
    /// <summary>The share of a graphics card's memory and link that is supposed to be reached, as is the kernels' goal on the CPU.</summary>
    public const double DeviceShare = 0.75;

    /// <summary>The share of a graphics card's arithmetic peak that is supposed to be reached.</summary>
    public const double DeviceArithmeticShare = 0.4;

    /// <summary>The share of the CPU's peak that attention over an int16 cache reaches: 79 of 148 GOP/s on Zen 3, docs/performance.md.</summary>
    public const double AttentionShare = 0.5;

    /// <summary>Of a share of experts in memory, the hits are this power: 60 % of a fifth.</summary>
    public static readonly double SkewExponent = Math.Log(0.6) / Math.Log(0.2);

    private bool ExpertsOnDevice => placement.DeviceExperts > 0;

    /// <summary>The share of the chosen experts that are in memory.</summary>
    public double HitRate(RoutingAssumption routing, double? given) => routing switch
    {
        RoutingAssumption.Given => given ?? 0,
        RoutingAssumption.Skewed => Math.Pow(placement.ShareInMemory, SkewExponent),
        _ => placement.ShareInMemory,
    };

    /// <summary>Forecasts decoding after a number of tokens.</summary>
    public DecodeEstimate Decode(RoutingAssumption routing, double? given, int depth)
    {
        var hits = HitRate(routing, given);
        var onDevice = placement.ShareOnDevice == 0 ? 0 : hits * Math.Pow(placement.ShareOnDevice / placement.ShareInMemory, routing == RoutingAssumption.Uniform ? 1 : SkewExponent);
        var (present, missed) = (hits * model.ChosenBytes, (1 - hits) * model.ChosenBytes);
        var crossing = ExpertsOnDevice ? present - (onDevice * model.ChosenBytes) : 0;
        var disk = missed == 0 ? 0 : missed / 1e9 / machine.DiskGigabytesPerSecond;

        var bound = Always(1, 1, 1) + Experts(present + missed, 1, 1) + Link(crossing + (ExpertsOnDevice ? missed : 0), 1) + disk;
        var link = (Present: Link(crossing, DeviceShare), Missing: Link(ExpertsOnDevice ? missed : 0, DeviceShare));
        var missing = Experts(missed, machine.KernelShare, DeviceShare) + link.Missing;
        return new DecodeEstimate
        {
            Routing = routing,
            HitRate = hits,
            Depth = depth,
            AlwaysSeconds = Always(machine.KernelShare, machine.WidenShare, DeviceShare),
            AttentionSeconds = Attention(depth, 1),
            PresentSeconds = Experts(present, machine.KernelShare, DeviceShare) + link.Present,
            MissingSeconds = missing,
            LastSeconds = missed == 0 ? 0 : missing * LayersThatMiss(hits) / (missed / model.ExpertBytes),
            MissedBytes = missed,
            DiskSeconds = disk,
            LinkSeconds = link.Present + link.Missing,
            BoundTokensPerSecond = 1 / bound,
        };
    }

    /// <summary>How many layers miss an expert at least, if hits are independent of one another.</summary>
    private double LayersThatMiss(double hits) => (double)model.ChosenCount / model.ChosenPerLayer * (1 - Math.Pow(hits, model.ChosenPerLayer));

    /// <summary>Forecasts the prefill of a prompt into an empty cache.</summary>
    public PrefillEstimate Prefill(int prompt, bool warm, int chunkSize)
    {
        var chunks = (prompt + chunkSize - 1) / chunkSize;
        var touched = (config.Experts is { } experts ? Touched(experts, Math.Min(prompt, chunkSize)) : 0) * model.AllExpertBytes;
        var read = touched * chunks * (warm ? 1 - placement.ShareInMemory : 1);
        var crossing = ExpertsOnDevice ? touched * chunks * (warm ? 1 - placement.ShareOnDevice : 1) : 0;
        var products = prompt * ModelWork.ProductOperations(config, prompt);
        var arithmetic = products / Peak(machine.ArithmeticShare) + Attention(prompt / 2.0, prompt);
        var passage = chunks * (Always(machine.KernelShare, machine.WidenShare, DeviceShare) + Experts(touched, machine.KernelShare, DeviceShare));
        return new PrefillEstimate(prompt, warm, Math.Max(arithmetic, passage), read, read == 0 ? 0 : read / 1e9 / machine.DiskGigabytesPerSecond, Link(crossing, DeviceShare));
    }

    /// <summary>The share of a layer's experts that a number of tokens choose, all equally often.</summary>
    private static double Touched(ExpertConfig experts, int tokens) => 1 - Math.Pow(1 - ((double)experts.ChosenCount / experts.RoutedCount), tokens);

    private double Always(double kernelShare, double widenShare, double deviceShare)
    {
        var memory = machine.MemoryGigabytesPerSecond * 1e9;
        var onDevice = placement.Device?.AlwaysUsedBytes ?? 0;
        var onCpu = model.AlwaysReadBytes == 0 ? 0 : 1 - ((double)onDevice / model.AlwaysReadBytes);
        var seconds = onCpu * ((model.ProductBytes / (memory * kernelShare)) + (model.WidenedBytes / (memory * widenShare)));
        return machine.Device is { } device ? seconds + (onDevice / (device.GigabytesPerSecond * 1e9 * deviceShare)) : seconds;
    }

    private double Experts(double bytes, double kernelShare, double deviceShare) => bytes / 1e9 / (ExpertsOnDevice
        ? machine.Device!.GigabytesPerSecond * deviceShare
        : machine.MemoryGigabytesPerSecond * kernelShare);

    private double Link(double bytes, double share) => bytes == 0 ? 0 : bytes / 1e9 / (machine.Device!.LinkGigabytesPerSecond * share);

    /// <summary>Arithmetic over the cache, where the cache lies; its bytes where they take longer, once for all rows of a prompt.</summary>
    private double Attention(double depth, int rows)
    {
        var onDevice = placement.Device is { CacheBytes: > 0 };
        var operations = rows * depth * ModelWork.AttentionOperations(config);
        var bytes = depth * ModelWork.CacheBytes(config, onDevice);
        return onDevice
            ? Math.Max(operations / (machine.Device!.Teraflops * 1e12 * DeviceArithmeticShare), bytes / (machine.Device.GigabytesPerSecond * 1e9 * DeviceShare))
            : Math.Max(operations / (machine.Int16Gops * 1e9 * AttentionShare), bytes / (machine.MemoryGigabytesPerSecond * 1e9));
    }

    /// <summary>Operations a second of products with many tokens, where most weights are computed.</summary>
    private double Peak(double share) => ExpertsOnDevice || (machine.Device is not null && model.ExpertCount == 0 && placement.Ram.AlwaysUsedBytes <= model.EmbeddingBytes)
        ? machine.Device!.Teraflops * 1e12 * DeviceArithmeticShare
        : machine.Int16Gops * 1e9 * share;
}
