using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>Makes page stores of random weights, of a real model's exact shape: to measure a machine before a download of hundreds of GB.</summary>
/// <remarks>
/// Precisions are those that <see cref="StoreConverter"/> chooses by default. Weights are normally distributed and quantized; experts are used equally often, or as <see cref="SyntheticOptions.Skew"/>
/// says. There is no tokenizer. The configuration in <c>store.json</c> says that the weights are synthetic.
/// </remarks>
public static class StoreSynthesizer
{
    // A hundred times R1: files with sizes come from strangers, and a plan holds every expert and page.
    private const long MostRecords = 1_500_000;
    private const long MostParameters = 60_000_000_000_000;

    /// <summary>Writes a store at the disk's speed. An interrupted run is taken up by the same call; on a finished store it checks every byte.</summary>
    /// <param name="config">The model, such as one of <see cref="KnownModels"/>.</param>
    /// <param name="store">The store's folder: absent, empty, or what the same call left or made.</param>
    /// <param name="options">Layers, use of experts, seed; null for the defaults.</param>
    /// <param name="progress">Told after every page, by the store's bytes.</param>
    /// <param name="cancellationToken">Ends the work between two pages; the next call goes on from there.</param>
    /// <returns>What the store holds.</returns>
    /// <exception cref="ArgumentException">The options or the configuration are at fault; all faults are named.</exception>
    /// <exception cref="CheckpointFormatException">The store's folder holds something else.</exception>
    /// <exception cref="DiskSpaceException">The disk has not enough room; nothing of what was written is lost.</exception>
    /// <exception cref="StoreCorruptedException">The store was finished before, and a page of it is damaged.</exception>
    public static Task<StoreSummary> SynthesizeAsync(
        ModelConfig config, string store, SyntheticOptions? options = null, IProgress<ConvertProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(store);
        options ??= new SyntheticOptions();
        var model = Configure(config, options);
        return Task.Run(() =>
        {
            var plan = Lay(model, options);
            return StoreConverter.WriteOrVerify(plan, store, [], options.Threads, Fingerprint(plan), progress, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>What a store would hold.</summary>
    /// <param name="config">The model.</param>
    /// <param name="options">Layers and multi-token prediction; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options or the configuration are at fault; all faults are named.</exception>
    public static StoreSummary Plan(ModelConfig config, SyntheticOptions? options = null)
    {
        options ??= new SyntheticOptions();
        return StoreSummary.Of(Lay(Configure(config, options), options).Layout);
    }

    /// <summary>What a store would hold, in whatever precisions: what a plan counts with.</summary>
    /// <param name="config">The model.</param>
    /// <param name="options">Layers and multi-token prediction.</param>
    /// <param name="precisions">Precisions by class of weights.</param>
    /// <exception cref="ArgumentException">The options or the configuration are at fault; all faults are named.</exception>
    internal static StoreFootprint Footprint(ModelConfig config, SyntheticOptions options, StoreOptions precisions)
    {
        var model = Configure(config, options);
        return StoreFootprint.Of(Lay(model, options, precisions).Layout, model);
    }

    /// <summary>The store's model: the one that was given, with as many layers as were asked for.</summary>
    internal static ModelConfig Configure(ModelConfig config, SyntheticOptions options)
    {
        ArgumentNullException.ThrowIfNull(config);
        options.Validate(config);
        var layers = options.Layers ?? config.LayerCount;
        var model = config with
        {
            LayerCount = layers,
            Experts = config.Experts is { } experts ? experts with { FirstDenseLayers = Math.Min(experts.FirstDenseLayers, layers) } : null,
            MultiTokenPredictionLayers = options.MultiTokenPrediction ? config.MultiTokenPredictionLayers : 0,
            DataType = null,
            Quantization = null,
        };
        try
        {
            return ModelConfig.Parse(ModelConfigWriter.ToJson(model), "config") is var parsed && parsed == model
                ? parsed
                : throw new ArgumentException("The configuration holds values that its architecture does not have; make it with ModelConfig.Parse, or change one of KnownModels.", nameof(config));
        }
        catch (CheckpointFormatException fault)
        {
            throw new ArgumentException($"The configuration describes no model: {fault.Message}", nameof(config), fault);
        }
    }

    private static StorePlan Lay(ModelConfig model, SyntheticOptions options, StoreOptions? precisions = null)
    {
        var records = Enumerable.Range(0, model.LayerCount + model.MultiTokenPredictionLayers).Count(layer => model.Experts?.IsMixture(layer) == true) * (long)(model.Experts?.RoutedCount ?? 0);
        if (records > MostRecords || ParameterCounts.Of(model).TotalWithPrediction > MostParameters)
            throw new ArgumentException(FormattableString.Invariant($"The configuration describes a model of more than {MostParameters} parameters or {MostRecords} experts, far more than any that is known; at least one of its sizes is wrong."));
        try
        {
            return StorePlan.Create(model, ModelConfigWriter.ToJson(model, json => WriteOrigin(json, options)), new SyntheticContent(model, options.Seed, options.Skew, precisions), options.MultiTokenPrediction);
        }
        catch (Exception fault) when (fault is CheckpointFormatException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new ArgumentException("The configuration describes a matrix or an expert that is larger than a store's page can be, 1 GiB; at least one of its sizes is wrong.", fault);
        }
    }

    /// <summary>So that nobody takes random weights for a model, nor one store for another.</summary>
    private static void WriteOrigin(Utf8JsonWriter json, SyntheticOptions options)
    {
        json.WriteStartObject("synthetic_weights");
        json.WriteNumber("seed", options.Seed);
        if (options.Skew is { } skew)
            json.WriteNumber("skew", skew);
        json.WriteEndObject();
    }

    // The layout holds the model, the seed and the skew.
    private static UInt128 Fingerprint(StorePlan plan) => StoreManifest.Checksum([.. "synthetic weights 1\n"u8, .. StoreManifest.ToJson(plan.Layout)]);
}
