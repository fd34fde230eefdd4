using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Devices;
using Microsoft.Extensions.Logging;

namespace Deepseek.Inference.Models;

/// <summary>How a model is loaded and computed.</summary>
public sealed record ModelOptions
{
    /// <summary>The most threads that may compute.</summary>
    public const int MaxThreads = ThreadTeam.MaxThreads;

    /// <summary>Where it is computed: <c>cpu</c> (the default), <c>cuda</c> or <c>cuda:1</c>. CUDA is unverified: it has not run on a GPU.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// Threads that compute, 1 to 256; null (the default) for as many as there are processors, of the Torch operations for libtorch's choice. For the time of a pass these set it for its thread, and for
    /// threads that use libtorch for the first time.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>What computes. Default <see cref="ComputeOperations.Automatic"/>: kernels of our own on a CPU, libtorch elsewhere.</summary>
    public ComputeOperations Operations { get; init; } = ComputeOperations.Automatic;

    /// <summary>What activations are rounded to before they meet a store's weights of 4 and 8 bits, on the CPU operations. Default <see cref="ActivationPrecision.Int16"/>; other weights meet them in fp32.</summary>
    public ActivationPrecision Activations { get; init; } = ActivationPrecision.Int16;

    /// <summary>
    /// Tokens of a prompt that pass the model at once, 1 to 65,536; null (the default) for as many as a thirty-second part of the memory holds, 8,192 at most, of the Torch operations for 512. A layer's weights are read once for
    /// them; fewer take less memory. On the CPU operations no result depends on it.
    /// </summary>
    public int? ChunkSize { get; init; }

    /// <summary>The form of latent attention. Default <see cref="AttentionForm.Absorbed"/>.</summary>
    public AttentionForm AttentionForm { get; init; } = AttentionForm.Absorbed;

    /// <summary>Whether a multi-token-prediction layer is loaded where the checkpoint has one. Default true.</summary>
    public bool LoadMultiTokenPrediction { get; init; } = true;

    /// <summary>The memory that the model may take. By default what is free.</summary>
    public MemoryBudget Memory { get; init; } = new();

    /// <summary>How experts come into memory and leave it, where not all of them fit.</summary>
    public PagingOptions Paging { get; init; } = new();

    /// <summary>Told of what a user should know and no exception tells: a budget above what is free, a disk that cannot be read directly. Null for nobody.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>Whether the CPU operations compute.</summary>
    internal bool OnCpu => Operations == ComputeOperations.Cpu || (Operations == ComputeOperations.Automatic && Device == "cpu" && AttentionForm == AttentionForm.Absorbed);

    /// <summary>Whether a store's weights lie in the device's memory and are decoded there; null for wherever the device is no CPU. Of no account on the CPU operations.</summary>
    internal bool? DeviceTier { get; init; }

    /// <summary>What stands for the device's memory in a test; null for the device's own.</summary>
    internal Func<IDeviceMemory>? OpenDeviceMemory { get; init; }

    /// <summary>Whether they do.</summary>
    internal bool UsesDeviceTier => !OnCpu && (DeviceTier ?? Device != "cpu");

    /// <summary>Reports every fault at once, before anything is read.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (!IsDevice(Device))
            faults.Add($"{nameof(Device)} is '{Device}'; it must be cpu, cuda or cuda:N.");
        if (Threads is < 1 or > MaxThreads)
            faults.Add($"{nameof(Threads)} is {Threads}; it must be 1 to {MaxThreads}.");
        if (ChunkSize is < 1 or > 65_536)
            faults.Add($"{nameof(ChunkSize)} is {ChunkSize}; it must be 1 to 65536 tokens.");
        if (!Enum.IsDefined(AttentionForm))
            faults.Add($"{nameof(AttentionForm)} is {AttentionForm}; it must be Absorbed or Naive.");
        if (!Enum.IsDefined(Operations))
            faults.Add($"{nameof(Operations)} is {Operations}; it must be Automatic, Torch or Cpu.");
        else if (Operations == ComputeOperations.Cpu && Device != "cpu")
            faults.Add($"{nameof(Operations)} is Cpu and {nameof(Device)} '{Device}'; the CPU operations compute on cpu alone.");
        else if (Operations == ComputeOperations.Cpu && AttentionForm != AttentionForm.Absorbed)
            faults.Add($"{nameof(Operations)} is Cpu and {nameof(AttentionForm)} {AttentionForm}; the CPU operations have the absorbed form alone.");
        if (!Enum.IsDefined(Activations))
            faults.Add($"{nameof(Activations)} is {Activations}; it must be Fp32, Int16 or Int8.");
        if (Memory is null)
            faults.Add($"{nameof(Memory)} is null; it must be a budget, such as new MemoryBudget() for what is free.");
        if (Paging is null)
            faults.Add($"{nameof(Paging)} is null; it must be options, such as new PagingOptions() for the defaults.");
        Memory?.Validate(faults);
        Paging?.Validate(faults);
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(ModelOptions)}: {string.Join(" ", faults)}");
    }

    private static bool IsDevice(string? device) =>
        device is "cpu" or "cuda" || (device?.StartsWith("cuda:", StringComparison.Ordinal) == true && byte.TryParse(device.AsSpan(5), out var index) && index < 128);
}
