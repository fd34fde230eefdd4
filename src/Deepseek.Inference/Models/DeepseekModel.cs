using Deepseek.Inference.Caching;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Devices;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>DeepSeek-V2, V2-Lite, V3, R1 and models of their shape (Kimi-K2, Moonlight): latent attention and a mixture of experts.</summary>
/// <example>
/// <code>
/// using var model = await DeepseekModel.LoadAsync("DeepSeek-V2-Lite");
/// using var cache = model.CreateCache();
/// using var logits = model.Forward(new[] { 100000, 5726 }, cache); // [1, vocabulary]
/// </code>
/// </example>
/// <inheritdoc cref="LanguageModel" path="/remarks" />
public sealed class DeepseekModel : LanguageModel
{
    private readonly Decoder _decoder;
    private readonly IExpertSource _experts;
    private readonly MultiTokenPrediction? _prediction;

    internal DeepseekModel(LoadedModel loaded, IExpertSource experts, MultiTokenPrediction? prediction)
        : base(loaded) =>
        (_decoder, _experts, _prediction) = (loaded.Decoder, experts, prediction);

    /// <summary>Whether a multi-token-prediction layer was loaded.</summary>
    public bool HasMultiTokenPrediction => _prediction is not null;

    /// <inheritdoc />
    public override PagingStatistics? Paging => (((_experts as DeviceExperts)?.Host ?? _experts) as PagedExperts)?.Statistics;

    /// <inheritdoc />
    public override DeviceStatistics? DeviceMemory => (_experts as DeviceExperts)?.Statistics;

    /// <summary>Loads a DeepSeek model from a Hugging Face folder.</summary>
    /// <inheritdoc cref="LanguageModel.LoadAsync" />
    public static new Task<DeepseekModel> LoadAsync(
        string path, ModelOptions? options = null, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        ModelLoader.LoadAsync<DeepseekModel>(path, options, progress, cancellationToken);

    /// <summary>A cache for the multi-token-prediction layer, beside that of the model.</summary>
    /// <param name="options">Precision, length and window; null for the defaults.</param>
    /// <exception cref="InvalidOperationException">The model has no such layer.</exception>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public SequenceCache CreatePredictionCache(CacheOptions? options = null)
    {
        var owner = RequirePrediction();
        return CreateCache(owner, 1, options);
    }

    /// <summary>Predicts the token after next of every row with the multi-token-prediction layer (arXiv:2412.19437, §2.2).</summary>
    /// <param name="nextIds">T tokens: the one that follows each row's token.</param>
    /// <param name="hidden">The model's state of each row after its final norm, [T, D] row by row, as <see cref="ForwardTrace.Hidden"/> has it.</param>
    /// <param name="cache">A cache of <see cref="CreatePredictionCache"/>; its positions begin at 0.</param>
    /// <param name="trace">Collects the layer's input as <c>Hidden[0]</c> and its chosen experts; null where nobody looks.</param>
    /// <param name="cancellationToken">Ends the pass; the cache is then as before.</param>
    /// <returns>Logits in fp32, [T, vocabulary]; the caller disposes them.</returns>
    /// <exception cref="InvalidOperationException">The model has no such layer.</exception>
    /// <exception cref="ArgumentException">There are no tokens, the states are not [T, D], or the tokens do not fit the cache.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">The model or the cache has been disposed.</exception>
    public Tensor PredictAfterNext(
        ReadOnlyMemory<int> nextIds, ReadOnlyMemory<float> hidden, SequenceCache cache, ForwardTrace? trace = null, CancellationToken cancellationToken = default) =>
        ObserveAfterNext(nextIds, hidden, cache, trace, cancellationToken);

    /// <summary><see cref="PredictAfterNext"/> for any observer.</summary>
    internal Tensor ObserveAfterNext(
        ReadOnlyMemory<int> nextIds, ReadOnlyMemory<float> hidden, SequenceCache cache, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var prediction = RequirePrediction();
        using var lease = Enter();
        RequireIds(nextIds.Span);
        if (hidden.Length != (long)nextIds.Length * Config.HiddenSize)
            throw new ArgumentException($"There are {hidden.Length} values of hidden states; {nextIds.Length} tokens of width {Config.HiddenSize} need {(long)nextIds.Length * Config.HiddenSize}.", nameof(hidden));
        RequireOwner(cache, prediction);
        cache.RequireRoom(nextIds.Length);

        SequenceInput[] batch = [new(nextIds, cache)];
        if (Cpu is not null && observer is not { NeedsTensors: true })
            return PredictOnCpu(prediction, batch, hidden.Span, observer, cancellationToken);

        using var scope = NewDisposeScope();
        var pass = _decoder.Begin(batch, observer, Device, cancellationToken);
        var states = tensor(hidden.ToArray(), [nextIds.Length, Config.HiddenSize], device: Device);
        var logits = prediction.Forward(Decoder.Ids(batch, Device), states, pass);
        cache.Advance(nextIds.Span);
        return logits.MoveToOuterDisposeScope();
    }

    private unsafe Tensor PredictOnCpu(MultiTokenPrediction prediction, SequenceInput[] batch, ReadOnlySpan<float> hidden, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        var (ids, cache) = batch[0];
        var logits = empty(ids.Length, Config.VocabularySize, ScalarType.Float32);
        lock (Cpu!.Engine.Gate)
        {
            try
            {
                _decoder.Begin(Cpu, batch, observer, cancellationToken);
                fixed (float* states = hidden)
                    prediction.Forward(Decoder.Ids(Cpu, batch), states, Cpu, (float*)logits.Address());
            }
            catch
            {
                logits.Dispose();
                throw;
            }
            finally
            {
                Cpu.End();
            }
        }

        cache.Advance(ids.Span);
        return logits;
    }

    private protected override SequenceCache CreateCache(object owner, int layers, int maxLength, CacheOptions options) =>
        new LatentCache(owner, layers, Config.LatentAttention!, maxLength, options, Device);

    private protected override void ReleaseWeights()
    {
        _prediction?.Dispose();
        _experts.Dispose();
    }

    private MultiTokenPrediction RequirePrediction() => _prediction
        ?? throw new InvalidOperationException($"The model in {Location} has no multi-token-prediction layer; use a checkpoint that has one, and leave {nameof(ModelOptions.LoadMultiTokenPrediction)} on.");
}
