using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Devices;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>From a folder to a model: configuration, checkpoint, the architecture's layers.</summary>
internal static class ModelLoader
{
    public static Task<TModel> LoadAsync<TModel>(
        string path, ModelOptions? options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
        where TModel : LanguageModel
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new ModelOptions();
        options.Validate();
        return Task.Run(() => Load<TModel>(path, options, progress, cancellationToken), cancellationToken);
    }

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static void RequireFolder(string path)
    {
        if (!Directory.Exists(path))
            throw new DirectoryNotFoundException($"There is no folder {path}; a model is a folder with config.json and safetensors files.");
    }

    private static TModel Load<TModel>(string path, ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
        where TModel : LanguageModel
    {
        RequireFolder(path);
        var isStore = StoreFile.IsStore(path);
        // A store's configuration is as sound as its manifest, and so not read without it.
        var config = isStore ? StoreConfig(path) : ModelConfig.Load(path);
        RequireComputable<TModel>(config, Path.Combine(path, isStore ? StoreFile.Manifest : "config.json"));
        TorchNative.EnsureLoaded();
        var device = new Device(options.Device); // torch.device would initialise CUDA, and fail without a remedy
        TorchNative.EnsureDevice(device);

        var (weights, source) = Open(path, config, options, device, progress, cancellationToken);
        // Holds every tensor until all are there: what a failure leaves half done is freed at once.
        using var scope = NewDisposeScope();
        try
        {
            LanguageModel model = config.LatentAttention is null
                ? DenseModelBuilder.Build(weights, config, options, path, source)
                : DeepseekModelBuilder.Build(weights, config, options, path, source);
            weights.Complete();
            scope.Detach(scope.DisposablesView);
            return (TModel)model;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static ModelConfig StoreConfig(string path)
    {
        using var store = PageStore.Open(path);
        return store.Config;
    }

    /// <summary>A page store, or a checkpoint as published.</summary>
    private static (IWeights Weights, IDisposable Source) Open(
        string path, ModelConfig config, ModelOptions options, Device device, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        var (held, free) = (AvailableMemory.Held(), AvailableMemory.Free());
        if (options.Memory.RamBytes is { } budget && budget - held > free && options.Logger is { } logger)
            PagingLog.AboveFree(logger, MemorySize.Format(budget), MemorySize.Format(free));
        if (StoreFile.IsStore(path))
        {
            var pages = PageStore.Open(path);
            var memory = options.UsesDeviceTier ? options.OpenDeviceMemory?.Invoke() ?? DeviceMemory.Open(device, options.Logger) : null;
            try
            {
                var plan = MemoryPlan.Create(path, pages.Manifest.Layout, config, options, held, free);
                var tier = memory is null ? null : new DeviceTier(pages, options, memory);
                var store = new StoreWeights(pages, plan, options, device, tier, progress, cancellationToken);
                return (store, store);
            }
            catch
            {
                memory?.Dispose();
                pages.Dispose();
                throw;
            }
        }

        var folder = CheckpointFolder.Open(path);
        MemoryPlan.RequireWhole(path, folder.Tensors.Values.Sum(tensor => tensor.ByteLength), options, held);
        return (new WeightLoader(folder, config, device, progress, cancellationToken), folder);
    }

    private static void RequireComputable<TModel>(ModelConfig config, string file)
    {
        var actual = config.LatentAttention is null ? typeof(DenseModel) : typeof(DeepseekModel);
        if (!typeof(TModel).IsAssignableFrom(actual))
            throw new CheckpointFormatException(file, "architectures", $"the model is {config.Architecture}, which {actual.Name} computes; load it with {actual.Name}.LoadAsync or LanguageModel.LoadAsync.");

        // Transformers' yarn ignores mscale unless mscale_all_dim is there too; DeepSeek's own code does not.
        if (config.RopeScaling is YarnRopeScaling { Magnitude: not 1, MagnitudeAllDimensions: 0 } yarn)
            throw new CheckpointFormatException(file, "rope_scaling.mscale", FormattableString.Invariant($"it is {yarn.Magnitude} and mscale_all_dim 0 or absent, which published implementations compute differently. State both, or neither."));
    }

    /// <summary>Embedding, norm and head around an architecture's layers, before anything that lies beside them is loaded.</summary>
    public static LoadedModel Finish(
        IWeights loader, ModelConfig config, ModelOptions options, string path, IDisposable source, int rotatedDimensions, IReadOnlyList<DecoderLayer> layers, long routedBytes = 0)
    {
        var embedding = loader.Matrix(TensorNames.Embedding, config.VocabularySize, config.HiddenSize);
        var head = config.TieWordEmbeddings ? embedding : loader.Matrix(TensorNames.Head, config.VocabularySize, config.HiddenSize);
        var decoder = new Decoder(
            new TorchOperations(options.AttentionForm),
            new RotaryEmbedding(rotatedDimensions, config.RopeTheta, config.RopeScaling),
            embedding, layers, loader.Norm(TensorNames.FinalNorm, config.HiddenSize), head);
        return new LoadedModel(
            config, options, path, source, decoder, options.OnCpu ? CreatePass(loader, options) : null, ChunkTokens(loader, config, options), loader.Bytes,
            StepBytes: DecodeBytes.OfStep(config, loader.Bytes, embedding.ByteSize, routedBytes),
            AlwaysReadBytes: DecodeBytes.OfStep(config, loader.Bytes - routedBytes, embedding.ByteSize, 0));
    }

    private static int ChunkTokens(IWeights loader, ModelConfig config, ModelOptions options) => loader is StoreWeights store
        ? store.Plan.ChunkTokens
        : MemoryPlan.Chunk(config, options, options.Memory.RamBytes ?? MemoryPlan.Automatic(AvailableMemory.Held(), AvailableMemory.Free()));

    /// <summary>The CPU operations' memory and threads. Only a store's weights meet rounded activations.</summary>
    private static CpuPass CreatePass(IWeights loader, ModelOptions options) =>
        new(new CpuEngine(PassMemory.Threads(options), loader is StoreWeights ? options.Activations : ActivationPrecision.Fp32));
}
