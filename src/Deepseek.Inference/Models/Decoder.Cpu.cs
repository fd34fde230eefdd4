using Deepseek.Inference.Layers;

namespace Deepseek.Inference.Models;

// On the CPU operations.
internal sealed partial class Decoder
{
    /// <summary>Runs a batch of sequences and advances their caches.</summary>
    /// <param name="pass">The pass; its engine's gate is held.</param>
    /// <param name="batch">The sequences.</param>
    /// <param name="rows">Which logits are asked for; null for none.</param>
    /// <param name="observer">Sees what the layers produce; null where nobody looks.</param>
    /// <param name="logits">Receives them, [B, V] or [N, V].</param>
    /// <param name="cancellationToken">Asked between layers.</param>
    public unsafe void Forward(CpuPass pass, IReadOnlyList<SequenceInput> batch, LogitRows? rows, IForwardObserver? observer, float* logits, CancellationToken cancellationToken)
    {
        try
        {
            Begin(pass, batch, observer, cancellationToken);
            pass.Engine.Rows.Embed(embedding, Ids(pass, batch), pass.Tokens, pass.Stream);
            for (var layer = 0; layer < layers.Count; layer++)
            {
                pass.Observe(layer, pass.Stream);
                layers[layer].Forward(pass, layer);
            }

            if (observer is { NeedsHidden: true })
            {
                pass.Norm(norm, rounded: false);
                pass.Observe(layers.Count, pass.Engine.Normed.Start);
            }

            if (rows is { } wanted)
                Project(pass, wanted, logits);
            for (var i = 0; i < batch.Count; i++)
                batch[i].Cache.Advance(batch[i].Ids.Span);
        }
        finally
        {
            pass.End();
        }
    }

    /// <summary>Begins a pass: the sequences one after the other, and their angles.</summary>
    public void Begin(CpuPass pass, IReadOnlyList<SequenceInput> batch, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        pass.Segments.Clear();
        for (var i = 0; i < batch.Count; i++)
            pass.Segments.Add(batch[i].Cache, batch[i].Ids.Length);
        pass.Begin((int)embedding.Columns, observer, cancellationToken);
        rotary.WriteAngles(pass.Segments);
    }

    /// <summary>The tokens of all sequences, [N].</summary>
    public static unsafe int* Ids(CpuPass pass, IReadOnlyList<SequenceInput> batch)
    {
        var ids = pass.Keys.ReserveWhole(pass.Tokens);
        for (int i = 0, at = 0; i < batch.Count; i++)
        {
            batch[i].Ids.Span.CopyTo(new Span<int>(ids + at, batch[i].Ids.Length));
            at += batch[i].Ids.Length;
        }

        return ids;
    }

    /// <summary>Norms the rows that are asked for, and multiplies them with the output head.</summary>
    private unsafe void Project(CpuPass pass, LogitRows rows, float* logits)
    {
        var (engine, width) = (pass.Engine, pass.Hidden);
        if (rows == LogitRows.Last)
        {
            // Each to the begin of the stream: a sequence's last row lies no earlier than its number.
            for (var i = 0; i < pass.Segments.List.Count; i++)
            {
                var segment = pass.Segments.List[i];
                new ReadOnlySpan<float>(pass.Stream + ((segment.First + segment.Count - 1L) * width), width).CopyTo(new Span<float>(pass.Stream + ((long)i * width), width));
            }
        }

        engine.Normed.Reserve(rows == LogitRows.Last ? pass.Segments.List.Count : pass.Tokens, width, engine.Rounds(head));
        engine.Rows.Norm(pass.Stream, width, norm.Weight, norm.Epsilon, engine.Normed);
        engine.Products.Add(head, engine.Normed, logits, head.Rows);
        engine.Products.Run();
    }
}
