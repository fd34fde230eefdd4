using System.Runtime.CompilerServices;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Generation;

/// <summary>Continues sequences of token ids; knows nothing of text.</summary>
/// <remarks>Thread-safe: every call works on a thread of its own, off the caller's. The model stays the caller's.</remarks>
/// <example>
/// <code>
/// await foreach (var token in new Generator(model).GenerateAsync(prompt, new GenerationOptions { MaxNewTokens = 100 }))
///     Console.WriteLine(token.Id);
/// </code>
/// </example>
public sealed class Generator
{
    private readonly LanguageModel _model;

    /// <summary>Creates a generator with the sampling defaults of the model's <c>generation_config.json</c>, if it has one.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="Diagnostics.CheckpointFormatException">The file is at fault.</exception>
    public Generator(LanguageModel model)
        : this(model, ReadDefaults(model))
    {
    }

    /// <summary>Creates a generator with sampling defaults of the caller's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="defaults">What unset settings mean.</param>
    public Generator(LanguageModel model, GenerationDefaults defaults)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(defaults);
        (_model, Defaults) = (model, defaults);
    }

    /// <summary>What unset settings mean.</summary>
    public GenerationDefaults Defaults { get; }

    internal LanguageModel Model => _model;

    /// <summary>Continues one sequence.</summary>
    /// <param name="prompt">Its tokens; at least one.</param>
    /// <param name="options">How it is continued; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the generation, at the latest between two layers.</param>
    /// <returns>The tokens as they come; the last one has a finish reason. Each is computed when it is asked for.</returns>
    /// <inheritdoc cref="GenerateBatchAsync" path="/exception" />
    public IAsyncEnumerable<TokenResult> GenerateAsync(
        ReadOnlyMemory<int> prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(new GenerationRequest(prompt, options), cancellationToken);

    /// <summary>Continues one sequence, over a cache of the caller's where the request has one.</summary>
    /// <inheritdoc cref="GenerateAsync(ReadOnlyMemory{int}, GenerationOptions?, CancellationToken)" />
    /// <param name="request">The sequence.</param>
    /// <param name="cancellationToken">Ends the generation, at the latest between two layers.</param>
    public IAsyncEnumerable<TokenResult> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return GenerateBatchAsync([request], 1, cancellationToken).Select(result => result.Token);
    }

    /// <summary>Continues several sequences together: every weight is read once for all of them.</summary>
    /// <param name="requests">The sequences; they join in their order, as places become free.</param>
    /// <param name="batchSize">Sequences decoded together at most, 1 or more.</param>
    /// <param name="cancellationToken">Ends the generation, at the latest between two layers.</param>
    /// <returns>The tokens of all sequences as they come, each with the place of its request.</returns>
    /// <exception cref="ArgumentException">
    /// A request is null, a prompt is empty or does not fit the context, a cache is another model's or given twice, or options are at fault; thrown by the
    /// call itself, before any work.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="batchSize"/> is below 1, or a token is not of the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IAsyncEnumerable<BatchTokenResult> GenerateBatchAsync(
        IReadOnlyList<GenerationRequest> requests, int batchSize = 8, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        var snapshot = requests.ToArray();
        RequireOwnCaches(snapshot);
        _ = Sequences(snapshot); // finds every fault before any work
        return RunAsync(snapshot, batchSize, cancellationToken);
    }

    private static void RequireOwnCaches(GenerationRequest[] requests)
    {
        var caches = new HashSet<SequenceCache>();
        for (var i = 0; i < requests.Length; i++)
        {
            if (requests[i] is null)
                throw new ArgumentException($"Request {i} is null; every request must be given.", nameof(requests));
            if (requests[i].Cache is { } cache && !caches.Add(cache))
                throw new ArgumentException($"The cache of request {i} is that of an earlier one; every sequence needs a cache of its own.", nameof(requests));
        }
    }

    private Sequence[] Sequences(GenerationRequest[] requests) =>
        [.. requests.Select((request, index) => new Sequence(index, request, _model, Defaults))];

    private async IAsyncEnumerable<BatchTokenResult> RunAsync(
        GenerationRequest[] requests, int batchSize, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var sequences = Sequences(requests); // anew, since the result may be enumerated more than once
        await using var thread = new WorkThread("Deepseek.Inference generation");
        try
        {
            var active = new List<Sequence>();
            for (var next = 0; next < sequences.Length || active.Count > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                IReadOnlyList<BatchTokenResult> results;
                if (next < sequences.Length && active.Count < batchSize)
                {
                    var joining = sequences[next++];
                    joining.Begin();
                    active.Add(joining);
                    results = await thread.Run(() => Step([joining], cancellationToken)).ConfigureAwait(false);
                }
                else
                {
                    results = await thread.Run(() => Step(active, cancellationToken)).ConfigureAwait(false);
                }

                foreach (var ended in active.Where(sequence => sequence.HasEnded))
                    ended.Dispose(); // its memory serves the ones that wait
                active.RemoveAll(sequence => sequence.HasEnded);
                foreach (var result in results)
                    yield return result;
            }
        }
        finally
        {
            foreach (var sequence in sequences)
                sequence.Dispose();
        }
    }

    /// <summary>One pass of the model and one token of each sequence.</summary>
    private List<BatchTokenResult> Step(List<Sequence> sequences, CancellationToken cancellationToken)
    {
        var step = SequencePass.Run(_model, [.. sequences.Select(sequence => (sequence, sequence.Next()))], cancellationToken);
        return [.. sequences.Select((sequence, row) => new BatchTokenResult(sequence.Index, sequence.Choose(step.Logits(row))))];
    }

    private static GenerationDefaults ReadDefaults(LanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var file = Path.Combine(model.Location, "generation_config.json");
        return File.Exists(file) ? GenerationDefaults.Parse(File.ReadAllText(file), file) : GenerationDefaults.None;
    }
}
