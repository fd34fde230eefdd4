using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Planning;

/// <summary>What is planned for.</summary>
public sealed record PlanOptions
{
    /// <summary>Decoder layers, the dense ones among them, 1 to the model's count; null (the default) for all.</summary>
    public int? Layers { get; init; }

    /// <summary>Tokens of context that there is to be room for; null (the default) for 8,192, or the model's positions where they are fewer.</summary>
    public int? ContextTokens { get; init; }

    /// <summary>Tokens of the prompt whose prefill is forecast; null (the default) for 2,048, or the context where it is shorter.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>The share of the chosen experts that will be in memory, 0 to 1, where it is known: a forecast is then made for it as well. Null (the default) for none.</summary>
    public double? HitRate { get; init; }

    /// <summary>RAM for the runtime, its libraries and scratch memory, in bytes. Default 0.6 GiB. A long prompt in large chunks takes more.</summary>
    public long RamReserveBytes { get; init; } = 644_245_094;

    /// <summary>Memory of the graphics card for its driver and scratch memory, in bytes. Default 1 GiB.</summary>
    public long DeviceReserveBytes { get; init; } = 1L << 30;

    /// <summary>Tokens of a prompt that pass a layer at once: so often the experts are read. Default 8,192.</summary>
    public int ChunkSize { get; init; } = 8192;

    internal int Context(ModelConfig config) => ContextTokens ?? Math.Min(8192, config.MaxPositions);

    internal int Prompt(ModelConfig config) => PromptTokens ?? Math.Min(2048, Context(config));

    /// <summary>Reports every fault at once.</summary>
    /// <param name="config">The model that is planned.</param>
    /// <exception cref="ArgumentException">A number is out of its range; all faults are named.</exception>
    public void Validate(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        List<string> faults = [];
        if (Layers is { } layers && (layers < 1 || layers > config.LayerCount))
            Add($"{nameof(Layers)} is {layers}; it must be 1 to {config.LayerCount}, the model's layers.");
        if (ContextTokens is { } context && (context < 1 || context > config.MaxPositions))
            Add($"{nameof(ContextTokens)} is {context}; it must be 1 to {config.MaxPositions}, the positions that the model was made for.");
        if (PromptTokens is { } prompt && (prompt < 1 || prompt > Context(config)))
            Add($"{nameof(PromptTokens)} is {prompt}; it must be 1 to {Context(config)}, the context that is planned.");
        if (HitRate is { } rate && !(rate is >= 0 and <= 1))
            Add($"{nameof(HitRate)} is {rate}; it must be 0 to 1.");
        if (RamReserveBytes < 0)
            Add($"{nameof(RamReserveBytes)} is {RamReserveBytes}; it must be 0 or more.");
        if (DeviceReserveBytes < 0)
            Add($"{nameof(DeviceReserveBytes)} is {DeviceReserveBytes}; it must be 0 or more.");
        if (ChunkSize < 1)
            Add($"{nameof(ChunkSize)} is {ChunkSize}; it must be 1 or more.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(PlanOptions)}: {string.Join(" ", faults)}");

        void Add(FormattableString fault) => faults.Add(FormattableString.Invariant(fault));
    }
}
