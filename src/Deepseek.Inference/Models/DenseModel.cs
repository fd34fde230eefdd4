using Deepseek.Inference.Caching;

namespace Deepseek.Inference.Models;

/// <summary>The distilled models of R1: plain Qwen2 and Llama 3, with grouped-query attention and dense feed-forwards.</summary>
/// <inheritdoc cref="LanguageModel" path="/remarks" />
public sealed class DenseModel : LanguageModel
{
    internal DenseModel(LoadedModel loaded)
        : base(loaded)
    {
    }

    /// <summary>Loads a distilled model from a Hugging Face folder.</summary>
    /// <inheritdoc cref="LanguageModel.LoadAsync" />
    public static new Task<DenseModel> LoadAsync(
        string path, ModelOptions? options = null, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        ModelLoader.LoadAsync<DenseModel>(path, options, progress, cancellationToken);

    private protected override SequenceCache CreateCache(object owner, int layers, int maxLength, CacheOptions options) =>
        new KeyValueCache(owner, layers, Config.KeyValueHeadCount, Config.HeadSize, maxLength, options, Device);
}
