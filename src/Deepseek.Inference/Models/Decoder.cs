using Deepseek.Inference.Compute;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>The stack that both model classes share: embedding, layers, final norm, output head.</summary>
internal sealed partial class Decoder(
    IComputeOperations operations, RotaryEmbedding rotary, WeightMatrix embedding, IReadOnlyList<DecoderLayer> layers, RmsNorm norm, WeightMatrix head) : IDisposable
{
    public IComputeOperations Operations => operations;

    public RotaryEmbedding Rotary => rotary;

    public WeightMatrix Embedding => embedding;

    public WeightMatrix Head => head;

    /// <summary>Runs a batch of sequences and advances their caches.</summary>
    /// <returns>Logits of each sequence's last token, [B, V], or of every token, [N, V]; null where none are asked for.</returns>
    public Tensor? Forward(IReadOnlyList<SequenceInput> batch, LogitRows? rows, IForwardObserver? observer, Device device, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var pass = Begin(batch, observer, device, cancellationToken);
        var x = pass.Operations.Embed(Ids(batch, device), embedding); // [N, D]
        for (var layer = 0; layer < layers.Count; layer++)
        {
            observer?.OnHidden(layer, x);
            var next = layers[layer].Forward(x, pass, layer);
            x.Dispose();
            x = next;
        }

        Tensor? logits = null;
        if (rows is not null || observer is not null)
        {
            if (rows == LogitRows.Last && observer is null)
                x = LastRows(x, pass);
            x = norm.Forward(x, pass);
            observer?.OnHidden(layers.Count, x);
            if (rows is not null)
                logits = pass.Operations.Linear(rows == LogitRows.Last && observer is not null ? LastRows(x, pass) : x, head);
        }

        foreach (var (ids, cache) in batch)
            cache.Advance(ids.Span);
        return logits?.MoveToOuterDisposeScope();
    }

    /// <summary>Lays the sequences one after the other and computes their angles.</summary>
    public ForwardPass Begin(IReadOnlyList<SequenceInput> batch, IForwardObserver? observer, Device device, CancellationToken cancellationToken)
    {
        var segments = new Segment[batch.Count];
        var first = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = new Segment(batch[i].Cache, first, batch[i].Ids.Length);
            first += batch[i].Ids.Length;
        }

        var (cosine, sine) = rotary.Angles(segments, device);
        return new ForwardPass(observer?.Observed(operations) ?? operations, segments, cosine, sine, observer, cancellationToken);
    }

    /// <summary>The tokens of all sequences, int64 [N].</summary>
    public static Tensor Ids(IReadOnlyList<SequenceInput> batch, Device device)
    {
        var ids = batch.SelectMany(sequence => sequence.Ids.ToArray().Select(id => (long)id)).ToArray();
        return tensor(ids, device: device);
    }

    public void Dispose()
    {
        embedding.Dispose();
        foreach (var layer in layers)
            layer.Dispose();
        norm.Dispose();
        head.Dispose();
    }

    private static Tensor LastRows(Tensor x, ForwardPass pass) =>
        x.index_select(0, tensor([.. pass.Segments.Select(segment => segment.First + segment.Count - 1L)], device: x.device));
}
